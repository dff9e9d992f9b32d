/**
 * One message that is sent without a stream and without waiting, and the task behind it, asked again and again.
 *
 * An agent that does not know that wish answers when it has ended, which may take as long as any answer: then nothing is
 * known of its task before. Enough was seen when the task has shown progress some times, unless its end is wanted.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { isFinal } from "./AgentFrame.ts"
import type { AgentInterface, PolledMeasurement } from "./AgentMeasurements.ts"
import type { AgentProbeSettings } from "./AgentProbeSettings.ts"
import { AgentWire, type Answer } from "./AgentWire.ts"
import { makeAnswer } from "./AnswerText.ts"
import { giveUp, progressBehind, tickMillisOf, untilSilent } from "./measureStream.ts"
import { watchSide } from "./SideWatch.ts"
import { measuredOf, UpstreamWatch } from "./UpstreamWatch.ts"

export interface PolledOptions {
  readonly settings: AgentProbeSettings
  readonly at: AgentInterface
  readonly cardUrl: string
  readonly text: string
  /** Whether it is read to its end. */
  readonly toTheEnd: boolean
}

/** So many changes of a task are progress. */
const ENOUGH_CHANGES = 4

/** Measures one task. */
export const measurePolled = (
  options: PolledOptions
): Effect.Effect<PolledMeasurement, never, AgentWire | UpstreamWatch> =>
  Effect.scoped(Effect.gen(function*() {
    const { at, settings, text, toTheEnd } = options
    const wire = yield* AgentWire
    const upstream = yield* (yield* UpstreamWatch).begin
    const startedAt = Number(yield* Clock.monotonicTimeNanos) / 1e6
    const answer = makeAnswer()
    const sent = yield* Deferred.make<Answer>()
    let taskId = ""
    let sentAt = startedAt
    const side = yield* watchSide({
      at,
      cardUrl: options.cardUrl,
      taskId: () => taskId,
      everyMillis: settings.pollMillis
    })

    const send = Effect.gen(function*() {
      const got = yield* wire.call(at, { method: "send", text })
      sentAt = Number(yield* Clock.monotonicTimeNanos) / 1e6
      if (got._tag === "Answered") {
        answer.read(got.frame)
        taskId = got.frame.taskId
      }
      yield* Deferred.succeed(sent, got)
      if (got._tag !== "Answered") {
        return { outcome: got._tag === "Refused" ? "refused" as const : "failed" as const, detail: got.detail }
      }
      if (got.frame.kind !== "task" || isFinal(got.frame)) return { outcome: "ended" as const, detail: "" }
      while (true) {
        const seen = side.task()
        if (seen !== undefined && isFinal(seen)) {
          answer.read(seen)
          return { outcome: "ended" as const, detail: "" }
        }
        yield* Effect.sleep(tickMillisOf(settings))
      }
    })

    const end = yield* Effect.raceFirst(
      send,
      untilSilent({
        settings,
        startedAt,
        newsAt: Effect.map(progressBehind(side, upstream), (behind) => Math.max(sentAt, behind)),
        isEnough: () => !toTheEnd && side.changes() >= ENOUGH_CHANGES
      })
    ).pipe(Effect.onInterrupt(() => Effect.timeoutOption(giveUp(at, taskId), "1 second")))
    const endMillis = Number(yield* Clock.monotonicTimeNanos) / 1e6 - startedAt
    const got = (yield* Deferred.isDone(sent)) ? yield* Deferred.await(sent) : undefined
    const first = got?._tag === "Answered" ? got.frame : undefined
    if (end.outcome === "cut" || end.outcome === "silent") yield* giveUp(at, taskId)
    return {
      ...end,
      sendMillis: got?.millis ?? null,
      atOnce: first?.kind === "task" && !isFinal(first),
      isMessage: first?.kind === "message",
      state: side.task()?.state ?? first?.state ?? "",
      endMillis,
      textLength: answer.text().length,
      taskId,
      side: side.measured(),
      upstream: measuredOf(yield* upstream.now, startedAt)
    }
  }))
