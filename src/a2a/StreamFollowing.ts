/**
 * Follows a task by its stream, over as many connections as it takes.
 *
 * A connection that breaks, or ends before its task does, is followed by a subscription to the task, whose snapshot tells
 * what was missed. It is given up after some subscriptions in a row that brought nothing new, and never tried after an
 * answer of the agent that means something: an error, an end, a question. Then the stream is lost, with what broke it
 * first; the task may be followed in another way.
 *
 * Gotcha: agents that begin a subscription without a snapshot would lose what came in between, so they are not resumed.
 */
import type { StreamResponse } from "@a2a-js/sdk"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { FailReason } from "../liveness/Failed.ts"
import { called, CallFailed, type Following, Unfollowed, wordsOf } from "./Following.ts"
import { restored } from "./LegacyAppend.ts"

/** The waits before the subscriptions that follow each other without anything new, in milliseconds. */
const RESUME_DELAYS = [0, 500, 2000]

/** What became of the stream. */
export type StreamEnd =
  /** The task is over. */
  | { readonly _tag: "Over" }
  /** The agent does not stream, and has begun nothing. */
  | { readonly _tag: "Refused"; readonly said: string }
  /** The task goes on and its stream does not. `isGone`: the agent itself could not be reached at last. */
  | { readonly _tag: "Lost"; readonly reason: FailReason; readonly isGone: boolean }

/** Sends the message and hands on its stream. */
export const follow = (following: Following): Effect.Effect<StreamEnd, Unfollowed> =>
  Effect.gen(function*() {
    const { calls, give, known } = following

    /** Reads one connection to its end and closes it. */
    const connection = (begin: (signal: AbortSignal) => AsyncIterable<StreamResponse>, isSubscription: boolean) =>
      Effect.scoped(Effect.gen(function*() {
        const controller = yield* Effect.acquireRelease(
          Effect.sync(() => new AbortController()),
          (controller) => Effect.sync(() => controller.abort())
        )
        const iterator = begin(controller.signal)[Symbol.asyncIterator]()
        const next = called(following, () => iterator.next())
        let awaitsSnapshot = isSubscription
        while (true) {
          const { done, value } = yield* next
          if (done === true) return yield* endOf(known.reasonOfEnd())
          if (awaitsSnapshot && value.payload?.$case !== "task") return yield* unresumable
          awaitsSnapshot = false
          yield* give(known.read(restored(value)))
          if (known.isOver()) return
        }
      }))

    let news = -1
    let tries = 0
    let first: FailReason | undefined
    let result: Result.Result<void, CallFailed> = yield* Effect.result(connection(calls.stream, false))
    while (!known.isOver()) {
      const { isUnsupported, reason } = Result.isFailure(result) ? result.failure : endOf(known.reasonOfEnd())
      if (isUnsupported && !known.hasBegun()) return { _tag: "Refused", said: wordsOf(reason) } as const
      if (known.news() !== news) {
        news = known.news()
        tries = 0
        first = undefined
      }
      const may = first === undefined ? BREAKS : BREAKS_AGAIN
      if (reason._tag === "Malformed" || known.taskId() === "" || (first === undefined && !may.has(reason._tag))) {
        return yield* new Unfollowed({ reason: reason._tag === "Malformed" ? reason : first ?? reason })
      }
      first ??= reason
      const isGone = may.has(reason._tag)
      const delay = isGone ? RESUME_DELAYS[tries++] : undefined
      if (delay === undefined) return { _tag: "Lost", reason: first, isGone } as const
      if (delay > 0) yield* Effect.sleep(delay)
      result = yield* Effect.result(connection((signal) => calls.subscribe(known.taskId(), signal), true))
    }
    return { _tag: "Over" } as const
  })

/** Ends of a connection that say nothing about the task. */
const BREAKS: ReadonlySet<FailReason["_tag"]> = new Set(["ConnectionLost", "Truncated"])
/** The same, once a subscription is tried. */
const BREAKS_AGAIN: ReadonlySet<FailReason["_tag"]> = new Set([
  ...BREAKS,
  "ConnectError",
  "ConnectTimeout",
  "Unavailable",
  "ServerError"
])

const endOf = (reason: FailReason): CallFailed => new CallFailed({ reason, isUnsupported: false, isNotFound: false })

const unresumable = endOf(
  FailReason.cases.Unsupported.make({ detail: "the agent has no way to go on with its task" })
)
