/** The two official clients, of A2A 0.3 and of 1.0, as somebody uses them who has never heard of us: no extension. */
import { Role, type StreamResponse, type Task, TaskState } from "@a2a-js/sdk"
import { ClientFactory } from "@a2a-js/sdk/client"
import type { MessageSendParams } from "a2a-js-sdk-0.3"
import { ClientFactory as LegacyFactory } from "a2a-js-sdk-0.3/client"

/** A part as its kind and what it holds. */
export type SeenPart = readonly ["text", string] | readonly ["data", any]

/** An event, or a task, told in the words of neither version; states as 0.3 writes them. */
export interface Seen {
  readonly kind: "task" | "status" | "artifact"
  readonly taskId: string
  readonly state: string
  /** Of the status. */
  readonly text: string
  readonly artifacts: ReadonlyArray<ReadonlyArray<SeenPart>>
}

export interface OfficialClient {
  readonly stream: (text: string) => AsyncIterable<Seen>
  /** Waits for the end of the task. */
  readonly send: (text: string) => Promise<Seen>
  readonly cancel: (taskId: string) => Promise<unknown>
}

const map = async function*<A>(events: AsyncIterable<A>, seen: (event: A) => Seen): AsyncIterable<Seen> {
  for await (const event of events) yield seen(event)
}

/** Parts of both: 0.3 has a `kind`, 1.0 a `$case`. */
const partOf = (part: any): SeenPart => {
  const kind = part.kind ?? part.content.$case
  return kind === "text" ? ["text", part.text ?? part.content.value] : ["data", part.data ?? part.content.value]
}
const textOf = (status: any): string => (status?.message?.parts ?? []).map((part: any) => partOf(part)[1]).join("")
const partsOf = (artifact: any): ReadonlyArray<SeenPart> => artifact.parts.map(partOf)

const stateOf = (state: TaskState | string | undefined): string =>
  (typeof state === "number" ? TaskState[state]! : state ?? "").replace("TASK_STATE_", "").toLowerCase().replace(
    "_",
    "-"
  )

const seenTask = (task: any): Seen => ({
  kind: "task",
  taskId: task.id,
  state: stateOf(task.status.state),
  text: textOf(task.status),
  artifacts: (task.artifacts ?? []).map(partsOf)
})

const seenUpdate = (update: any): Seen => ({
  kind: update.artifact === undefined ? "status" : "artifact",
  taskId: update.taskId,
  state: stateOf(update.status?.state),
  text: textOf(update.status),
  artifacts: update.artifact === undefined ? [] : [partsOf(update.artifact)]
})

const current = async (url: string): Promise<OfficialClient> => {
  const client = await new ClientFactory().createFromUrl(url)
  const params = (text: string) => ({
    tenant: "",
    message: {
      messageId: "m",
      contextId: "",
      taskId: "",
      role: Role.ROLE_USER,
      parts: [{ content: { $case: "text" as const, value: text }, metadata: undefined, filename: "", mediaType: "" }],
      metadata: undefined,
      extensions: [],
      referenceTaskIds: []
    },
    configuration: undefined,
    metadata: undefined
  })
  return {
    stream: (text) =>
      map(
        client.sendMessageStream(params(text)),
        ({ payload }: StreamResponse) =>
          payload?.$case === "task" ? seenTask(payload.value) : seenUpdate(payload?.value)
      ),
    send: async (text) => seenTask(await client.sendMessage(params(text)) as Task),
    cancel: (id) => client.cancelTask({ tenant: "", id, metadata: undefined })
  }
}

const legacy = async (url: string): Promise<OfficialClient> => {
  const client = await new LegacyFactory().createFromUrl(url)
  const params = (text: string): MessageSendParams => ({
    message: { kind: "message", messageId: "m", role: "user", parts: [{ kind: "text", text }] }
  })
  return {
    stream: (text) =>
      map(
        client.sendMessageStream(params(text)),
        (event) => event.kind === "task" ? seenTask(event) : seenUpdate(event)
      ),
    send: async (text) => seenTask(await client.sendMessage(params(text))),
    cancel: (id) => client.cancelTask({ id })
  }
}

export const officialClients: ReadonlyArray<readonly [name: string, dial: (url: string) => Promise<OfficialClient>]> = [
  ["the SDK of 0.3", legacy],
  ["the SDK of 1.0", current]
]
