/**
 * Task events as A2A streams them to one reader.
 *
 * Law: with the token extension active, `decode` after `encode` gives back any stream of task events, one for one.
 * Without it a client sees only what plain A2A has words for.
 *
 * Tokens are artifact updates that append: one artifact for the answer, one for the reasoning. Everything else is a
 * status update, except whole artifacts. A client of A2A 0.3 without the extension gets the answer once more as a whole
 * when the task ends, in place of its pieces: clients of that age join the parts of an artifact with line breaks.
 *
 * An encoder belongs to one reader and remembers what it has seen: whether an artifact has begun decides `append`. The
 * cost per event does not depend on the length of the answer.
 */
import * as DateTime from "effect/DateTime"
import { eventJson } from "./EventJson.ts"
import type { Dialect } from "./HttpAnswer.ts"
import type { LogEntry } from "./LogEntry.ts"
import type { Ended, FinalState, OpenState } from "./TaskEvent.ts"
import type { TaskSummary } from "./TaskSummary.ts"
import { encodeEvent, TOKEN_EXTENSION_URI } from "./TokenExtension.ts"
import { ANSWER_ARTIFACT_ID, REASONING_ARTIFACT_ID, statusMessageId, type TaskIdentity } from "./WireTask.ts"

/** A longer answer is not sent once more; many clients take no larger event. */
const MOST_CHARACTERS_REPEATED = 500_000

export interface EncoderOptions {
  readonly dialect: Dialect
  /** Whether the reader asked for the token extension. */
  readonly exact: boolean
  /** Artifacts the reader already has from a snapshot. */
  readonly begun?: Iterable<string>
  /** Whether this stream ends where the task begins to wait for its client. */
  readonly endsAtInterruption: boolean
  /** What is told of a task that has ended. */
  readonly summary: (ended: Ended) => TaskSummary
  /** The whole answer. */
  readonly answer: () => string
}

export type Encode = (entry: LogEntry) => ReadonlyArray<unknown>

/** Makes the encoder of one reader. It gives the JSON of the events that an entry is; often one, sometimes none. */
export const makeEncoder = (identity: TaskIdentity, options: EncoderOptions): Encode => {
  const { dialect, endsAtInterruption, exact } = options
  const json = eventJson[dialect]
  const begun = new Set(options.begun ?? [])
  /** Pieces of the answer; what a snapshot had of it is one. */
  let pieces = begun.has(ANSWER_ARTIFACT_ID) ? 1 : 0

  const metadataOf = (entry: LogEntry, data: object): Readonly<Record<string, unknown>> | undefined =>
    exact ? { [TOKEN_EXTENSION_URI]: { ...data, generation: entry.generation, total: entry.total } } : undefined

  const status = (entry: LogEntry, state: OpenState | FinalState, text: string, data: object, final: boolean) =>
    json.status(identity, {
      state,
      text,
      messageId: statusMessageId(identity, entry.generation),
      timestamp: isoTime(entry.at),
      final,
      metadata: metadataOf(entry, data)
    })

  const append = (entry: LogEntry, artifactId: string, text: string, data: object) => {
    const known = begun.has(artifactId)
    if (!known) begun.add(artifactId)
    pieces++
    return json.artifact(identity, {
      artifactId,
      name: artifactId,
      parts: [{ _tag: "Text", text }],
      append: known,
      lastChunk: false,
      metadata: metadataOf(entry, data)
    })
  }

  /** The answer as a whole, where it came in pieces to a client that may not know how to join them. */
  const repeated = (): ReadonlyArray<unknown> => {
    if (dialect !== "0.3" || exact || pieces < 2) return []
    const text = options.answer()
    if (text.length > MOST_CHARACTERS_REPEATED) return []
    return [json.artifact(identity, {
      artifactId: ANSWER_ARTIFACT_ID,
      name: ANSWER_ARTIFACT_ID,
      parts: [{ _tag: "Text", text }],
      append: false,
      lastChunk: true,
      metadata: undefined
    })]
  }

  return (entry) => {
    const { event } = entry
    switch (event._tag) {
      case "Delta": {
        if (!exact && (event.text === "" || event.channel === "reasoning")) return []
        const artifactId = event.channel === "reasoning" ? REASONING_ARTIFACT_ID : ANSWER_ARTIFACT_ID
        return [append(entry, artifactId, event.text, {
          _tag: "Delta",
          channel: event.channel,
          tokens: event.tokens
        })]
      }
      case "Signal":
      case "ToolCallDelta":
      case "Usage":
      case "Finish":
      case "Heartbeat":
      case "Followed":
        return exact ? [status(entry, "working", "", encodeEvent(event) as object, false)] : []
      case "Status": {
        const last = endsAtInterruption && (event.state === "input-required" || event.state === "auth-required")
        return [...last ? repeated() : [], status(entry, event.state, event.text, encodeEvent(event) as object, last)]
      }
      case "Ended":
        return [
          ...repeated(),
          status(entry, event.state, event.text, {
            ...encodeEvent(event) as object,
            ...exact ? { summary: options.summary(event) } : {}
          }, true)
        ]
      case "Artifact":
        return [json.artifact(identity, {
          artifactId: event.artifactId,
          name: event.name,
          parts: event.parts,
          append: false,
          lastChunk: true,
          metadata: metadataOf(entry, encodeEvent(event) as object)
        })]
      case "Replaced":
        begun.delete(ANSWER_ARTIFACT_ID)
        pieces = 0
        return [append(entry, ANSWER_ARTIFACT_ID, event.text, { _tag: "Replaced" })]
    }
  }
}

const isoTime = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))
