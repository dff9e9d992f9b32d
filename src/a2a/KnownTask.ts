/**
 * What is known of a task that is followed, however it is: every event and every snapshot of it is read here, once.
 *
 * Laws: nothing is read after its end or its first fault; `news` grows with everything that was not known before and with
 * nothing else, so a repetition is none; a snapshot that says nothing new gives no event.
 *
 * A task whose status has another time than before is at work, though it says nothing of it (StatusClock.ts): that is told
 * as its last status text again, because whoever takes an answer out of a status takes the last one. Only where it has
 * never had one are there words of ours.
 */
import type { StreamResponse } from "@a2a-js/sdk"
import * as Result from "effect/Result"
import { FailReason } from "../liveness/Failed.ts"
import { tokensOf } from "../token/TokenEvent.ts"
import { malformed } from "./AgentFault.ts"
import * as StatusClock from "./StatusClock.ts"
import * as StreamOrder from "./StreamOrder.ts"
import { type Ended, isTokenEvent, Status, type TaskEvent } from "./TaskEvent.ts"
import { makeDecoder } from "./TaskEventDecoder.ts"

/** The characters that an agent may replace in all; each replacement is as long as the whole answer. */
const MOST_REPLACED = 64 * 1024 * 1024
/** What is told of a task that renews its status and has never said anything in it. */
export const STATUS_RENEWED = "its status was renewed"

export type KnownTask = ReturnType<typeof make>

export interface KnownTaskOptions {
  /** Told once in which conversation it is. */
  readonly onContext?: ((contextId: string) => void) | undefined
  /** Told once which task it is. */
  readonly onTask?: ((taskId: string) => void) | undefined
}

export const make = ({ onContext = () => {}, onTask = () => {} }: KnownTaskOptions = {}) => {
  const decoder = makeDecoder()
  let order = StreamOrder.initial
  let tokens = 0
  let news = 0
  let replaced = 0
  let ended: Ended | undefined
  let fault: FailReason | undefined
  let question: { readonly state: string; readonly text: string } | undefined
  let clock = StatusClock.initial

  const decoded = (
    response: StreamResponse,
    noun: StreamOrder.Noun
  ): Result.Result<ReadonlyArray<TaskEvent>, string> => {
    const next = StreamOrder.step(order, response, noun)
    if (Result.isFailure(next)) return Result.fail(next.failure)
    if (order.contextId === "" && next.success.contextId !== "") onContext(next.success.contextId)
    if (order.taskId === "" && next.success.taskId !== "") onTask(next.success.taskId)
    order = next.success
    return Result.try({
      try: () => decoder.decode(response),
      catch: (error) => `${noun} ${order.events} cannot be read: ${String(error)}`
    })
  }

  const take = (events: ReadonlyArray<TaskEvent>, noun: StreamOrder.Noun): ReadonlyArray<TaskEvent> => {
    for (const event of events) {
      if (isTokenEvent(event)) tokens += tokensOf(event)
      else if (event._tag === "Ended") ended = event
      else if (event._tag === "Replaced") replaced += event.text.length
      else if (event._tag === "Status") {
        question = event.state === "input-required" || event.state === "auth-required" ? event : undefined
      }
      if (event._tag !== "Heartbeat" && (event._tag !== "Status" || event.text !== "")) news++
    }
    if (replaced > MOST_REPLACED) fault = malformed(`${noun} ${order.events} replaces the answer once more`).reason
    return events
  }

  const read = (response: StreamResponse, noun: StreamOrder.Noun = "event"): ReadonlyArray<TaskEvent> => {
    if (ended !== undefined || fault !== undefined) return []
    const events = decoded(response, noun)
    if (Result.isSuccess(events)) return take(events.success, noun)
    fault = malformed(events.failure).reason
    return []
  }

  /** Reads how the task stands, as an answer to that question. */
  const readAnswer = (response: StreamResponse): ReadonlyArray<TaskEvent> => {
    const before = news
    const events = read(response, "answer")
    const status = response.payload?.$case === "task" ? response.payload.value.status : undefined
    clock = StatusClock.step(clock, status?.timestamp || undefined, news > before)
    if (!clock.isLife || ended !== undefined || fault !== undefined) return events
    // A question stays one, however often its time changes.
    if (question !== undefined) return events
    const { state = "working", text } = decoder.lastStatus()
    return [...events, ...take([Status.make({ state, text: text || STATUS_RENEWED })], "answer")]
  }

  return {
    read,
    readAnswer,
    /** Whether nothing more is to be read. */
    isOver: () => ended !== undefined || fault !== undefined,
    ended: () => ended,
    fault: () => fault,
    /** Empty until the agent has told it. */
    taskId: () => order.taskId,
    /** Whether the agent has told anything at all. */
    hasBegun: () => order.events > 0,
    /** Whether it is to be asked for again after a moment. */
    isChecking: () => clock.isChecking,
    /** Whether it waits for somebody, and will go no further by itself. */
    waits: () => question !== undefined,
    tokens: () => tokens,
    news: () => news,
    /** Whether tokens are told one for one; undefined until something has shown it. */
    isExact: decoder.isExact,
    /** What it means to hear no more of the task while it is not over. */
    reasonOfEnd: (): FailReason =>
      question === undefined
        ? FailReason.cases.Truncated.make({})
        : FailReason.cases.AgentFailed.make({
          state: question.state,
          detail: question.text || "it waits for an answer"
        })
  }
}
