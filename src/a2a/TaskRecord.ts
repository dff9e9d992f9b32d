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
import type { TaskLog, TaskSnapshot } from "./TaskLog.ts"

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

const isObject = Schema.is(Schema.Record(Schema.String, Schema.Json))

/** Whether the SDK reads it: it throws at what is not shaped like a message, and takes those of 0.3 for empty ones. */
const isMessage = (json: Schema.Json): boolean =>
  isObject(json) && (json["role"] === undefined || String(json["role"]).startsWith("ROLE_")) &&
  (json["parts"] === undefined || (Array.isArray(json["parts"]) && json["parts"].every(isObject)))

const HistoryMessage = Schema.Json.check(Schema.makeFilter(isMessage, { expected: "a message in the JSON of A2A 1.0" }))

/** A task that is at no work. What contradicts itself is refused: nobody would ever see the end of such a task. */
export const TaskRecord = Schema.Struct({
  /** Its own id, which no other task has. */
  taskId: Schema.String,
  /** The conversation that it is part of. */
  contextId: Schema.String,
  /** Whose it is; see `TaskOwner`. */
  tenant: Schema.String,
  /** Whose it is; see `TaskOwner`. */
  user: Schema.String,
  /** Messages, oldest first, in the JSON of A2A 1.0. */
  history: Schema.Array(HistoryMessage),
  /** The number of its events. */
  generation: TokenCount,
  /** Tokens of all its deltas. */
  total: TokenCount,
  /** The state that was last set. */
  state: Schema.Union([OpenState, FinalState]),
  /** The text of the last status. */
  statusText: Schema.String,
  /** When the state was last set, in milliseconds since 1970. */
  statusAt: Schema.Finite,
  /** The generation of the event that set the state. */
  statusGeneration: TokenCount,
  /** What its tokens said. */
  transcript: Transcript,
  /** Its artifacts besides the answer. */
  artifacts: Schema.Array(Artifact),
  /** The event that ended it; `null` where it waits for its client. */
  end: Schema.NullOr(Ended),
  /** Its times, in milliseconds since it began. */
  timings: Schema.Struct({
    firstTokenMillis: Schema.NullOr(Schema.Finite),
    lastTokenMillis: Schema.NullOr(Schema.Finite),
    endMillis: Schema.Finite
  })
}).check(Schema.makeFilter(
  ({ end, state }) => end === null ? Schema.is(OpenState)(state) : end.state === state,
  { expected: "a state that is final with an end, the same, and open without" }
))
export type TaskRecord = typeof TaskRecord.Type

/** See `TaskLog.record`. */
export const recordOf = ({ contextId, end, history, snapshot, taskId, tenant, timings, user }: TaskLog): TaskRecord => {
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
export const partsOf = (
  record: TaskRecord
): { readonly history: ReadonlyArray<Message>; readonly snapshot: TaskSnapshot } => {
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
