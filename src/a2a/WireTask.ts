/**
 * The parts that a task is made of on the A2A wire, as the SDK's types have them: states, statuses, artifacts, text.
 *
 * Status messages are commentary; results never stand in them alone. The text of a whole answer is one part.
 */
import type { Artifact as WireArtifact, Message, Part, Task, TaskStatus } from "@a2a-js/sdk"
import { Role, TaskState } from "@a2a-js/sdk"
import * as DateTime from "effect/DateTime"
import type { ArtifactPart, FinalState, OpenState } from "./TaskEvent.ts"
import type { TaskLog, TaskSnapshot } from "./TaskLog.ts"
import { summaryOf } from "./TaskSummary.ts"
import { encodeEvent, TOKEN_EXTENSION_URI } from "./TokenExtension.ts"

export const ANSWER_ARTIFACT_ID = "answer"
export const REASONING_ARTIFACT_ID = "reasoning"

/** Which task it is, and in which conversation. */
export interface TaskIdentity {
  /** Its own id, which no other task has. */
  readonly taskId: string
  /** The conversation that it is part of. */
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

/** The id of the message in the status that the event of a generation set. */
export const statusMessageId = ({ taskId }: TaskIdentity, generation: number): string =>
  `${taskId}-status-${generation}`

/** The status of a snapshot; the message is left out when there is no text. */
const toTaskStatus = (identity: TaskIdentity, snapshot: TaskSnapshot): TaskStatus => ({
  state: toTaskState[snapshot.state],
  message: statusMessageOf(identity, snapshot),
  timestamp: DateTime.formatIso(DateTime.makeUnsafe(snapshot.statusAt))
})

/** The message in the status of a snapshot. */
export const statusMessageOf = (
  identity: TaskIdentity,
  { statusGeneration, statusText }: TaskSnapshot
): Message | undefined =>
  statusText === "" ? undefined : {
    messageId: statusMessageId(identity, statusGeneration),
    contextId: identity.contextId,
    taskId: identity.taskId,
    role: Role.ROLE_AGENT,
    parts: [textPart(statusText)],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: []
  }

const toArtifact = (artifactId: string, name: string, parts: ReadonlyArray<ArtifactPart>): WireArtifact => ({
  artifactId,
  name,
  description: "",
  parts: parts.map((part) => part._tag === "Text" ? textPart(part.text) : dataPart(part.data)),
  metadata: undefined,
  extensions: []
})

export interface TaskView {
  /** The latest so many messages; all unless given. */
  readonly historyLength?: number | undefined
  /** Whether the reader asked for the token extension: then it gets the reasoning, and the place in the log. */
  readonly exact: boolean
}

/** A snapshot of a task, as the wire has it. */
export const toTask = (log: TaskLog, snapshot: TaskSnapshot, { exact, historyLength }: TaskView): Task => {
  const { artifacts, generation, total, transcript } = snapshot
  const said = [
    { artifactId: ANSWER_ARTIFACT_ID, text: transcript.content },
    ...exact ? [{ artifactId: REASONING_ARTIFACT_ID, text: transcript.reasoning }] : []
  ]
  return {
    id: log.taskId,
    contextId: log.contextId,
    status: toTaskStatus(log, snapshot),
    artifacts: [
      ...said.filter(({ text }) => text !== "").map(({ artifactId, text }) =>
        toArtifact(artifactId, artifactId, [{ _tag: "Text", text }])
      ),
      ...artifacts.map((artifact) => toArtifact(artifact.artifactId, artifact.name, artifact.parts))
    ],
    history: historyLength === 0 ? [] : log.history.slice(-(historyLength ?? log.history.length)),
    metadata: exact
      ? { [TOKEN_EXTENSION_URI]: { _tag: "Snapshot", generation, tokens: total, ...endOf(log, generation) } }
      : undefined
  }
}

/** How a task ended, for those who ask for it after its end. */
const endOf = (log: TaskLog, generation: number): object =>
  log.end === undefined || generation < log.generation
    ? {}
    : { ended: { ...encodeEvent(log.end) as object, summary: summaryOf(log, log.end) } }

/** The state that a state of the wire stands for; nothing if it is none. */
export const fromTaskState = (state: TaskState): OpenState | FinalState | undefined => stateOfWire.get(state)

/** The text parts, joined. */
export const textOf = (parts: ReadonlyArray<Part>, separator = ""): string =>
  parts.flatMap((part) => part.content?.$case === "text" ? [part.content.value] : []).join(separator)
