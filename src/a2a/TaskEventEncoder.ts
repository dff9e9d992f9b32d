/**
 * Task events as A2A streams them to one reader.
 *
 * Law: with the token extension active, `decode` after `encode` gives back any stream of task events, one for one.
 * Without it a client sees only what plain A2A has words for.
 *
 * Tokens are artifact updates that append: one artifact for the answer, one for the reasoning. Everything else is a
 * status update, except whole artifacts.
 *
 * An encoder belongs to one reader and remembers what it has seen: whether an artifact has begun decides `append`. The
 * cost per event does not depend on the length of the answer.
 */
import type { StreamResponse } from "@a2a-js/sdk"
import type { Delta } from "../token/TokenEvent.ts"
import type { FinalState, OpenState, TaskEvent } from "./TaskEvent.ts"
import { encodeEvent, TOKEN_EXTENSION_URI } from "./TokenExtension.ts"
import {
  ANSWER_ARTIFACT_ID,
  REASONING_ARTIFACT_ID,
  type TaskIdentity,
  textPart,
  toArtifact,
  toTaskStatus,
  wireArtifact
} from "./WireTask.ts"

export interface EncoderOptions {
  /** Whether the reader asked for the token extension. */
  readonly exact: boolean
  /** Artifacts the reader already has from a snapshot. */
  readonly begun?: Iterable<string>
  /** The time of a status, as ISO 8601 in UTC. */
  readonly timestamp: () => string
}

/** Makes the encoder of one reader. `undefined` means that plain A2A has nothing to say of the event. */
export const makeEncoder = (identity: TaskIdentity, options: EncoderOptions) => {
  const { exact, timestamp } = options
  const begun = new Set(options.begun ?? [])

  const status = (state: OpenState | FinalState, text: string, metadata: unknown): StreamResponse => ({
    payload: {
      $case: "statusUpdate",
      value: {
        ...identity,
        status: toTaskStatus(identity, state, text, timestamp()),
        metadata: exact ? { [TOKEN_EXTENSION_URI]: metadata } : undefined
      }
    }
  })

  const append = (artifactId: string, text: string, metadata: unknown): StreamResponse => {
    const known = begun.has(artifactId)
    if (!known) begun.add(artifactId)
    return {
      payload: {
        $case: "artifactUpdate",
        value: {
          ...identity,
          artifact: wireArtifact(artifactId, artifactId, [textPart(text)]),
          append: known,
          lastChunk: false,
          metadata: exact ? { [TOKEN_EXTENSION_URI]: metadata } : undefined
        }
      }
    }
  }

  return (event: TaskEvent): StreamResponse | undefined => {
    switch (event._tag) {
      case "Delta":
        if (event.channel === "reasoning") {
          return exact ? append(REASONING_ARTIFACT_ID, event.text, deltaMetadata(event)) : undefined
        }
        return exact || event.text !== ""
          ? append(ANSWER_ARTIFACT_ID, event.text, exact ? deltaMetadata(event) : undefined)
          : undefined
      case "Signal":
      case "ToolCallDelta":
      case "Usage":
      case "Finish":
      case "Heartbeat":
        return exact ? status("working", "", encodeEvent(event)) : undefined
      case "Status":
        return status(event.state, event.text, exact ? encodeEvent(event) : undefined)
      case "Ended":
        return status(event.state, event.text, exact ? encodeEvent(event) : undefined)
      case "Artifact":
        return {
          payload: {
            $case: "artifactUpdate",
            value: {
              ...identity,
              artifact: toArtifact(event.artifactId, event.name, event.parts),
              append: false,
              lastChunk: true,
              metadata: exact ? { [TOKEN_EXTENSION_URI]: encodeEvent(event) } : undefined
            }
          }
        }
      case "Replaced": {
        begun.delete(ANSWER_ARTIFACT_ID)
        return append(ANSWER_ARTIFACT_ID, event.text, exact ? { _tag: "Replaced" } : undefined)
      }
    }
  }
}

const deltaMetadata = (event: Delta) => ({ _tag: "Delta", channel: event.channel, tokens: event.tokens })
