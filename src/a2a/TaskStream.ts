/**
 * The events of one task, in whatever way it can be followed: by its stream, by asking how it stands, by its end alone.
 *
 * `Followed` comes first, and again whenever the way changes. Laws: a stream that is lost is polled on before the task is
 * called failed, and fails then with what broke it first if nothing can be had of the task in that way either; what is
 * handed on is what is new, so a repetition is no event, and nothing here says that a task lives when it does not.
 *
 * Whoever gives the stream up interrupts it: connections are closed, and the task is cancelled if its id is known.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { Failed, FailReason } from "../liveness/Failed.ts"
import type { Hop } from "../liveness/Hop.ts"
import type { RunError } from "../liveness/RunError.ts"
import type { AgentCalls } from "./AgentCalls.ts"
import { type Following, Unfollowed } from "./Following.ts"
import * as KnownTask from "./KnownTask.ts"
import * as ModeChoice from "./ModeChoice.ts"
import * as PollFollowing from "./PollFollowing.ts"
import * as SendFollowing from "./SendFollowing.ts"
import * as StreamFollowing from "./StreamFollowing.ts"
import type { Ended, TaskEvent } from "./TaskEvent.ts"

/** Events read before the consumer takes them. */
const READ_AHEAD = 512

export interface TaskStreamOptions {
  readonly calls: AgentCalls
  readonly hop: Hop
  readonly url: string
  /** What its card says. */
  readonly promise: ModeChoice.AgentPromise
  /** The mode that its user wants; the client chooses unless given. */
  readonly forced?: ModeChoice.AskedMode | undefined
  /** Told once in which conversation the agent answers. */
  readonly onContext?: ((contextId: string) => void) | undefined
  /** Told once which task it is. Synchronous; must not throw. */
  readonly onTask?: ((taskId: string) => void) | undefined
}

/** The events; ends after `Ended` completed, and fails with whatever else the task or its connections came to. */
export const taskStream = (
  { calls, forced, hop, onContext, onTask, promise, url }: TaskStreamOptions
): Stream.Stream<TaskEvent, RunError> =>
  Stream.unwrap(Effect.gen(function*() {
    const known = KnownTask.make({ onContext, onTask })
    const queue = yield* Queue.bounded<TaskEvent, RunError | Cause.Done>(READ_AHEAD)
    yield* Effect.addFinalizer(() =>
      known.ended() !== undefined || known.taskId() === "" ? Effect.void : calls.cancel(known.taskId())
    )
    const failed = (reason: FailReason) => new Failed({ hop, reason, tokens: known.tokens() })

    let mode: ModeChoice.AskedMode = "stream"
    let exact = promise.exact
    const follow = (choice: ModeChoice.Choice) =>
      Effect.suspend(() => {
        mode = choice.mode
        return Queue.offer(queue, { _tag: "Followed", hop, mode, exact, why: choice.why })
      })
    const give = (events: ReadonlyArray<TaskEvent>) =>
      Effect.suspend(() => {
        const shown = known.isExact() ?? exact
        if (shown === exact) return Queue.offerAll(queue, events)
        exact = shown
        return Effect.andThen(
          follow({ mode, why: shown ? "its events carry the token extension" : WITHOUT_EXTENSION }),
          Queue.offerAll(queue, events)
        )
      })
    const agent = ModeChoice.inWords(promise, url)
    const following: Following = { calls, known, url, agent, promise, forced, give, follow }
    const chosen = (decision: ModeChoice.Decision) =>
      Result.isFailure(decision)
        ? Effect.fail(new Unfollowed({ reason: decision.failure }))
        : Effect.as(follow(decision.success), decision.success.mode)

    const followed = Effect.gen(function*() {
      const begun = yield* chosen(ModeChoice.begin(promise, forced, agent))
      if (begun !== "stream") return yield* SendFollowing.follow(following, begun)
      const end = yield* StreamFollowing.follow(following)
      if (end._tag === "Lost") return yield* PollFollowing.follow(following, end)
      if (end._tag === "Over") return
      yield* chosen(ModeChoice.refusedStream(forced, agent, end.said))
      return yield* SendFollowing.follow(following, "poll")
    })

    const whole = Effect.gen(function*() {
      yield* Effect.catchTag(followed, "Unfollowed", ({ reason }) => failed(reason))
      const fault = known.fault()
      if (fault !== undefined) return yield* failed(fault)
      const ended = known.ended()
      if (ended !== undefined && ended.state !== "completed") return yield* ended.error ?? failed(agentFailed(ended))
    })

    yield* Effect.forkScoped(Queue.into(whole, queue))
    return Stream.fromQueue(queue)
  }))

const WITHOUT_EXTENSION = "its events carry no token counts, though its card declares the extension for them"

const agentFailed = (ended: Ended): FailReason =>
  FailReason.cases.AgentFailed.make({ state: ended.state, detail: ended.text === "" ? "no reason given" : ended.text })
