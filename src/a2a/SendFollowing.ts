/**
 * Follows a task that is begun without a stream: by what the agent answers to the message, and, where that is a task which
 * goes on, by asking how it stands (PollFollowing.ts).
 *
 * The message asks not to be awaited. An agent that does not know this answers only at its end, which is noticed by time:
 * it is then awaited all the same, by the same request, for as long as it takes. Nothing is sent twice, but where the agent
 * refused the first request and so began nothing.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { called, type Following, Unfollowed, wordsOf } from "./Following.ts"
import * as ModeChoice from "./ModeChoice.ts"
import * as PollFollowing from "./PollFollowing.ts"

/** How long an agent may take to answer a message that asks not to be awaited, before it is taken for one that waits. */
const SEND_PATIENCE = Duration.seconds(10)

/** Sends the message, to be awaited or not, and follows what comes of it. */
export const follow = (following: Following, begun: "poll" | "blocking"): Effect.Effect<void, Unfollowed> =>
  Effect.scoped(Effect.gen(function*() {
    const { agent, calls, forced, give, known, promise } = following
    const send = (awaited: boolean) => called(following, (signal) => calls.send(awaited, signal))
    let mode: ModeChoice.AskedMode = begun
    const change = Effect.fnUntraced(function*(choice: ModeChoice.Decision) {
      if (Result.isFailure(choice)) return yield* new Unfollowed({ reason: choice.failure })
      mode = choice.success.mode
      yield* following.follow(choice.success)
    })

    const awaitedIfRefused = send(false).pipe(
      Effect.catchIf(
        ({ isUnsupported }) => isUnsupported,
        ({ reason }) =>
          Effect.andThen(change(ModeChoice.refusedPoll(forced, promise, agent, wordsOf(reason))), send(true))
      )
    )
    const answer = begun === "blocking" ? send(true) : Effect.gen(function*() {
      const sent = yield* Effect.forkScoped(awaitedIfRefused)
      const answered = yield* Effect.timeoutOption(Fiber.join(sent), SEND_PATIENCE)
      if (Option.isSome(answered)) return answered.value
      if (mode === "poll") {
        yield* change(ModeChoice.unanswered(forced, promise, agent, Duration.toMillis(SEND_PATIENCE)))
      }
      return yield* Fiber.join(sent)
    })
    const [took, response] = yield* Effect.timed(
      Effect.catchTag(answer, "CallFailed", ({ reason }) => new Unfollowed({ reason }))
    )
    const millis = Duration.toMillis(took)
    const events = known.readAnswer(response)
    if (known.ended() !== undefined && mode === "poll") yield* following.follow(ModeChoice.answeredWhole(millis))
    yield* give(events)
    if (known.isOver()) return
    if (known.waits()) return yield* new Unfollowed({ reason: known.reasonOfEnd() })
    if (mode === "blocking") yield* change(ModeChoice.answeredOpen(forced, agent, millis))
    return yield* PollFollowing.follow(following)
  }))
