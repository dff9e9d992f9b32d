/**
 * Child process: our tap, as the command runs it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { PatientFetch } from "../../src/engine/PatientFetch.ts"
import * as ScrapedEvidence from "../../src/engine/ScrapedEvidence.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { Tap } from "../../src/tap/Tap.ts"
import { answerCalls } from "../support/answerCalls.ts"
import type { Calls } from "./calls.ts"

/** Never closed: it ends with the process. */
const scope = Scope.makeUnsafe()

answerCalls<Calls>({
  startProxy: async ({ engineUrl }) => {
    const baseUrl = `${engineUrl}/v1`
    const tap = Tap.layer({ host: "127.0.0.1", port: 0, baseUrl }).pipe(
      Layer.provide(ScrapedEvidence.layer({ baseUrl })),
      Layer.provide([PatientFetch.layer, Ticker.layer(), LimitLearner.layerMemory()])
    )
    return Context.get(await Effect.runPromise(Layer.buildWithScope(tap, scope)), Tap).url
  }
})
