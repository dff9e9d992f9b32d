/**
 * Child process: our purple agent, as the command serves it.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { PurpleAgent } from "../../src/agents/PurpleAgent.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { answerCalls } from "../support/answerCalls.ts"
import { type Calls, MODEL } from "./calls.ts"

/** Never closed: it ends with the process. */
const scope = Scope.makeUnsafe()

answerCalls<Calls>({
  startAgent: async ({ engineUrl, maxTokens }) => {
    const agent = PurpleAgent.layer({ host: "127.0.0.1", port: 0, stallLimit: Duration.minutes(15) }).pipe(
      Layer.provide(Engine.layer({ baseUrl: engineUrl, model: MODEL, maxTokens }))
    )
    return Context.get(await Effect.runPromise(Layer.buildWithScope(agent, scope)), PurpleAgent).url
  }
})
