/**
 * CancelTask in the middle of an answer: what the agent says to it, and whether anything goes on afterwards, at the agent
 * and at its engine.
 *
 * The engine is looked at twice after the answer. What comes between the two is generated for nobody; what came before the
 * first look may have been on its way. The wait is shorter than what was left of the answer, else an engine that came to
 * its end would be taken for one that was stopped.
 */
import * as Effect from "effect/Effect"
import { isFinal } from "./AgentFrame.ts"
import type { AgentInterface, CancelMeasurement } from "./AgentMeasurements.ts"
import type { AgentProbeSettings } from "./AgentProbeSettings.ts"
import { AgentWire } from "./AgentWire.ts"
import { makeAnswer } from "./AnswerText.ts"
import { measureStream, tickMillisOf } from "./measureStream.ts"
import { type UpstreamView, UpstreamWatch } from "./UpstreamWatch.ts"

export interface CancelOptions {
  readonly settings: AgentProbeSettings
  readonly at: AgentInterface
  readonly cardUrl: string
  /** How long a whole answer takes. */
  readonly answerMillis: number
  /** Whether the task is begun by a stream, or by a send that does not wait. */
  readonly byStream: boolean
}

/** The part of an answer after which it is cancelled. */
const CANCEL_AFTER = 0.3

/** The part of an answer for which the engine may be watched: by then one that goes on has not come to its end. */
const MOST_WAIT = 0.6

/** Cancels a task of its own. Null where there was no task to cancel. */
export const measureCancel = Effect.fnUntraced(function*(
  options: CancelOptions
): Effect.fn.Return<CancelMeasurement | null, never, AgentWire | UpstreamWatch> {
  const { answerMillis, at, byStream, cardUrl, settings } = options
  const wait = CANCEL_AFTER * answerMillis
  const settle = Math.min(settings.settleMillis, answerMillis / 2)
  if (byStream) {
    let measured: CancelMeasurement | null = null
    yield* measureStream({
      settings,
      at,
      cardUrl,
      text: settings.prompt,
      until: (_, elapsed) => elapsed >= wait,
      afterwards: (record, upstream) =>
        Effect.gen(function*() {
          if (record.taskId() === "") return
          measured = record.isOver() ? ended : yield* cancelled(at, record.taskId(), upstream, answerMillis, settle)
        })
    })
    return measured
  }
  return yield* Effect.scoped(Effect.gen(function*() {
    const wire = yield* AgentWire
    const upstream = yield* (yield* UpstreamWatch).begin
    const got = yield* wire.call(at, { method: "send", text: settings.prompt }).pipe(
      Effect.timeoutOption(settings.patienceMillis)
    )
    if (got._tag === "None" || got.value._tag !== "Answered") return null
    const { frame } = got.value
    if (frame.taskId === "") return null
    if (isFinal(frame)) return ended
    yield* Effect.sleep(Math.max(wait, tickMillisOf(settings)))
    return yield* cancelled(at, frame.taskId, upstream, answerMillis, settle)
  }))
})

const ended: CancelMeasurement = {
  outcome: "ended",
  detail: "",
  millis: null,
  state: "",
  stateAfter: "",
  grewAfter: false,
  stopped: null,
  tokensAfter: null
}

const cancelled = Effect.fnUntraced(function*(
  at: AgentInterface,
  taskId: string,
  upstream: UpstreamView,
  answerMillis: number,
  settleMillis: number
): Effect.fn.Return<CancelMeasurement, never, AgentWire | UpstreamWatch> {
  const wire = yield* AgentWire
  const { lagMillis } = yield* UpstreamWatch
  const untilFirst = Math.max(settleMillis / 3, lagMillis)
  const untilSecond = Math.max(settleMillis * 2 / 3, 1.5 * lagMillis)
  const lengthNow = Effect.map(wire.call(at, { method: "get", taskId }), (answer) => {
    const text = makeAnswer()
    if (answer._tag === "Answered") text.read(answer.frame)
    return { length: text.text().length, state: answer._tag === "Answered" ? answer.frame.state : "" }
  })
  const wasAtWork = (yield* upstream.now).tokens > 0
  const answer = yield* wire.call(at, { method: "cancel", taskId })
  yield* Effect.sleep(untilFirst)
  const first = yield* upstream.now
  const before = yield* lengthNow
  yield* Effect.sleep(untilSecond)
  const second = yield* upstream.now
  const after = yield* lengthNow
  const tokensAfter = second.tokens - first.tokens
  // What others generate would be taken for ours.
  const isSeen = wasAtWork && second.looks > first.looks && !second.shared
  return {
    outcome: answer._tag === "Answered" ? "answered" : answer._tag === "Refused" ? "refused" : "unanswered",
    detail: answer._tag === "Answered" ? "" : answer.detail,
    millis: answer.millis,
    state: answer._tag === "Answered" ? answer.frame.state : "",
    stateAfter: after.state,
    grewAfter: after.length > before.length,
    stopped: !isSeen
      ? null
      : tokensAfter > 0 || (second.running ?? 0) > 0
      ? false
      : untilFirst + untilSecond <= MOST_WAIT * answerMillis
      ? true
      : null,
    tokensAfter: isSeen ? tokensAfter : null
  }
})
