/** The task of a hand-made agent and its events in the JSON of A2A 1.0 and 0.3, written down from the specifications. */

export type Version = "1.0" | "0.3"
export type State = "submitted" | "working" | "completed" | "canceled" | "failed"

export interface Task {
  readonly id: string
  readonly contextId: string
  state: State
  /** The text of its status. */
  text: string
  statusAt: string
  readonly artifacts: Map<string, string>
}

export type Event =
  | { readonly kind: "task" }
  | { readonly kind: "status" }
  | { readonly kind: "artifact"; readonly id: string; readonly text: string; readonly append: boolean }

const parts = (version: Version, text: string) => [version === "1.0" ? { text } : { kind: "text", text }]

const statusOf = (version: Version, task: Task) => ({
  state: version === "1.0" ? `TASK_STATE_${task.state.toUpperCase()}` : task.state,
  timestamp: task.statusAt,
  ...(task.text === "" ? {} : {
    message: {
      ...(version === "1.0" ? { role: "ROLE_AGENT" } : { kind: "message", role: "agent" }),
      messageId: `${task.id}-${task.statusAt}`,
      taskId: task.id,
      contextId: task.contextId,
      parts: parts(version, task.text)
    }
  })
})

export const taskJson = (version: Version, task: Task): Record<string, unknown> => ({
  ...(version === "1.0" ? {} : { kind: "task" }),
  id: task.id,
  contextId: task.contextId,
  status: statusOf(version, task),
  artifacts: [...task.artifacts].map(([artifactId, text]) => ({ artifactId, parts: parts(version, text) }))
})

/** One element of a stream. */
export const eventJson = (version: Version, task: Task, event: Event): Record<string, unknown> => {
  const of = { taskId: task.id, contextId: task.contextId }
  switch (event.kind) {
    case "task":
      return version === "1.0" ? { task: taskJson(version, task) } : taskJson(version, task)
    case "status": {
      const status = { ...of, status: statusOf(version, task) }
      return version === "1.0"
        ? { statusUpdate: status }
        : { kind: "status-update", ...status, final: isOver(task) }
    }
    case "artifact": {
      const artifact = { artifactId: event.id, parts: parts(version, event.text) }
      const update = { ...of, artifact, append: event.append, lastChunk: false }
      return version === "1.0" ? { artifactUpdate: update } : { kind: "artifact-update", ...update }
    }
  }
}

export const isOver = ({ state }: Task): boolean => state === "completed" || state === "canceled" || state === "failed"

/** What the methods are called. */
export const methodsOf = (version: Version) =>
  version === "1.0"
    ? {
      send: "SendMessage",
      stream: "SendStreamingMessage",
      get: "GetTask",
      cancel: "CancelTask",
      subscribe: "SubscribeToTask"
    }
    : {
      send: "message/send",
      stream: "message/stream",
      get: "tasks/get",
      cancel: "tasks/cancel",
      subscribe: "tasks/resubscribe"
    }

export const cardJson = (
  version: Version,
  { name, streaming, url }: { readonly name: string; readonly streaming: boolean; readonly url: string }
): Record<string, unknown> => ({
  name,
  description: "An agent with a flaw.",
  version: "1.0.0",
  capabilities: { streaming },
  defaultInputModes: ["text/plain"],
  defaultOutputModes: ["text/plain"],
  skills: [{ id: "answer", name: "answer", description: "Answers.", tags: ["chat"] }],
  ...(version === "1.0"
    ? { supportedInterfaces: [{ url, protocolBinding: "JSONRPC", protocolVersion: "1.0" }] }
    : { url, protocolVersion: "0.3.0", preferredTransport: "JSONRPC" })
})
