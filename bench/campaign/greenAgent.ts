/**
 * Child process: our green agent, as the command serves it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { GreenAgent } from "../../src/agents/GreenAgent.ts"
import { Grader } from "../../src/grading/Grader.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { answerCalls } from "../support/answerCalls.ts"
import type { Calls } from "./calls.ts"

/** Never closed: it ends with the process. */
const scope = Scope.makeUnsafe()

answerCalls<Calls>({
  startGreen: async () => {
    const agent = GreenAgent.layer({ host: "127.0.0.1", port: 0 }).pipe(
      Layer.provide([A2aClient.layer, Grader.layer, Ticker.layer()])
    )
    return Context.get(await Effect.runPromise(Layer.buildWithScope(agent, scope)), GreenAgent).url
  }
})
