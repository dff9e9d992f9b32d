/**
 * The parts that a task is made of on the A2A wire, as the SDK's types have them: states, statuses, artifacts, text.
 *
 * Status messages are commentary; results never stand in them alone. The text of a whole answer is one part.
 */
import type { Artifact, Message, Part, TaskStatus } from "@a2a-js/sdk"
import { Role, TaskState } from "@a2a-js/sdk"
import type { ArtifactPart, FinalState, OpenState } from "./TaskEvent.ts"

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
const stateOfWire = new Map(
  Object.entries(toTaskState).map(([state, wire]) => [wire, state as OpenState | FinalState])
)

export const isFinalState = (state: OpenState | FinalState): state is FinalState =>
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
export const toArtifact = (artifactId: string, name: string, parts: ReadonlyArray<ArtifactPart>): Artifact =>
  wireArtifact(artifactId, name, parts.map((part) => part._tag === "Text" ? textPart(part.text) : dataPart(part.data)))

export const wireArtifact = (artifactId: string, name: string, parts: Array<Part>): Artifact => ({
  artifactId,
  name,
  description: "",
  parts,
  metadata: undefined,
  extensions: []
})

/** The state that a state of the wire stands for; nothing if it is none. */
export const fromTaskState = (state: TaskState): OpenState | FinalState | undefined => stateOfWire.get(state)

/** The text parts, joined. */
export const textOf = (parts: ReadonlyArray<Part>): string =>
  parts.map((part) => part.content?.$case === "text" ? part.content.value : "").join("")
