/**
 * The order and the identity of a task's stream, or of the answers about one, as one pure step per event.
 *
 * Laws: a stream is one message, or begins with its task and goes on with updates; all events are of the same task and
 * context. Only a different id is wrong: an absent one is what many agents send. A status before its task is fine too,
 * because agents of 0.3 begin with one. The same task again is a snapshot, as a subscription begins with.
 *
 * What comes after the end is nobody's concern: the stream is closed at the event that ends it.
 */
import type { StreamResponse } from "@a2a-js/sdk"
import * as Result from "effect/Result"

export interface StreamOrder {
  /** Events so far. */
  readonly events: number
  /** Empty until an event has told it. */
  readonly taskId: string
  readonly contextId: string
  /** Whether a task or a status of one has come. */
  readonly begun: boolean
}

export const initial: StreamOrder = { events: 0, taskId: "", contextId: "", begun: false }

/** What it came as: part of a stream, or the answer to a question. */
export type Noun = "event" | "answer"

/** The order after one more event, or what is wrong with it. */
export const step = (
  order: StreamOrder,
  { payload }: StreamResponse,
  noun: Noun = "event"
): Result.Result<StreamOrder, string> => {
  const events = order.events + 1
  const wrong = (what: string) => Result.fail(`${noun} ${events} ${what}`)
  if (payload?.value === undefined || payload.value === null) return wrong("has no payload")
  const taskId = (payload.$case === "task" ? payload.value.id : payload.value.taskId) || ""
  const contextId = payload.value.contextId || ""
  if (order.taskId !== "" && taskId !== "" && taskId !== order.taskId) {
    return wrong(`is of task ${shown(taskId)}, and the stream is of task ${shown(order.taskId)}`)
  }
  if (order.contextId !== "" && contextId !== "" && contextId !== order.contextId) {
    return wrong(`is of context ${shown(contextId)}, and the stream is of context ${shown(order.contextId)}`)
  }
  if (payload.$case === "message" && order.begun) return wrong("is a message in the stream of a task")
  if (payload.$case === "artifactUpdate" && !order.begun) return wrong("is an artifact before its task")
  return Result.succeed({
    events,
    taskId: order.taskId || taskId,
    contextId: order.contextId || contextId,
    begun: true
  })
}

const shown = (id: string): string => JSON.stringify(String(id).slice(0, 60))
