/**
 * A stream that we cut in the middle and take up again: does it begin with the task as it stands, and is the answer whole
 * in the end?
 *
 * Models do not answer twice the same, so nothing is compared with another answer: what we had must be the beginning of
 * the snapshot, and what we have in the end must be what GetTask says.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { AgentInterface, ResubscriptionMeasurement } from "./AgentMeasurements.ts"
import type { AgentProbeSettings } from "./AgentProbeSettings.ts"
import { AgentWire, type StreamFault } from "./AgentWire.ts"
import { makeAnswer } from "./AnswerText.ts"
import { giveUp, measureStream, untilSilent } from "./measureStream.ts"
import { makeStreamRecord } from "./StreamRecord.ts"
import type { UpstreamWatch } from "./UpstreamWatch.ts"

export interface ResubscriptionOptions {
  readonly settings: AgentProbeSettings
  readonly at: AgentInterface
  readonly cardUrl: string
  readonly answerMillis: number
}

/** The part of an answer after which its stream is cut, and the part that then goes by. */
const CUT_AFTER = 0.3
const AWAY_FOR = 0.1

/** Cuts a stream of its own. Null where there was no task. */
export const measureResubscription = Effect.fnUntraced(function*(
  { answerMillis, at, cardUrl, settings }: ResubscriptionOptions
): Effect.fn.Return<ResubscriptionMeasurement | null, never, AgentWire | UpstreamWatch> {
  const wire = yield* AgentWire
  let measured: ResubscriptionMeasurement | null = null

  const takeUp = Effect.fnUntraced(function*(taskId: string, had: string) {
    yield* Effect.sleep(AWAY_FOR * answerMillis)
    const startedAt = Number(yield* Clock.monotonicTimeNanos) / 1e6
    const record = makeStreamRecord(startedAt)
    let snapshot: string | undefined
    let first: string | null = null
    const frame: typeof record.frame = (read, time) => {
      record.frame(read, time)
      first ??= read.kind
      snapshot ??= read.kind === "task" ? record.answer.inArtifacts() : ""
    }
    const end = yield* Effect.raceFirst(
      Effect.map(
        wire.stream(at, { method: "subscribe", taskId }, { ...record, frame }),
        (fault): { readonly fault: StreamFault; readonly isSilent: boolean } => ({ fault, isSilent: false })
      ),
      untilSilent({
        settings,
        startedAt,
        newsAt: Effect.sync(() => record.newsAt()),
        isEnough: () => false
      }).pipe(Effect.as({ fault: undefined, isSilent: true }))
    )
    const now = yield* wire.call(at, { method: "get", taskId })
    const whole = makeAnswer()
    if (now._tag === "Answered") whole.read(now.frame)
    const isKnown = now._tag === "Answered" && whole.inArtifacts() !== ""
    return judged({
      had,
      first,
      snapshot: snapshot ?? "",
      text: record.answer.inArtifacts(),
      whole: isKnown ? whole.inArtifacts() : null,
      ...end,
      isOver: now._tag === "Answered" && record.answer.inArtifacts() === "" && end.fault !== undefined &&
        /^(completed|canceled|failed)$/.test(now.frame.state)
    })
  })

  yield* measureStream({
    settings,
    at,
    cardUrl,
    text: settings.prompt,
    until: (record, elapsed) => elapsed >= CUT_AFTER * answerMillis && record.textFrames() >= 3,
    afterwards: (record) =>
      Effect.gen(function*() {
        const taskId = record.taskId()
        if (taskId === "" || record.isOver()) return
        measured = yield* takeUp(taskId, record.answer.inArtifacts())
        yield* giveUp(at, taskId)
      })
  })
  return measured
})

/** What was had before, what the subscription began with, what is had in the end, and what the task says. */
export interface TakenUp {
  readonly had: string
  readonly first: string | null
  readonly snapshot: string
  readonly text: string
  readonly whole: string | null
  readonly fault: StreamFault
  readonly isSilent: boolean
  /** Whether the task had ended before it was subscribed to. */
  readonly isOver: boolean
}

/** What a subscription was worth. */
export const judged = (
  { fault, first, had, isOver, isSilent, snapshot, text, whole }: TakenUp
): ResubscriptionMeasurement => {
  const lengths = {
    before: had.length,
    snapshot: snapshot.length,
    after: text.length,
    whole: whole === null ? null : whole.length
  }
  const end = (outcome: ResubscriptionMeasurement["outcome"], detail = "") => ({ outcome, detail, ...lengths })
  if (isOver) return end("over", fault?.detail)
  if (fault !== undefined) return end(fault._tag === "Refused" ? "refused" : "failed", fault.detail)
  if (isSilent) return end("silent")
  if (first !== "task") return end("no-snapshot", `it began with ${first ?? "nothing"}`)
  if (had === "" || whole === null) return end("unclear", "the answer is in no artifact")
  if (text === whole && snapshot.startsWith(had)) return end("whole")
  return end(text.length > whole.length ? "doubled" : "lost")
}
