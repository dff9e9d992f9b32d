/**
 * Task events on the A2A wire, and back.
 *
 * Law: with the token extension active, `decode` after `encode` gives back any stream of task events, one for one.
 * Without it a client sees only what plain A2A has words for, and `decode` makes the best of agents that are not ours.
 *
 * Tokens are artifact updates that append: one artifact for the answer, one for the reasoning. Everything else is a
 * status update, except whole artifacts. Status messages are commentary; results never stand in them alone.
 *
 * An encoder and a decoder belong to one reader and remember what it has seen: whether an artifact has begun decides
 * `append`, and the text of foreign artifacts tells a repetition from a replacement. The cost per event does not
 * depend on the length of the answer.
 */
import type { Artifact as WireArtifact, Message, Part, StreamResponse, Task, TaskStatus } from "@a2a-js/sdk"
import { Role, TaskState } from "@a2a-js/sdk"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { Delta, Finish } from "../token/TokenEvent.ts"
import {
  Artifact,
  type ArtifactPart,
  Ended,
  type FinalState,
  type OpenState,
  Replaced,
  Status,
  type TaskEvent
} from "./TaskEvent.ts"
import { decodeEvent, encodeEvent, TOKEN_EXTENSION_URI } from "./TokenExtension.ts"

export const ANSWER_ARTIFACT_ID = "answer"
export const REASONING_ARTIFACT_ID = "reasoning"

export interface TaskIdentity {
  readonly taskId: string
  readonly contextId: string
}

const toTaskState: Record<OpenState | FinalState, TaskState> = {
  "submitted": TaskState.TASK_STATE_SUBMITTED,
  "working": TaskState.TASK_STATE_WORKING,
  "input-required": TaskState.TASK_STATE_INPUT_REQUIRED,
  "auth-required": TaskState.TASK_STATE_AUTH_REQUIRED,
  "completed": TaskState.TASK_STATE_COMPLETED,
  "canceled": TaskState.TASK_STATE_CANCELED,
  "failed": TaskState.TASK_STATE_FAILED,
  "rejected": TaskState.TASK_STATE_REJECTED
}
const fromTaskState = new Map(
  Object.entries(toTaskState).map(([state, wire]) => [wire, state as OpenState | FinalState])
)

const isFinalState = (state: OpenState | FinalState): state is FinalState =>
  state === "completed" || state === "canceled" || state === "failed" || state === "rejected"

export const textPart = (text: string): Part => ({
  content: { $case: "text", value: text },
  metadata: undefined,
  filename: "",
  mediaType: "text/plain"
})

const dataPart = (data: unknown): Part => ({
  content: { $case: "data", value: data },
  metadata: undefined,
  filename: "",
  mediaType: "application/json"
})

/** A status as the wire has it; the message is left out when there is no text. */
export const toTaskStatus = (
  identity: TaskIdentity,
  state: OpenState | FinalState,
  text: string,
  timestamp: string
): TaskStatus => ({
  state: toTaskState[state],
  message: text === "" ? undefined : agentMessage(identity, text),
  timestamp
})

const agentMessage = (identity: TaskIdentity, text: string): Message => ({
  messageId: `${identity.taskId}-status`,
  contextId: identity.contextId,
  taskId: identity.taskId,
  role: Role.ROLE_AGENT,
  parts: [textPart(text)],
  metadata: undefined,
  extensions: [],
  referenceTaskIds: []
})

/** A whole artifact as the wire has it. */
export const toArtifact = (artifactId: string, name: string, parts: ReadonlyArray<ArtifactPart>): WireArtifact =>
  wireArtifact(artifactId, name, parts.map((part) => part._tag === "Text" ? textPart(part.text) : dataPart(part.data)))

const wireArtifact = (artifactId: string, name: string, parts: Array<Part>): WireArtifact => ({
  artifactId,
  name,
  description: "",
  parts,
  metadata: undefined,
  extensions: []
})

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

/** Makes the decoder of one stream. */
export const makeDecoder = () => {
  let taskId: string | undefined
  /** What foreign artifacts have said, by artifact. */
  const said = new Map<string, string>()

  const foreignText = (artifactId: string, text: string, append: boolean): ReadonlyArray<TaskEvent> => {
    const before = said.get(artifactId) ?? ""
    said.set(artifactId, append ? before + text : text)
    // An artifact sent again as a whole repeats what is known; only what is new in it counts.
    const news = append ? text : text.startsWith(before) ? text.slice(before.length) : undefined
    if (news === undefined) return [Replaced.make({ text: [...said.values()].join("") })]
    return news === "" ? [] : [Delta.make({ channel: "content", text: news, tokens: 1 })]
  }

  const foreignArtifact = (artifactId: string, name: string, parts: ReadonlyArray<Part>, append: boolean) => {
    const data = parts.flatMap((part) => part.content?.$case === "data" ? [part.content.value as Schema.Json] : [])
    return [
      ...foreignText(artifactId, textOf(parts), append),
      ...(data.length === 0
        ? []
        : [Artifact.make({ artifactId, name, parts: data.map((data) => ({ _tag: "Data" as const, data })) })])
    ]
  }

  const foreignStatus = (status: TaskStatus | undefined): ReadonlyArray<TaskEvent> => {
    const state = status === undefined ? undefined : fromTaskState.get(status.state)
    if (state === undefined) return []
    const text = textOf(status?.message?.parts ?? [])
    return isFinalState(state) ? [Ended.make({ state, text, error: null })] : [Status.make({ state, text })]
  }

  const task = (task: Task): ReadonlyArray<TaskEvent> => {
    taskId = task.id
    const artifacts = task.artifacts.flatMap((artifact) =>
      foreignArtifact(artifact.artifactId, artifact.name, artifact.parts, false)
    )
    // The first task of a stream only says that there is one; its state counts where it is already over.
    return [...artifacts, ...foreignStatus(task.status).filter((event) => !isBareStatus(event))]
  }

  const decode = (response: StreamResponse): ReadonlyArray<TaskEvent> => {
    const payload = response.payload
    switch (payload?.$case) {
      case undefined:
        return []
      case "task":
        return task(payload.value)
      case "message":
        return [
          Delta.make({ channel: "content", text: textOf(payload.value.parts), tokens: 1 }),
          Finish.make({ reason: "message" }),
          Ended.make({ state: "completed", text: "", error: null })
        ]
      case "statusUpdate": {
        taskId = payload.value.taskId
        return exactEvent(payload.value.metadata, []) ?? foreignStatus(payload.value.status)
      }
      case "artifactUpdate": {
        taskId = payload.value.taskId
        const artifact = payload.value.artifact
        if (artifact === undefined) return []
        return exactEvent(payload.value.metadata, artifact.parts) ??
          foreignArtifact(artifact.artifactId, artifact.name, artifact.parts, payload.value.append)
      }
    }
  }

  return { decode, taskId: () => taskId }
}

const isBareStatus = (event: TaskEvent): boolean => event._tag === "Status" && event.text === ""

/** The event under the extension's key, with the text that the update's parts carry. */
const exactEvent = (
  metadata: Readonly<Record<string, unknown>> | undefined,
  parts: ReadonlyArray<Part>
): ReadonlyArray<TaskEvent> | undefined => {
  const encoded = metadata?.[TOKEN_EXTENSION_URI]
  if (typeof encoded !== "object" || encoded === null || !("_tag" in encoded)) return undefined
  const carriesText = encoded._tag === "Delta" || encoded._tag === "Replaced"
  const decoded = decodeEvent(carriesText ? { ...encoded, text: textOf(parts) } : encoded)
  return Result.isSuccess(decoded) ? [decoded.success] : undefined
}

export const textOf = (parts: ReadonlyArray<Part>): string =>
  parts.map((part) => part.content?.$case === "text" ? part.content.value : "").join("")
