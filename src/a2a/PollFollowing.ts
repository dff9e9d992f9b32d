/**
 * Follows a task by asking again and again how it stands, without its history.
 *
 * One question is under way at a time, and each has its time: one that hangs is given up, its connection closed, and asked
 * again. It fails nothing, because an agent whose GetTask hangs may be at work all the same; silence is for the watch to
 * judge. When to ask, and when no more, is decided in PollStep.ts.
 *
 * A task that waits for an answer would wait for ever, so it ends here with its question.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { FailReason } from "../liveness/Failed.ts"
import { called, type Following, Unfollowed, wordsOf } from "./Following.ts"
import * as ModeChoice from "./ModeChoice.ts"
import * as PollStep from "./PollStep.ts"
import { MOMENT } from "./StatusClock.ts"

/** How long a question may be under way before it is asked again. */
const QUESTION_PATIENCE = "10 seconds"

/** What was lost where polling takes its place; nothing where the task is polled from its beginning. */
export interface LostStream {
  readonly reason: FailReason
  readonly isGone: boolean
}

/** Asks until the task is over. `lost` is what it fails with if the task cannot be asked for at all. */
export const follow = (following: Following, lost?: LostStream): Effect.Effect<void, Unfollowed> =>
  Effect.gen(function*() {
    const { agent, calls, give, known, promise } = following
    const question = called(following, (signal) => calls.task(known.taskId(), signal)).pipe(
      Effect.timeoutOption(QUESTION_PATIENCE),
      Effect.result,
      Effect.timed
    )
    let poll = lost === undefined ? PollStep.begin(PollStep.FASTEST) : PollStep.begin(0, lost.isGone)
    let hasAnswered = false
    while (!known.isOver()) {
      if (poll.waitMillis > 0) yield* Effect.sleep(poll.waitMillis)
      const [took, result] = yield* question
      if (Result.isSuccess(result) && Option.isSome(result.success)) {
        const before = known.news()
        const events = known.readAnswer(result.success.value)
        const goesOn = known.ended() === undefined
        if (lost !== undefined && !hasAnswered && goesOn) yield* following.follow(ModeChoice.lostStream(lost.reason))
        hasAnswered = true
        yield* give(events)
        if (known.waits() && goesOn) return yield* new Unfollowed({ reason: known.reasonOfEnd() })
        poll = PollStep.step(poll, {
          _tag: "Answered",
          isNews: known.news() > before,
          tookMillis: Duration.toMillis(took)
        })
        if (known.isChecking()) poll = { ...poll, waitMillis: MOMENT }
        continue
      }
      if (Result.isSuccess(result) || result.failure.reason._tag === "ConnectTimeout") {
        poll = PollStep.step(poll, { _tag: "Unanswered" })
        continue
      }
      const { isNotFound, reason } = result.failure
      const isUnsupported = result.failure.isUnsupported || isNoRoute(reason)
      poll = PollStep.step(poll, { _tag: "Failed", reason })
      // One that has just begun may not be known everywhere; one that was known, and is not any more, is lost.
      const isLost = isNotFound && (hasAnswered || lost !== undefined)
      const end = isUnsupported || isLost ? reason : poll.end
      if (end === undefined) continue
      const refused = (isUnsupported || isNotFound) && !hasAnswered
        ? ModeChoice.unpollable(promise, agent, wordsOf(reason))
        : end
      return yield* new Unfollowed({
        reason: hasAnswered || end._tag === "Malformed" ? refused : lost?.reason ?? refused
      })
    }
  })

/** Whether the server knows no such question, in the words of HTTP. */
const isNoRoute = (reason: FailReason): boolean =>
  (reason._tag === "Rejected" || reason._tag === "ServerError") && NO_ROUTE.has(reason.status)

const NO_ROUTE: ReadonlySet<number> = new Set([404, 405, 501])
