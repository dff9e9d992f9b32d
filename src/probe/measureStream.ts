/**
 * One message and its stream, with a look from the side and one at the engine while it comes.
 *
 * It always ends: with the stream, when enough was seen, when nothing new has come for as long as patience goes, or when
 * the answer is as long as any may be. While nothing has come at all, progress behind the agent counts as news: an agent
 * that only collects is not silent. A task that is not over by then is cancelled.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { AgentInterface, StreamMeasurement } from "./AgentMeasurements.ts"
import { type AgentProbeSettings, MOST_PATIENCES } from "./AgentProbeSettings.ts"
import { type AgentCall, AgentWire, type StreamFault } from "./AgentWire.ts"
import { pauseMeter } from "./PauseMeter.ts"
import { type SideWatch, watchSide } from "./SideWatch.ts"
import { makeStreamRecord, type StreamRecord } from "./StreamRecord.ts"
import { measuredOf, type UpstreamView, UpstreamWatch } from "./UpstreamWatch.ts"

export interface StreamOptions {
  readonly settings: AgentProbeSettings
  readonly at: AgentInterface
  readonly cardUrl: string
  readonly text: string
  readonly contextId?: string
  /** Asks for no compression. */
  readonly plain?: boolean
  /** When enough was seen. */
  readonly until?: (record: StreamRecord, elapsedMillis: number) => boolean
  /** What is done in the end, before the task is cancelled if it is not over. */
  readonly afterwards?: (
    record: StreamRecord,
    upstream: UpstreamView
  ) => Effect.Effect<void, never, AgentWire | UpstreamWatch>
}

/** The wait between two looks of whoever ends what goes on for too long. */
export const tickMillisOf = ({ patienceMillis }: AgentProbeSettings): number => Math.min(20, patienceMillis / 10)

/** How the wait for a task ended. */
export type WaitEnd = { readonly outcome: "silent" | "cut"; readonly detail: string }

/** Ends when enough was seen, or nothing new comes. `newsAt` is the time of the last news. */
export const untilSilent = Effect.fnUntraced(function*(options: {
  readonly settings: AgentProbeSettings
  readonly startedAt: number
  readonly newsAt: Effect.Effect<number>
  readonly isEnough: (elapsedMillis: number) => boolean
}): Effect.fn.Return<WaitEnd> {
  const { isEnough, newsAt, settings, startedAt } = options
  while (true) {
    yield* Effect.sleep(tickMillisOf(settings))
    const now = Number(yield* Clock.monotonicTimeNanos) / 1e6
    if (isEnough(now - startedAt)) return { outcome: "cut", detail: "enough was seen" }
    if (now - (yield* newsAt) > settings.patienceMillis) return { outcome: "silent", detail: "" }
    if (now - startedAt > MOST_PATIENCES * settings.patienceMillis) {
      return { outcome: "cut", detail: "it was still answering" }
    }
  }
})

/** The last sign of progress that is not in the answer itself. */
export const progressBehind = (side: SideWatch, upstream: UpstreamView): Effect.Effect<number> =>
  Effect.map(upstream.seen, ({ lastAt }) => Math.max(lastAt ?? 0, side.changedAt() ?? 0))

const endOf = (record: StreamRecord, fault: StreamFault): Pick<StreamMeasurement, "outcome" | "detail"> => {
  // An error after the first event is no refusal any more.
  const isRefusal = fault?._tag === "Refused" && record.taskId() === "" && !record.hasText()
  if (fault !== undefined) return { outcome: isRefusal ? "refused" : "failed", detail: fault.detail }
  if (record.isOver()) return { outcome: "ended", detail: "" }
  return record.state().endsWith("-required")
    ? { outcome: "asks", detail: record.state() }
    : { outcome: "closed", detail: "" }
}

/** Cancels what is not over, and waits no longer than for any answer. */
export const giveUp = Effect.fnUntraced(function*(at: AgentInterface, taskId: string) {
  if (taskId !== "") yield* (yield* AgentWire).call(at, { method: "cancel", taskId })
})

/** Measures one stream. */
export const measureStream = (
  options: StreamOptions
): Effect.Effect<
  { readonly measured: StreamMeasurement; readonly record: StreamRecord },
  never,
  AgentWire | UpstreamWatch
> =>
  Effect.scoped(Effect.gen(function*() {
    const { at, contextId, plain, settings, text, until = () => false } = options
    const wire = yield* AgentWire
    const upstream = yield* (yield* UpstreamWatch).begin
    const paused = yield* pauseMeter
    const startedAt = Number(yield* Clock.monotonicTimeNanos) / 1e6
    const record = makeStreamRecord(startedAt)
    const side = yield* watchSide({
      at,
      cardUrl: options.cardUrl,
      taskId: record.taskId,
      everyMillis: settings.pollMillis
    })
    const call: AgentCall = { method: "stream", text, ...(contextId === undefined ? {} : { contextId }) }
    const newsAt = Effect.map(
      progressBehind(side, upstream),
      (behind) => Math.max(record.newsAt(), record.hasText() ? 0 : behind)
    )
    const end = yield* Effect.raceFirst(
      Effect.map(wire.stream(at, call, record, plain), (fault) => endOf(record, fault)),
      untilSilent({ settings, startedAt, newsAt, isEnough: (elapsed) => until(record, elapsed) })
    ).pipe(Effect.onInterrupt(() => Effect.timeoutOption(giveUp(at, record.taskId()), "1 second")))
    const endMillis = Number(yield* Clock.monotonicTimeNanos) / 1e6 - startedAt
    const measured = record.measured({
      ...end,
      endMillis,
      pausedMillis: paused(),
      side: side.measured(),
      upstream: measuredOf(yield* upstream.now, startedAt)
    })
    if (options.afterwards !== undefined) yield* options.afterwards(record, upstream)
    if (end.outcome !== "ended" && end.outcome !== "refused") yield* giveUp(at, record.taskId())
    return { measured, record }
  }))
