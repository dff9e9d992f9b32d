/**
 * Child process: our purple agent, as the command serves it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { PurpleAgent } from "../../src/agents/PurpleAgent.ts"
import { Engine } from "../../src/engine/Engine.ts"
import * as ScrapedEvidence from "../../src/engine/ScrapedEvidence.ts"
import { WatchedEngine } from "../../src/engine/WatchedEngine.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { answerCalls } from "../support/answerCalls.ts"
import { collectGarbage } from "../support/collectGarbage.ts"
import { type Calls, MODEL } from "./calls.ts"

/** Never closed: it ends with the process. */
const scope = Scope.makeUnsafe()

answerCalls<Calls>({
  collectGarbage,
  startAgent: async ({ engineUrl, maxTokens, orphanGraceMillis }) => {
    const grace = orphanGraceMillis === undefined ? {} : { orphanGrace: orphanGraceMillis }
    const agent = PurpleAgent.layer({ host: "127.0.0.1", port: 0, ...grace }).pipe(
      Layer.provide(WatchedEngine.layer()),
      Layer.provide(Engine.layer({ baseUrl: engineUrl, model: MODEL, maxTokens })),
      Layer.provide(ScrapedEvidence.layer({ baseUrl: engineUrl })),
      Layer.provide([Ticker.layer(), LimitLearner.layerNone])
    )
    return Context.get(await Effect.runPromise(Layer.buildWithScope(agent, scope)), PurpleAgent).url
  }
})
