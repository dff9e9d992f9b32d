/**
 * Measures streams that are open and get nothing more: the engine is silent after its first token.
 *
 * A purple agent holds a request at the engine for each task, so a task costs a client connection, an engine connection
 * and the task; streams of one and the same task cost the first alone. The engine's own process is the floor: a plain
 * `node:http` server with open responses.
 */
import * as Effect from "effect/Effect"
import { startAgentProcess } from "../relay/agentProcess.ts"
import type { BenchError } from "../support/BenchError.ts"
import { startEngineProcess } from "../wire/startEngine.ts"
import type { Asking } from "./calls.ts"
import { startHoldingClient } from "./measurePaused.ts"
import type { Holder, IdleCell, Kind } from "./Results.ts"

export interface IdleOptions {
  readonly holder: Holder
  readonly kind: Kind
  readonly streams: number
  readonly idleSeconds: number
}

/** Tasks of ours that warm the process up are gone soon after their reader. */
const ORPHAN_GRACE_MILLIS = 100
const LEAVING = "1 second"

/** One cell. What goes wrong with an agent is a result. */
export const measureIdle = (options: IdleOptions): Effect.Effect<IdleCell> =>
  Effect.catch(Effect.scoped(measure(options)), ({ message }) =>
    Effect.succeed({
      holder: options.holder,
      kind: options.kind,
      detail: message,
      bytesPerStream: null,
      idleCpuShare: null
    }))

const measure = Effect.fnUntraced(function*({ holder, idleSeconds, kind, streams }: IdleOptions) {
  const engine = yield* startEngineProcess
  const client = yield* startHoldingClient
  const engineUrl = yield* engine.call("startEngine", { tokens: 2, gapMillis: 1, silentAfter: 1, text: "numbered" })
  const agent = holder === "bare" ? undefined : yield* startAgentProcess(holder)
  const url = agent === undefined ? engineUrl : yield* agent.call("startAgent", {
    engineUrl: `${engineUrl}/v1`,
    maxTokens: 2,
    orphanGraceMillis: ORPHAN_GRACE_MILLIS
  })
  const held = agent ?? engine
  const asking: Effect.Effect<Asking, BenchError> = holder === "bare"
    ? Effect.succeed({ _tag: "Engine" })
    : kind === "task"
    ? Effect.succeed({ _tag: "NewTask" })
    : Effect.map(client.call("startTask", { url }), (taskId) => ({ _tag: "Subscribe", taskId }))
  const collect = agent === undefined ? engine.call("collectGarbage", null) : agent.call("collectGarbage", null)

  // So that code and buffers that all streams share are not counted as theirs.
  yield* client.call("open", { url, asking: yield* asking, streams: Math.ceil(streams / 10) })
  yield* client.call("leave", null)
  yield* Effect.sleep(LEAVING)

  const asked = yield* asking
  yield* collect
  const empty = yield* held.usage
  yield* client.call("open", { url, asking: asked, streams })
  yield* collect
  const before = yield* held.usage
  yield* Effect.sleep(idleSeconds * 1000)
  const after = yield* held.usage
  return {
    holder,
    kind,
    detail: null,
    bytesPerStream: (before.rssBytes - empty.rssBytes) / streams,
    idleCpuShare: (after.cpuMicros - before.cpuMicros) / 1e6 / idleSeconds
  } satisfies IdleCell
})
