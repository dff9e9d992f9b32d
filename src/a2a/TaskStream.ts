/**
 * The events of one task, over as many connections as it takes.
 *
 * A connection that breaks, or ends before its task does, is followed by a subscription to the task, whose snapshot tells
 * what was missed. It is given up after some subscriptions in a row that brought nothing new, and never tried after an
 * answer of the agent that means something: an error, an end, a question. Then the stream fails with what broke it first.
 *
 * Whoever gives the stream up interrupts it, so that nothing is subscribed to any more.
 *
 * Gotcha: agents that begin a subscription without a snapshot would lose what came in between, so they are not resumed.
 */
import type { StreamResponse } from "@a2a-js/sdk"
import type { Client, RequestOptions } from "@a2a-js/sdk/client"
import { UnsupportedOperationError } from "@a2a-js/sdk/errors"
import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { Failed, FailReason } from "../liveness/Failed.ts"
import type { Hop } from "../liveness/Hop.ts"
import type { RunError } from "../liveness/RunError.ts"
import { tokensOf } from "../token/TokenEvent.ts"
import { a2aErrorOf, malformed, reasonOf } from "./AgentFault.ts"
import * as StreamOrder from "./StreamOrder.ts"
import { type Ended, isTokenEvent, type TaskEvent } from "./TaskEvent.ts"
import { makeDecoder } from "./TaskEventDecoder.ts"

/** Events read before the consumer takes them. */
const READ_AHEAD = 512
/** The waits before the subscriptions that follow each other without anything new, in milliseconds. */
const RESUME_DELAYS = [0, 500, 2000]
/** The characters that an agent may replace in all; each replacement is as long as the whole answer. */
const MOST_REPLACED = 64 * 1024 * 1024

type ServiceParameters = NonNullable<RequestOptions["serviceParameters"]>

export interface TaskStreamOptions {
  readonly client: Client
  readonly hop: Hop
  readonly url: string
  /** Sends the message. */
  readonly open: (options: RequestOptions) => AsyncIterable<StreamResponse>
  readonly serviceParameters: ServiceParameters
  /** Gives the task up; called if the stream ends before it. */
  readonly cancel: (taskId: string) => Effect.Effect<void>
}

/** Why a connection is over, though its task is not. */
class Broken extends Data.TaggedError("Broken")<{ readonly reason: FailReason; readonly isOver: boolean }> {}

/** The events; ends after `Ended` completed, and fails with whatever else the task or its connections came to. */
export const taskStream = (options: TaskStreamOptions): Stream.Stream<TaskEvent, RunError> =>
  Stream.unwrap(Effect.gen(function*() {
    const { cancel, client, hop, open, serviceParameters, url } = options
    const reader = makeReader()
    const queue = yield* Queue.bounded<TaskEvent, RunError | Cause.Done>(READ_AHEAD)
    yield* Effect.addFinalizer(() =>
      reader.ended() !== undefined || reader.taskId() === "" ? Effect.void : cancel(reader.taskId())
    )
    const failed = (reason: FailReason) => new Failed({ hop, reason, tokens: reader.tokens() })
    const broken = (error: unknown) =>
      new Broken({ reason: reasonOf(url, error), isOver: a2aErrorOf(error) instanceof UnsupportedOperationError })

    /** Reads one connection to its end and closes it. */
    const connection = (begin: (options: RequestOptions) => AsyncIterable<StreamResponse>, isSubscription: boolean) =>
      Effect.scoped(Effect.gen(function*() {
        const controller = yield* Effect.acquireRelease(
          Effect.sync(() => new AbortController()),
          (controller) => Effect.sync(() => controller.abort())
        )
        const iterator = begin({ signal: controller.signal, serviceParameters })[Symbol.asyncIterator]()
        const next = Effect.tryPromise({ try: () => iterator.next(), catch: broken })
        let awaitsSnapshot = isSubscription
        while (true) {
          const { done, value } = yield* next
          if (done === true) return yield* new Broken({ reason: reader.reasonOfEnd(), isOver: false })
          if (awaitsSnapshot && value.payload?.$case !== "task") return yield* unresumable
          awaitsSnapshot = false
          yield* Queue.offerAll(queue, reader.read(value))
          if (reader.isOver()) return
        }
      }))

    /** Reads what became of a task that cannot be subscribed to any more. */
    const taskOnce = Effect.gen(function*() {
      const value = yield* Effect.tryPromise({
        try: (signal) =>
          client.getTask({ tenant: "", id: reader.taskId(), historyLength: 0 }, { signal, serviceParameters }),
        catch: broken
      })
      yield* Queue.offerAll(queue, reader.read({ payload: { $case: "task", value } }))
      if (!reader.isOver()) return yield* unresumable
    })

    const subscribed = connection(
      (options) => client.resubscribeTask({ tenant: "", id: reader.taskId() }, options),
      true
    )
      .pipe(Effect.catchIf(({ isOver }) => isOver, () => taskOnce))

    const whole = Effect.gen(function*() {
      let news = -1
      let tries = 0
      let result: Result.Result<void, Broken> = yield* Effect.result(connection(open, false))
      let first: FailReason | undefined
      while (!reader.isOver()) {
        const reason = Result.isFailure(result) ? result.failure.reason : reader.reasonOfEnd()
        if (reader.news() !== news) {
          news = reader.news()
          tries = 0
          first = undefined
        }
        const may = first === undefined ? BREAKS : BREAKS_AGAIN
        first ??= reason
        const delay = RESUME_DELAYS[tries++]
        if (reader.taskId() === "" || !may.has(reason._tag) || delay === undefined) {
          return yield* failed(reason._tag === "Malformed" ? reason : first)
        }
        if (delay > 0) yield* Effect.sleep(delay)
        result = yield* Effect.result(subscribed)
      }
      const fault = reader.fault()
      if (fault !== undefined) return yield* failed(fault)
      const ended = reader.ended()
      if (ended !== undefined && ended.state !== "completed") return yield* ended.error ?? failed(agentFailed(ended))
    })

    yield* Effect.forkScoped(Queue.into(whole, queue))
    return Stream.fromQueue(queue)
  }))

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

const unresumable = new Broken({
  reason: FailReason.cases.Unsupported.make({ detail: "the agent has no way to go on with its task" }),
  isOver: false
})

/** What is known of the task so far. */
const makeReader = () => {
  const decoder = makeDecoder()
  let order = StreamOrder.initial
  let tokens = 0
  let news = 0
  let replaced = 0
  let ended: Ended | undefined
  let fault: FailReason | undefined
  let question: { readonly state: string; readonly text: string } | undefined

  const decoded = (response: StreamResponse): Result.Result<ReadonlyArray<TaskEvent>, string> => {
    const next = StreamOrder.step(order, response)
    if (Result.isFailure(next)) return Result.fail(next.failure)
    order = next.success
    return Result.try({
      try: () => decoder.decode(response),
      catch: (error) => `event ${order.events} cannot be read: ${String(error)}`
    })
  }

  const read = (response: StreamResponse): ReadonlyArray<TaskEvent> => {
    if (ended !== undefined || fault !== undefined) return []
    const events = decoded(response)
    if (Result.isFailure(events)) {
      fault = malformed(events.failure).reason
      return []
    }
    for (const event of events.success) {
      if (isTokenEvent(event)) tokens += tokensOf(event)
      else if (event._tag === "Ended") ended = event
      else if (event._tag === "Replaced") replaced += event.text.length
      else if (event._tag === "Status") {
        question = event.state === "input-required" || event.state === "auth-required" ? event : undefined
      }
      if (event._tag !== "Heartbeat" && (event._tag !== "Status" || event.text !== "")) news++
    }
    if (replaced > MOST_REPLACED) fault = malformed(`event ${order.events} replaces the answer once more`).reason
    return events.success
  }

  return {
    read,
    /** Whether nothing more is to be read. */
    isOver: () => ended !== undefined || fault !== undefined,
    ended: () => ended,
    fault: () => fault,
    taskId: () => order.taskId,
    tokens: () => tokens,
    /** Grows with everything that was not known before. */
    news: () => news,
    /** What the end of a connection means while the task is not over. */
    reasonOfEnd: (): FailReason =>
      question === undefined
        ? FailReason.cases.Truncated.make({})
        : FailReason.cases.AgentFailed.make({
          state: question.state,
          detail: question.text || "it waits for an answer"
        })
  }
}

const agentFailed = (ended: Ended): FailReason =>
  FailReason.cases.AgentFailed.make({ state: ended.state, detail: ended.text === "" ? "no reason given" : ended.text })
