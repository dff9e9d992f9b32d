/**
 * The JSON of status and artifact updates in A2A 1.0 and in 0.3.
 *
 * The SDK has codecs for whole objects; they build and clone more than a token is worth. These are its update events and
 * nothing else, written once for each token; that the SDK reads them is tested. Fields that 1.0 leaves out when they are
 * false or empty are left out.
 */
import type { Dialect } from "./HttpAnswer.ts"
import type { ArtifactPart, FinalState, OpenState } from "./TaskEvent.ts"
import type { TaskIdentity } from "./WireTask.ts"

export interface StatusUpdate {
  readonly state: OpenState | FinalState
  /** No message without it. */
  readonly text: string
  readonly messageId: string
  /** ISO 8601 in UTC. */
  readonly timestamp: string
  /** Whether it is the last event of this stream; only 0.3 says so. */
  readonly final: boolean
  readonly metadata: Readonly<Record<string, unknown>> | undefined
}

export interface ArtifactUpdate {
  readonly artifactId: string
  readonly name: string
  readonly parts: ReadonlyArray<ArtifactPart>
  readonly append: boolean
  readonly lastChunk: boolean
  readonly metadata: Readonly<Record<string, unknown>> | undefined
}

export interface EventJson {
  readonly status: (identity: TaskIdentity, update: StatusUpdate) => unknown
  readonly artifact: (identity: TaskIdentity, update: ArtifactUpdate) => unknown
}

const current: EventJson = {
  status: ({ contextId, taskId }, { messageId, metadata, state, text, timestamp }) => ({
    statusUpdate: {
      taskId,
      contextId,
      status: {
        state: `TASK_STATE_${state.toUpperCase().replace("-", "_")}`,
        message: text === ""
          ? undefined
          : { messageId, contextId, taskId, role: "ROLE_AGENT", parts: [{ text, mediaType: "text/plain" }] },
        timestamp
      },
      metadata
    }
  }),
  artifact: ({ contextId, taskId }, { append, artifactId, lastChunk, metadata, name, parts }) => ({
    artifactUpdate: {
      taskId,
      contextId,
      artifact: {
        artifactId,
        name,
        parts: parts.map((part) =>
          part._tag === "Text"
            ? { text: part.text, mediaType: "text/plain" }
            : { data: part.data, mediaType: "application/json" }
        )
      },
      append: append || undefined,
      lastChunk: lastChunk || undefined,
      metadata
    }
  })
}

const legacy: EventJson = {
  status: ({ contextId, taskId }, { final, messageId, metadata, state, text, timestamp }) => ({
    kind: "status-update",
    taskId,
    contextId,
    status: {
      state,
      message: text === ""
        ? undefined
        : { kind: "message", messageId, contextId, taskId, role: "agent", parts: [{ kind: "text", text }] },
      timestamp
    },
    final,
    metadata
  }),
  artifact: ({ contextId, taskId }, { append, artifactId, lastChunk, metadata, name, parts }) => ({
    kind: "artifact-update",
    taskId,
    contextId,
    artifact: {
      artifactId,
      name,
      // A data part of 0.3 is an object; anything else stands under `value`.
      parts: parts.map((part) =>
        part._tag === "Text"
          ? { kind: "text", text: part.text }
          : { kind: "data", data: isObject(part.data) ? part.data : { value: part.data } }
      )
    },
    append,
    lastChunk,
    metadata
  })
}

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value)

export const eventJson: Record<Dialect, EventJson> = { "1.0": current, "0.3": legacy }
