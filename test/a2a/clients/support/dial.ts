// @effect-diagnostics globalFetch:off
/**
 * Four real clients behind one interface, so that every test is held against each: the SDK's of 1.0 over JSON-RPC and
 * over HTTP+JSON, the SDK of 0.3, and nothing but `fetch`. What they give is told in the words of none of them.
 */
import { Role, type StreamResponse, type Task, TaskState } from "@a2a-js/sdk"
import {
  ClientFactory,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
  RestTransportFactory,
  ServiceParameters,
  withA2AExtensions
} from "@a2a-js/sdk/client"
import type { MessageSendParams } from "a2a-js-sdk-0.3"
import {
  ClientFactory as LegacyFactory,
  DefaultAgentCardResolver as LegacyResolver,
  JsonRpcTransportFactory as LegacyJsonRpc
} from "a2a-js-sdk-0.3/client"
import { TOKEN_EXTENSION_URI } from "../../../../src/a2a/TokenExtension.ts"

/** A task as a client sees it; states as 0.3 writes them. */
export interface SeenTask {
  readonly id: string
  readonly contextId: string
  readonly state: string
  /** The text of its status. */
  readonly said: string
  /** The parts of its answer. */
  readonly answer: ReadonlyArray<string>
  /** The texts of its history. */
  readonly history: ReadonlyArray<string>
}

export interface SeenEvent {
  readonly kind: "task" | "status" | "artifact"
  readonly task?: SeenTask
  readonly state?: string
  readonly said?: string
  readonly artifactId?: string
  readonly text?: string
  readonly append?: boolean
  readonly lastChunk?: boolean
  readonly final?: boolean | undefined
  /** What the token extension says of it. */
  readonly told?: Record<string, any> | undefined
}

export interface Message {
  readonly text: string
  readonly taskId?: string
  readonly contextId?: string
}

export interface DialOptions {
  readonly token?: string
  readonly extension?: boolean
}

/** An agent as one of the clients has it. */
export interface Dialed {
  readonly name: string
  readonly send: (message: Message, options?: { readonly waits?: boolean }) => Promise<SeenTask>
  readonly stream: (message: Message) => AsyncIterable<SeenEvent>
  readonly get: (id: string, historyLength?: number) => Promise<SeenTask>
  readonly cancel: (id: string) => Promise<SeenTask>
  readonly subscribe: (id: string) => AsyncIterable<SeenEvent>
  /** Nothing where the client knows no lists. */
  readonly list:
    | ((query: { readonly contextId?: string; readonly pageSize?: number; readonly pageToken?: string }) => Promise<
      { readonly tasks: ReadonlyArray<SeenTask>; readonly next: string; readonly total: number }
    >)
    | undefined
  /** The headers of the last response. */
  readonly headers: () => Headers
}

export type Dial = (url: string, options?: DialOptions) => Promise<Dialed>

/** A `fetch` that keeps the headers of the last response and presents a token. */
const watched = (token: string | undefined) => {
  let last = new Headers()
  const fetchImpl: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers)
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`)
    const response = await fetch(input, { ...init, headers })
    last = response.headers
    return response
  }
  return { fetchImpl, headers: () => last }
}

const map = async function*<A, B>(events: AsyncIterable<A>, f: (event: A) => B): AsyncIterable<B> {
  for await (const event of events) yield f(event)
}

const stateOf = (state: TaskState | string): string =>
  (typeof state === "string" ? state : TaskState[state]!).replace("TASK_STATE_", "").toLowerCase().replace("_", "-")

/** Objects of the SDK of 1.0, in memory. */
const partText = (part: { readonly content?: { readonly $case: string; readonly value: unknown } | undefined }) =>
  part.content?.$case === "text" ? String(part.content.value) : ""

const seenTask = (task: Task): SeenTask => ({
  id: task.id,
  contextId: task.contextId,
  state: stateOf(task.status!.state),
  said: (task.status?.message?.parts ?? []).map(partText).join(""),
  answer: task.artifacts.filter(({ artifactId }) => artifactId === "answer").flatMap(({ parts }) =>
    parts.map(partText)
  ),
  history: task.history.map(({ parts }) => parts.map(partText).join(""))
})

const seenEvent = ({ payload }: StreamResponse): SeenEvent => {
  switch (payload?.$case) {
    case "task":
      return { kind: "task", task: seenTask(payload.value), told: payload.value.metadata?.[TOKEN_EXTENSION_URI] }
    case "statusUpdate": {
      const { metadata, status } = payload.value
      const said = (status?.message?.parts ?? []).map(partText).join("")
      return { kind: "status", state: stateOf(status!.state), said, told: metadata?.[TOKEN_EXTENSION_URI] }
    }
    case "artifactUpdate": {
      const { append, artifact, lastChunk, metadata } = payload.value
      return {
        kind: "artifact",
        artifactId: artifact!.artifactId,
        text: artifact!.parts.map(partText).join(""),
        append,
        lastChunk,
        told: metadata?.[TOKEN_EXTENSION_URI]
      }
    }
    default:
      throw new Error(`no event of a task: ${payload?.$case}`)
  }
}

const currentMessage = ({ contextId = "", taskId = "", text }: Message) => ({
  messageId: "m",
  contextId,
  taskId,
  role: Role.ROLE_USER,
  parts: [{ content: { $case: "text" as const, value: text }, metadata: undefined, filename: "", mediaType: "" }],
  metadata: undefined,
  extensions: [],
  referenceTaskIds: []
})

const current = (binding: "JSONRPC" | "HTTP+JSON"): Dial => async (url, { extension, token } = {}) => {
  const { fetchImpl, headers } = watched(token)
  const client = await new ClientFactory({
    transports: binding === "JSONRPC"
      ? [new JsonRpcTransportFactory({ fetchImpl })]
      : [new RestTransportFactory({ fetchImpl })],
    cardResolver: new DefaultAgentCardResolver({ fetchImpl })
  }).createFromUrl(url)
  const options = extension === true
    ? { serviceParameters: ServiceParameters.create(withA2AExtensions(TOKEN_EXTENSION_URI)) }
    : {}
  const base = { tenant: "", metadata: undefined }
  return {
    name: binding,
    headers,
    send: async (message, { waits = true } = {}) => {
      const configuration = {
        acceptedOutputModes: [],
        taskPushNotificationConfig: undefined,
        returnImmediately: !waits
      }
      const sent = await client.sendMessage({ ...base, message: currentMessage(message), configuration }, options)
      return seenTask(sent as Task)
    },
    stream: (message) =>
      map(
        client.sendMessageStream({ ...base, message: currentMessage(message), configuration: undefined }, options),
        seenEvent
      ),
    get: async (id, historyLength) => seenTask(await client.getTask({ tenant: "", id, historyLength }, options)),
    cancel: async (id) => seenTask(await client.cancelTask({ ...base, id }, options)),
    subscribe: (id) => map(client.resubscribeTask({ tenant: "", id }, options), seenEvent),
    list: async ({ contextId = "", pageSize = 50, pageToken = "" }) => {
      const query = { tenant: "", contextId, pageSize, pageToken, status: 0, statusTimestampAfter: undefined }
      const { nextPageToken, tasks, totalSize } = await client.listTasks(query, options)
      return { tasks: tasks.map(seenTask), next: nextPageToken, total: totalSize }
    }
  }
}

/** Objects of JSON: of 0.3, and of 1.0 as they are on the wire. */
const jsonText = (parts: ReadonlyArray<{ readonly text?: string }> = []) => parts.map(({ text = "" }) => text)

const seenJsonTask = (task: any): SeenTask => ({
  id: task.id,
  contextId: task.contextId,
  state: stateOf(task.status.state),
  said: jsonText(task.status.message?.parts).join(""),
  answer: (task.artifacts ?? []).filter((artifact: any) => artifact.artifactId === "answer").flatMap((artifact: any) =>
    jsonText(artifact.parts)
  ),
  history: (task.history ?? []).map((message: any) => jsonText(message.parts).join(""))
})

const seenJsonEvent = (event: any): SeenEvent => {
  const task = event.task ?? (event.kind === "task" ? event : undefined)
  if (task !== undefined) return { kind: "task", task: seenJsonTask(task), told: task.metadata?.[TOKEN_EXTENSION_URI] }
  const { append = false, artifact, final, lastChunk = false, metadata, status } = event.statusUpdate ??
    event.artifactUpdate ?? event
  const told = metadata?.[TOKEN_EXTENSION_URI]
  return artifact === undefined
    ? { kind: "status", state: stateOf(status.state), said: jsonText(status.message?.parts).join(""), final, told }
    : {
      kind: "artifact",
      artifactId: artifact.artifactId,
      text: jsonText(artifact.parts).join(""),
      append,
      lastChunk,
      told
    }
}

const legacy: Dial = async (url, { extension, token } = {}) => {
  const { fetchImpl, headers } = watched(token)
  const client = await new LegacyFactory({
    transports: [new LegacyJsonRpc({ fetchImpl })],
    cardResolver: new LegacyResolver({ fetchImpl })
  }).createFromUrl(url)
  const options = extension === true ? { serviceParameters: { "X-A2A-Extensions": TOKEN_EXTENSION_URI } } : {}
  const params = ({ text, ...ids }: Message, blocking?: boolean): MessageSendParams => ({
    message: { kind: "message", messageId: "m", role: "user", parts: [{ kind: "text", text }], ...ids },
    ...blocking === undefined ? {} : { configuration: { blocking } }
  })
  return {
    name: "0.3",
    headers,
    send: async (message, { waits } = {}) => seenJsonTask(await client.sendMessage(params(message, waits), options)),
    stream: (message) => map(client.sendMessageStream(params(message), options), seenJsonEvent),
    get: async (id, historyLength) =>
      seenJsonTask(
        await client.getTask({ id, ...historyLength === undefined ? {} : { historyLength } }, options)
      ),
    cancel: async (id) => seenJsonTask(await client.cancelTask({ id }, options)),
    subscribe: (id) => map(client.resubscribeTask({ id }, options), seenJsonEvent),
    list: undefined
  }
}

/** HTTP+JSON by hand, as the specification writes it. */
const plain: Dial = async (url, { extension, token } = {}) => {
  const { fetchImpl, headers } = watched(token)
  const card = await (await fetchImpl(`${url}.well-known/agent-card.json`)).json()
  const root = (card as any).supportedInterfaces.find((each: any) => each.protocolBinding === "HTTP+JSON").url as string
  const ask = async (method: string, path: string, body?: unknown) => {
    const response = await fetchImpl(`${root}${path}`, {
      method,
      headers: {
        "A2A-Version": "1.0",
        ...body === undefined ? {} : { "content-type": "application/a2a+json" },
        ...extension === true ? { "A2A-Extensions": TOKEN_EXTENSION_URI } : {}
      },
      ...body === undefined ? {} : { body: JSON.stringify(body) }
    })
    if (response.ok) return response
    const { error } = await response.json() as { error: { message: string; details: ReadonlyArray<any> } }
    throw Object.assign(new Error(error.message), { name: error.details[0]?.reason ?? String(response.status) })
  }
  const json = async (method: string, path: string, body?: unknown): Promise<any> =>
    (await ask(method, path, body)).json()
  const events = async function*(method: string, path: string, body?: unknown) {
    const { body: stream } = await ask(method, path, body)
    let rest = ""
    for await (const text of stream!.pipeThrough(new TextDecoderStream())) {
      rest += text
      const frames = rest.split("\n\n")
      rest = frames.pop()!
      for (const frame of frames) {
        const data = /^data: (.*)$/m.exec(frame)?.[1]
        if (data !== undefined) yield seenJsonEvent(JSON.parse(data))
      }
    }
  }
  const params = ({ text, ...ids }: Message, waits?: boolean) => ({
    message: { messageId: "m", role: "ROLE_USER", parts: [{ text }], ...ids },
    ...waits === undefined ? {} : { configuration: { returnImmediately: !waits } }
  })
  return {
    name: "fetch",
    headers,
    send: async (message, { waits } = {}) =>
      seenJsonTask((await json("POST", "/message:send", params(message, waits))).task),
    stream: (message) => events("POST", "/message:stream", params(message)),
    get: async (id, historyLength) =>
      seenJsonTask(
        await json("GET", `/tasks/${id}${historyLength === undefined ? "" : `?historyLength=${historyLength}`}`)
      ),
    cancel: async (id) => seenJsonTask(await json("POST", `/tasks/${id}:cancel`, {})),
    subscribe: (id) => events("GET", `/tasks/${id}:subscribe`),
    list: async (query) => {
      const search = new URLSearchParams(
        Object.entries(query).map(([name, value]): [string, string] => [name, String(value)])
      )
      const { nextPageToken, tasks, totalSize } = await json("GET", `/tasks?${search}`)
      return { tasks: tasks.map(seenJsonTask), next: nextPageToken, total: totalSize }
    }
  }
}

/** By the names that tests give them. */
export const dials: ReadonlyArray<readonly [name: string, dial: Dial]> = [
  ["the SDK over JSON-RPC", current("JSONRPC")],
  ["the SDK over HTTP+JSON", current("HTTP+JSON")],
  ["the SDK of 0.3", legacy],
  ["fetch", plain]
]
