/**
 * Child process: the simulated engine, with answers of a given number of tokens at a given pace.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { answerCalls } from "../support/answerCalls.ts"
import { type Calls, MODEL } from "./calls.ts"

/** Never closed: it ends with the process. */
const scope = Scope.makeUnsafe()

answerCalls<Calls>({
  startEngine: async ({ interTokenMillis, tokens }) => {
    const simulator = Simulator.layer({
      host: "127.0.0.1",
      port: 0,
      model: MODEL,
      timeToFirstTokenMillis: 0,
      interTokenMillis,
      jitterCoefficient: 0,
      answers: { _tag: "LengthOnly", tokens }
    })
    return Context.get(await Effect.runPromise(Layer.buildWithScope(simulator, scope)), Simulator).url
  }
})
