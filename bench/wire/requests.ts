/**
 * The requests of clients that are cheap enough not to be what is measured, and as text for a plain socket.
 */
import { randomUUID } from "node:crypto"

export interface PostRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const PROMPT = "Say something long."

const post = (path: string, body: object, headers: PostRequest["headers"] = {}): PostRequest => ({
  path,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body)
})

const jsonRpc = (method: string, params: object): PostRequest =>
  post("/", { jsonrpc: "2.0", id: 1, method, params }, { "a2a-version": "1.0" })

/** A message to an agent, whose answer is a stream. */
export const sendStreamingMessage = (): PostRequest =>
  jsonRpc("SendStreamingMessage", {
    message: { messageId: randomUUID(), role: "ROLE_USER", parts: [{ text: PROMPT }] }
  })

/** The stream of a task that is there already. */
export const subscribeToTask = (taskId: string): PostRequest => jsonRpc("SubscribeToTask", { id: taskId })

export const cancelTask = (taskId: string): PostRequest => jsonRpc("CancelTask", { id: taskId })

/** The engine's own stream, without an agent. */
export const chatCompletion = (): PostRequest =>
  post("/v1/chat/completions", {
    model: "simulated-model",
    messages: [{ role: "user", content: PROMPT }],
    stream: true
  })

/** The request in HTTP/1.1; the server closes the connection behind its answer. */
export const toText = (url: string, { body, headers, path }: PostRequest): string =>
  [
    `POST ${path} HTTP/1.1`,
    `host: ${new URL(url).host}`,
    "connection: close",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
    "",
    body
  ].join("\r\n")
