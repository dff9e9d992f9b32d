/**
 * What all ways of following a task share: the agent's calls, what is known of the task, and where both go.
 *
 * A way of following ends well when the task is over or faulty, which `known` tells; it fails with `Unfollowed` where
 * nothing more can be had of the task in this way.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { FailReason } from "../liveness/Failed.ts"
import { type AgentCalls, isNotFound, isUnsupported } from "./AgentCalls.ts"
import { reasonOf } from "./AgentFault.ts"
import type { KnownTask } from "./KnownTask.ts"
import type { AgentPromise, AskedMode, Choice } from "./ModeChoice.ts"
import type { TaskEvent } from "./TaskEvent.ts"

export interface Following {
  readonly calls: AgentCalls
  readonly known: KnownTask
  /** The agent's address, for errors. */
  readonly url: string
  /** The agent in words. */
  readonly agent: string
  readonly promise: AgentPromise
  /** The mode that its user wants. */
  readonly forced: AskedMode | undefined
  /** Hands on what was read. */
  readonly give: (events: ReadonlyArray<TaskEvent>) => Effect.Effect<void>
  /** Tells in which mode it is followed from now on. */
  readonly follow: (choice: Choice) => Effect.Effect<void>
}

/** Nothing more can be had of the task. */
export class Unfollowed extends Data.TaggedError("Unfollowed")<{ readonly reason: FailReason }> {}

/** A call that did not give what it was for. */
export class CallFailed extends Data.TaggedError("CallFailed")<{
  readonly reason: FailReason
  /** The agent says that it does not do this at all. */
  readonly isUnsupported: boolean
  /** The agent says that it does not know the task. */
  readonly isNotFound: boolean
}> {}

/** One call, whose connection is closed if it is interrupted. */
export const called = <A>(
  { url }: Pick<Following, "url">,
  call: (signal: AbortSignal) => Promise<A>
): Effect.Effect<A, CallFailed> =>
  Effect.tryPromise({
    try: call,
    catch: (error) =>
      new CallFailed({
        reason: reasonOf(url, error),
        isUnsupported: isUnsupported(error),
        isNotFound: isNotFound(error)
      })
  })

/** What the agent said, of a reason that has words. */
export const wordsOf = (reason: FailReason): string => "detail" in reason ? reason.detail : reason._tag
