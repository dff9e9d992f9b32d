/**
 * What an agent's answer says, whichever version of A2A it is written in: the results of a stream, of a send and of
 * GetTask, read from their JSON and not through an SDK, because a probe looks for what an SDK smooths over.
 *
 * Law: total over any JSON. What is not understood is `unknown`, and what is absent is empty.
 */
import { TOKEN_EXTENSION_URI } from "../a2a/TokenExtension.ts"
import { isObject } from "../a2a/WireShape.ts"

export interface ArtifactText {
  readonly id: string
  readonly text: string
  readonly append: boolean
}

export interface AgentFrame {
  readonly kind: "task" | "message" | "status" | "artifact" | "unknown"
  readonly taskId: string
  readonly contextId: string
  /** In the words of 0.3, such as `working`; empty where none is said. */
  readonly state: string
  /** The text of the status or of the message. */
  readonly text: string
  readonly statusAt: string
  readonly artifacts: ReadonlyArray<ArtifactText>
  /** What our token extension says of it. */
  readonly extension: { readonly tokens: number; readonly isHeartbeat: boolean } | undefined
}

type Json = Readonly<Record<string, unknown>>

const FINAL = new Set(["completed", "canceled", "failed", "rejected"])

/** Whether a task in this state stays in it. */
export const isFinal = ({ state }: Pick<AgentFrame, "state">): boolean => FINAL.has(state)

const nothing: AgentFrame = {
  kind: "unknown",
  taskId: "",
  contextId: "",
  state: "",
  text: "",
  statusAt: "",
  artifacts: [],
  extension: undefined
}

const textIn = (value: unknown): string => typeof value === "string" ? value : ""

const objectIn = (value: unknown): Json => isObject(value) ? value : {}

const partsText = (parts: unknown): string =>
  Array.isArray(parts) ? parts.map((part) => textIn(objectIn(part)["text"])).join("") : ""

/** A state as 0.3 has it. What can be none is left out: it is text from outside, and shown. */
const stateOf = (state: unknown): string => {
  const text = textIn(state).replace(/^TASK_STATE_/, "").toLowerCase().replaceAll("_", "-")
  return text === "cancelled" ? "canceled" : /^[a-z-]{1,40}$/.test(text) ? text : ""
}

const artifactOf = (value: unknown, append: boolean): ArtifactText => {
  const artifact = objectIn(value)
  return { id: textIn(artifact["artifactId"]), text: partsText(artifact["parts"]), append }
}

const extensionOf = (json: Json): AgentFrame["extension"] => {
  const said = objectIn(json["metadata"])[TOKEN_EXTENSION_URI]
  if (said === undefined) return undefined
  // Whole, a token event cannot be decoded: its text is in the update's own parts.
  const { _tag, tokens } = objectIn(said)
  const isHeartbeat = _tag === "Heartbeat"
  return { tokens: !isHeartbeat && Number.isSafeInteger(tokens) ? Math.max(0, Number(tokens)) : 0, isHeartbeat }
}

const kindOf = (json: Json): readonly [AgentFrame["kind"], Json] => {
  for (
    const [kind, current, legacy] of [
      ["task", "task", "task"],
      ["message", "message", "message"],
      ["status", "statusUpdate", "status-update"],
      ["artifact", "artifactUpdate", "artifact-update"]
    ] as const
  ) {
    if (isObject(json[current])) return [kind, json[current]]
    if (json["kind"] === legacy) return [kind, json]
  }
  // GetTask and CancelTask of 1.0 answer with the task itself.
  return isObject(json["status"]) && json["id"] !== undefined ? ["task", json] : ["unknown", json]
}

/** Reads the result of any call, or one element of a stream. */
export const readFrame = (result: unknown): AgentFrame => {
  if (!isObject(result)) return nothing
  const [kind, json] = kindOf(result)
  const status = objectIn(json["status"])
  const frame: AgentFrame = {
    ...nothing,
    kind,
    taskId: textIn(kind === "task" ? json["id"] : json["taskId"]),
    contextId: textIn(json["contextId"]),
    state: stateOf(status["state"]),
    statusAt: textIn(status["timestamp"]),
    text: partsText(objectIn(status["message"])["parts"]),
    extension: extensionOf(json)
  }
  switch (kind) {
    case "task":
      return {
        ...frame,
        artifacts: Array.isArray(json["artifacts"]) ? json["artifacts"].map((each) => artifactOf(each, false)) : []
      }
    case "artifact":
      return { ...frame, artifacts: [artifactOf(json["artifact"], json["append"] === true)] }
    case "message":
      return { ...frame, text: partsText(json["parts"]) }
    case "status":
    case "unknown":
      return frame
  }
}
