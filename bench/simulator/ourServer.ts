/**
 * Child process: the simulated engine, with the same answer for all.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { answerCalls } from "../support/answerCalls.ts"
import { collectGarbage } from "../support/collectGarbage.ts"
import { type Calls, MODEL } from "./calls.ts"

/** Never closed: it ends with the process. */
const scope = Scope.makeUnsafe()

/** More than any prompt of this bench has. */
const PROMPT_TOKENS = 64

answerCalls<Calls>({
  collectGarbage,
  startServer: async ({ firstTokenMillis, gapMillis, server, streams, tokens }) => {
    const simulator = Simulator.layer({
      host: "127.0.0.1",
      port: 0,
      model: MODEL,
      timeToFirstTokenMillis: firstTokenMillis,
      interTokenMillis: gapMillis,
      // The first token of an idle stream must not come early.
      latencyDistribution: { _tag: firstTokenMillis > 0 ? "Constant" : "LogNormal" },
      maxConcurrentRequests: streams,
      // Nothing waits for room: that would measure something else.
      maxNumBatchedTokens: streams * PROMPT_TOKENS,
      kvCacheTokens: streams * (tokens + PROMPT_TOKENS),
      sseKeepAliveInterval: server === "ours+comments" ? 1 : 0,
      answers: { _tag: "LengthOnly", tokens }
    })
    return Context.get(await Effect.runPromise(Layer.buildWithScope(simulator, scope)), Simulator).url
  }
})
