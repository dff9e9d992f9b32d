/**
 * Measures how long the engine goes on for a client that has gone: one stream after the other, in the same processes.
 *
 * Where the engine's connection is not closed in time there is no second try: it would not be alone.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { startAgentProcess } from "../relay/agentProcess.ts"
import type { AgentName } from "../relay/calls.ts"
import * as Child from "../support/Child.ts"
import { startEngineProcess } from "../wire/startEngine.ts"
import type { Calls } from "./calls.ts"
import type { ClosingCell, EngineState, Way } from "./Results.ts"

export interface ClosingOptions {
  readonly agent: AgentName
  readonly way: Way
  readonly engine: EngineState
  readonly runs: number
  readonly graceMillis: number
  readonly limitSeconds: number
}

export const startResumingClient = Child.start<Calls>("client", new URL("./resumingClient.ts", import.meta.url))

const GAP_MILLIS = 10
const STALLED_AFTER = 3
const ENDLESS_TOKENS = 1_000_000
/** From the first token until the client goes. */
const READING = "50 millis"
/** The first ones are for the compiler. */
const WARM_UP_RUNS = 3

/** One cell. What goes wrong with an agent is a result. */
export const measureClosing = (options: ClosingOptions): Effect.Effect<ClosingCell> => {
  const { agent, engine, way } = options
  return Effect.catch(
    Effect.scoped(measure(options)),
    ({ message }) => Effect.succeed({ agent, way, engine, closedMillis: [], notWithinSeconds: null, detail: message })
  )
}

const measure = Effect.fnUntraced(function*(options: ClosingOptions) {
  const { graceMillis, limitSeconds, runs, way } = options
  const engine = yield* startEngineProcess
  const agent = yield* startAgentProcess(options.agent)
  const client = yield* startResumingClient
  const engineUrl = yield* engine.call("startEngine", {
    tokens: ENDLESS_TOKENS,
    gapMillis: GAP_MILLIS,
    silentAfter: options.engine === "stalled" ? STALLED_AFTER : null,
    text: "numbered"
  })
  const url = yield* agent.call("startAgent", {
    engineUrl: `${engineUrl}/v1`,
    maxTokens: ENDLESS_TOKENS,
    orphanGraceMillis: graceMillis
  })
  const once = Effect.gen(function*() {
    const taskId = yield* client.call("begin", { url })
    yield* Effect.sleep(READING)
    const leftAt = way === "cancel"
      ? (yield* client.call("cancel", { url, taskId })).sentAt
      : yield* client.call("leave", null)
    return (yield* engine.call("allClosed", null)) - leftAt
  })
  const closedMillis: Array<number> = []
  for (let run = 1 - WARM_UP_RUNS; run <= runs; run++) {
    const millis = yield* Effect.timeoutOption(once, limitSeconds * 1000)
    if (Option.isNone(millis)) return { ...cellOf(options, closedMillis), notWithinSeconds: limitSeconds }
    if (run > 0) closedMillis.push(millis.value)
  }
  return cellOf(options, closedMillis)
})

const cellOf = ({ agent, engine, way }: ClosingOptions, closedMillis: ReadonlyArray<number>): ClosingCell => ({
  agent,
  way,
  engine,
  closedMillis,
  notWithinSeconds: null,
  detail: null
})
