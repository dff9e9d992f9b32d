/**
 * A task as data: what a relay that keeps its tasks elsewhere writes down of one, and makes its log of again.
 *
 * Law: a log that is made of the record of another (`TaskLog.restore`) is the same to everybody who comes to it from then
 * on: snapshot, history, owner, end and times.
 *
 * Gotchas: a record is no place to read on from: events before it are only in its snapshot. A task that was at work when it
 * was recorded is at none when it is restored, so whoever restores it should append an `Ended`.
 */
import { Message } from "@a2a-js/sdk"
import * as Schema from "effect/Schema"
import { TokenCount } from "../token/TokenEvent.ts"
import { Artifact, Ended, FinalState, OpenState } from "./TaskEvent.ts"
import type { TaskLog } from "./TaskLog.ts"

const Transcript = Schema.Struct({
  content: Schema.String,
  reasoning: Schema.String,
  toolCalls: Schema.Array(Schema.Struct({
    id: Schema.NullOr(Schema.String),
    name: Schema.NullOr(Schema.String),
    arguments: Schema.String
  })),
  tokens: TokenCount,
  tokenBasis: Schema.Literals(["deltas", "usage"]),
  promptTokens: Schema.NullOr(TokenCount),
  finishReason: Schema.NullOr(Schema.String)
})

/** A task that is at no work. Times are in milliseconds; those of `timings` since the task began. */
export const TaskRecord = Schema.Struct({
  taskId: Schema.String,
  contextId: Schema.String,
  tenant: Schema.String,
  user: Schema.String,
  /** Messages, oldest first, in the JSON of A2A 1.0. */
  history: Schema.Array(Schema.Json),
  generation: TokenCount,
  total: TokenCount,
  state: Schema.Union([OpenState, FinalState]),
  statusText: Schema.String,
  /** Since 1970. */
  statusAt: Schema.Finite,
  statusGeneration: TokenCount,
  transcript: Transcript,
  artifacts: Schema.Array(Artifact),
  end: Schema.NullOr(Ended),
  timings: Schema.Struct({
    firstTokenMillis: Schema.NullOr(Schema.Finite),
    lastTokenMillis: Schema.NullOr(Schema.Finite),
    endMillis: Schema.Finite
  })
})
export type TaskRecord = typeof TaskRecord.Type

/** The record of a task as it is now. */
export const fromLog = ({ contextId, end, history, snapshot, taskId, tenant, timings, user }: TaskLog): TaskRecord => {
  const { finishReason, promptTokens, toolCalls, ...said } = snapshot.transcript
  return {
    ...snapshot,
    taskId,
    contextId,
    tenant,
    user,
    timings,
    history: history.map((message) => Message.toJSON(message) as Schema.Json),
    transcript: {
      ...said,
      promptTokens: promptTokens ?? null,
      finishReason: finishReason ?? null,
      // Agents number their calls as they like, so there may be gaps.
      toolCalls: Array.from(toolCalls, (call) => ({
        id: call?.id ?? null,
        name: call?.name ?? null,
        arguments: call?.arguments ?? ""
      }))
    },
    end: end ?? null
  }
}

/** What a log begins with that goes on from a record. */
export const partsOf = (record: TaskRecord) => {
  const { finishReason, promptTokens, toolCalls, ...said } = record.transcript
  return {
    history: record.history.map((message) => Message.fromJSON(message)),
    snapshot: {
      generation: record.generation,
      total: record.total,
      state: record.state,
      statusText: record.statusText,
      statusAt: record.statusAt,
      statusGeneration: record.statusGeneration,
      artifacts: record.artifacts,
      transcript: {
        ...said,
        promptTokens: promptTokens ?? undefined,
        finishReason: finishReason ?? undefined,
        toolCalls: toolCalls.map((call) => ({ ...call, id: call.id ?? undefined, name: call.name ?? undefined }))
      }
    }
  }
}
