/**
 * Measures what readers cost that do not read: fresh processes, an engine that paces itself, and the agent's memory
 * before the first reader and after the last token.
 *
 * The SDK's handler takes minutes for such answers, so there is a budget; what has not come to rest in it is measured as
 * it is then, which is a lower bound.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { startAgentProcess } from "../relay/agentProcess.ts"
import type { AgentName } from "../relay/calls.ts"
import * as Child from "../support/Child.ts"
import { startEngineProcess } from "../wire/startEngine.ts"
import type { Calls } from "./calls.ts"
import type { PausedCell, Shape } from "./Results.ts"

export interface PausedOptions {
  readonly agent: AgentName
  readonly shape: Shape
  readonly readers: number
  readonly tokens: number
  readonly budgetSeconds: number
}

export const startHoldingClient = Child.start<Calls>("client", new URL("./holdingClient.ts", import.meta.url))

/** So that all readers are there before much of the text is. */
const GAP_MILLIS = 0.5
/** Ten thousand of them are more than the kernel keeps for a connection. */
const LONG_TOKEN_CHARACTERS = 1000
/** The SDK's handler takes minutes for more. */
const sdkWarmUp = { tasks: 3, tokens: 1000 }
const RESTING_MILLIS = 500
/** Of one processor. */
const RESTING_SHARE = 0.1
const COLLECTING_LIMIT = "20 seconds"

/** One cell. What goes wrong with an agent is a result. */
export const measurePaused = (options: PausedOptions): Effect.Effect<PausedCell> =>
  Effect.catch(Effect.scoped(measure(options)), ({ message }) =>
    Effect.succeed({
      agent: options.agent,
      shape: options.shape,
      detail: message,
      growthBytes: null,
      peakGrowthBytes: null,
      finished: false,
      collected: false
    }))

const measure = Effect.fnUntraced(function*({ agent, budgetSeconds, readers, shape, tokens }: PausedOptions) {
  const engine = yield* startEngineProcess
  const child = yield* startAgentProcess(agent)
  const client = yield* startHoldingClient
  const startAgent = Effect.fnUntraced(function*(tokens: number) {
    const engineUrl = yield* engine.call("startEngine", {
      tokens,
      gapMillis: GAP_MILLIS,
      silentAfter: null,
      text: "numbered",
      padding: shape === "long" ? LONG_TOKEN_CHARACTERS : 0
    })
    return yield* child.call("startAgent", { engineUrl: `${engineUrl}/v1`, maxTokens: tokens })
  })
  const atRest = Effect.gen(function*() {
    yield* engine.call("allClosed", null)
    while (true) {
      const before = yield* child.usage
      yield* Effect.sleep(RESTING_MILLIS)
      const after = yield* child.usage
      if ((after.cpuMicros - before.cpuMicros) / 1000 < RESTING_SHARE * RESTING_MILLIS) return
    }
  })
  const collect = Effect.timeoutOption(child.call("collectGarbage", null), COLLECTING_LIMIT)
  const engineHas = Effect.fnUntraced(function*(tokens: number) {
    while ((yield* engine.call("streams", null)).tokens < tokens) yield* Effect.sleep("10 millis")
  })

  // The same that is then measured, but with readers that read: the heap of a process grows with what goes through it,
  // whoever reads, and does not shrink.
  const warmUp = agent === "sdk" ? sdkWarmUp : { tasks: shape === "tasks" ? readers : 1, tokens }
  const warmUpUrl = yield* startAgent(warmUp.tokens)
  for (let time = 0; time < 2; time++) {
    yield* client.call("open", { url: warmUpUrl, asking: { _tag: "NewTask" }, streams: warmUp.tasks })
    yield* atRest
  }
  yield* client.call("leave", null)
  yield* collect

  const url = yield* startAgent(tokens)
  const warmUpTokens = (yield* engine.call("streams", null)).tokens
  const before = yield* child.usage
  const finished = yield* Effect.gen(function*() {
    if (shape === "tasks") {
      yield* client.call("openPaused", { url, asking: { _tag: "NewTask" }, streams: readers })
    } else {
      const taskId = yield* client.call("startTask", { url })
      yield* client.call("openPaused", { url, asking: { _tag: "Subscribe", taskId }, streams: readers })
    }
    yield* engineHas(warmUpTokens + (shape === "tasks" ? readers : 1) * tokens)
    yield* atRest
  }).pipe(Effect.timeoutOption(budgetSeconds * 1000))
  const collected = yield* collect
  const after = yield* child.usage
  return {
    agent,
    shape,
    detail: null,
    growthBytes: after.rssBytes - before.rssBytes,
    peakGrowthBytes: after.peakRssBytes - before.rssBytes,
    finished: Option.isSome(finished),
    collected: Option.isSome(collected)
  } satisfies PausedCell
})
