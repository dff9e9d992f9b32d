// @effect-diagnostics globalDate:off
/**
 * An agent as a user of @a2a-js/sdk writes it: `DefaultRequestHandler`, `InMemoryTaskStore` and an executor, on node:http
 * instead of Express. A client that goes tells nobody, as there.
 */
import { type AgentCard, formatSSEEvent, Role, SSE_HEADERS, TaskState } from "@a2a-js/sdk"
import { LegacyJsonRpcTransportHandler } from "@a2a-js/sdk/compat/v0_3/server"
import {
  AgentEvent,
  type AgentExecutor,
  DefaultRequestHandler,
  defaultServerCallContextBuilder,
  InMemoryTaskStore,
  JsonRpcTransportHandler,
  UnauthenticatedUser
} from "@a2a-js/sdk/server"
import { randomUUID } from "node:crypto"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { type ChatMessage, streamed } from "./engineCall.ts"
import { type FixtureOptions, hangsAfter, type StartedAgent } from "./handMadeAgent.ts"
import { cardJson, type Version } from "./wireOfTask.ts"

export interface SdkAgentOptions extends FixtureOptions {
  readonly name: string
  readonly version?: Version
  /** How the answer is told: appended to an artifact, a status for each piece, or one message at the end. */
  readonly voice: "append" | "statuses" | "message"
}

const textPart = (text: string) => ({
  content: { $case: "text" as const, value: text },
  metadata: undefined,
  filename: "",
  mediaType: "text/plain"
})

const executorOf = ({ hang, voice, ...engine }: SdkAgentOptions): AgentExecutor => {
  const aborts = new Map<string, AbortController>()
  const contexts = new Map<string, string>()
  const conversations = new Map<string, ReadonlyArray<ChatMessage>>()
  let messages = 0
  return {
    execute: async ({ contextId, taskId, userMessage }, bus) => {
      const abort = new AbortController()
      aborts.set(taskId, abort)
      contexts.set(taskId, contextId)
      const text = userMessage.parts.map(({ content }) => content?.$case === "text" ? content.value : "").join("")
      const most = hangsAfter(hang, messages++) ?? Infinity
      const message = (text: string) => ({
        messageId: randomUUID(),
        contextId,
        taskId: voice === "message" ? "" : taskId,
        role: Role.ROLE_AGENT,
        parts: [textPart(text)],
        metadata: undefined,
        extensions: [],
        referenceTaskIds: []
      })
      const status = (state: TaskState, text = "") =>
        AgentEvent.statusUpdate({
          taskId,
          contextId,
          status: {
            state,
            message: text === "" ? undefined : message(text),
            timestamp: new Date().toISOString()
          },
          metadata: undefined
        })
      if (voice !== "message") {
        bus.publish(AgentEvent.task({
          id: taskId,
          contextId,
          status: { state: TaskState.TASK_STATE_WORKING, message: undefined, timestamp: new Date().toISOString() },
          artifacts: [],
          history: [userMessage],
          metadata: undefined
        }))
      }
      const asked: ReadonlyArray<ChatMessage> = [
        ...conversations.get(contextId) ?? [],
        { role: "user", content: text }
      ]
      let count = 0
      let soFar = ""
      try {
        for await (const piece of streamed({ ...engine, messages: asked, signal: abort.signal })) {
          if (count >= most) continue
          soFar += piece
          if (voice === "statuses") bus.publish(status(TaskState.TASK_STATE_WORKING, piece))
          if (voice === "append") {
            bus.publish(AgentEvent.artifactUpdate({
              taskId,
              contextId,
              artifact: {
                artifactId: "answer",
                name: "answer",
                description: "",
                parts: [textPart(piece)],
                metadata: undefined,
                extensions: []
              },
              append: count > 0,
              lastChunk: false,
              metadata: undefined
            }))
          }
          count++
        }
      } catch (error) {
        if (abort.signal.aborted) return
        throw error
      }
      if (most < Infinity) return new Promise(() => {})
      conversations.set(contextId, [...asked, { role: "assistant", content: soFar }])
      bus.publish(
        voice === "message"
          ? AgentEvent.message(message(soFar))
          : status(TaskState.TASK_STATE_COMPLETED, voice === "statuses" ? soFar : "")
      )
    },
    cancelTask: async (taskId, bus) => {
      aborts.get(taskId)?.abort()
      bus.publish(AgentEvent.statusUpdate({
        taskId,
        contextId: contexts.get(taskId) ?? "",
        status: { state: TaskState.TASK_STATE_CANCELED, message: undefined, timestamp: new Date().toISOString() },
        metadata: undefined
      }))
      bus.finished()
    }
  }
}

const cardOf = (name: string, version: Version, url: string): AgentCard => ({
  name,
  description: "Written with the SDK.",
  version: "1.0.0",
  supportedInterfaces: [{ url, protocolBinding: "JSONRPC", tenant: "", protocolVersion: version }],
  provider: undefined,
  capabilities: { streaming: true, pushNotifications: false, extensions: [], extendedAgentCard: false },
  securitySchemes: {},
  securityRequirements: [],
  defaultInputModes: ["text/plain"],
  defaultOutputModes: ["text/plain"],
  skills: [],
  signatures: []
})

export const sdkAgent = async (options: SdkAgentOptions): Promise<StartedAgent> => {
  const { name, version = "1.0" } = options
  let url = ""
  let handle: (body: string, response: ServerResponse) => Promise<void>
  const server = createServer((request, response) => {
    let body = ""
    request.on("data", (data: Buffer) => body += data.toString())
    request.on("end", () => {
      if (request.method !== "POST") {
        const isCard = request.url === "/.well-known/agent-card.json"
        response.writeHead(isCard ? 200 : 404, { "content-type": "application/json" })
        response.end(JSON.stringify(isCard ? cardJson(version, { name, streaming: true, url }) : {}))
        return
      }
      handle(body, response).catch(() => response.destroy())
    })
  })
  server.on("connection", (socket) => socket.on("error", () => {}))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const handler = new DefaultRequestHandler(
    cardOf(name, version, url),
    new InMemoryTaskStore(),
    executorOf(options)
  )
  const transport = version === "1.0"
    ? new JsonRpcTransportHandler(handler)
    : new LegacyJsonRpcTransportHandler(handler)
  handle = async (body, response) => {
    const context = defaultServerCallContextBuilder({
      extensions: [],
      user: new UnauthenticatedUser(),
      headers: {},
      requestedVersion: version
    })
    const answer: unknown = await transport.handle(JSON.parse(body), context)
    if (typeof answer !== "object" || answer === null || !(Symbol.asyncIterator in answer)) {
      response.writeHead(200, { "content-type": "application/json" })
      response.end(JSON.stringify(answer))
      return
    }
    const events = (answer as AsyncIterable<unknown>)[Symbol.asyncIterator]()
    const first = await events.next().catch((error: Error) => error)
    if (first instanceof Error) {
      response.writeHead(200, { "content-type": "application/json" })
      const error = { code: -32603, message: first.message }
      response.end(JSON.stringify({ jsonrpc: "2.0", id: JSON.parse(body).id, error }))
      return
    }
    response.writeHead(200, SSE_HEADERS)
    for (let next = first; next.done !== true; next = await events.next()) response.write(formatSSEEvent(next.value))
    response.end()
  }
  return {
    url,
    close: () => {
      server.close()
      server.closeAllConnections()
    }
  }
}
