/** The agent that a user of @a2a-js/sdk writes, on loopback: Express, the SDK's handlers and store, and a script. */
import { AgentCard, type Part, TaskState } from "@a2a-js/sdk"
import { AgentEvent, type AgentExecutor, DefaultRequestHandler, InMemoryTaskStore } from "@a2a-js/sdk/server"
import { agentCardHandler, jsonRpcHandler, restHandler, UserBuilder } from "@a2a-js/sdk/server/express"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import express from "express"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as wait } from "node:timers/promises"

export interface SdkAgentOptions {
  readonly streaming: boolean
  readonly binding: "JSONRPC" | "HTTP+JSON"
  readonly version: "1.0" | "0.3"
  /** What it says, one artifact update for each; after the last it is done. */
  readonly says: ReadonlyArray<string>
  /** How long it takes for each, in milliseconds. */
  readonly eachMillis: number
}

export interface SdkAgent {
  readonly url: string
  /** Tasks there ever were. */
  readonly begun: () => number
  /** The tasks that were cancelled. */
  readonly cancelled: ReadonlyArray<string>
}

let moment = 0
const status = (state: TaskState) => ({
  state,
  message: undefined,
  timestamp: DateTime.formatIso(DateTime.makeUnsafe(moment++))
})
const part = (value: string): Part => ({
  content: { $case: "text", value },
  metadata: undefined,
  filename: "",
  mediaType: "text/plain"
})

const executorOf = (
  { eachMillis, says }: SdkAgentOptions,
  cancelled: Array<string>,
  onBegin: () => void
): AgentExecutor => ({
  execute: async ({ contextId, taskId, userMessage }, bus) => {
    const task = { id: taskId, contextId, artifacts: [], history: [userMessage], metadata: undefined }
    bus.publish(AgentEvent.task({ ...task, status: status(TaskState.TASK_STATE_WORKING) }))
    onBegin()
    let append = false
    for (const text of says) {
      await wait(eachMillis)
      if (cancelled.includes(taskId)) return
      const artifact = { artifactId: "out", name: "", description: "", metadata: undefined, extensions: [] }
      const update = { taskId, contextId, append, lastChunk: false, metadata: undefined }
      bus.publish(AgentEvent.artifactUpdate({ ...update, artifact: { ...artifact, parts: [part(text)] } }))
      append = true
    }
    const end = { taskId, contextId, metadata: undefined }
    bus.publish(AgentEvent.statusUpdate({ ...end, status: status(TaskState.TASK_STATE_COMPLETED) }))
  },
  cancelTask: async (taskId, bus) => {
    cancelled.push(taskId)
    const end = { taskId, contextId: "", metadata: undefined }
    bus.publish(AgentEvent.statusUpdate({ ...end, status: status(TaskState.TASK_STATE_CANCELED) }))
  }
})

export const sdkAgent = (options: SdkAgentOptions): Effect.Effect<SdkAgent, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly agent: SdkAgent; readonly server: Server }>((resume) => {
        const { binding, streaming, version } = options
        const cancelled: Array<string> = []
        let begun = 0
        const app = express()
        const server = createServer(app)
        server.listen(0, "127.0.0.1", () => {
          const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
          const card = AgentCard.fromJSON({
            name: "sdk",
            description: "An agent of a test.",
            version: "1",
            supportedInterfaces: [{ url, protocolBinding: binding, protocolVersion: version }],
            capabilities: { streaming },
            defaultInputModes: ["text/plain"],
            defaultOutputModes: ["text/plain"],
            skills: []
          })
          const requestHandler = new DefaultRequestHandler(
            card,
            new InMemoryTaskStore(),
            executorOf(options, cancelled, () => begun++)
          )
          const handling = {
            requestHandler,
            userBuilder: UserBuilder.noAuthentication,
            legacyCompat: { enabled: version === "0.3" }
          }
          app.use("/.well-known/agent-card.json", agentCardHandler({ agentCardProvider: requestHandler }))
          app.use("/", binding === "JSONRPC" ? jsonRpcHandler(handling) : restHandler(handling))
          resume(Effect.succeed({ agent: { url: `${url}/`, begun: () => begun, cancelled }, server }))
        })
      }),
      ({ server }) =>
        Effect.sync(() => {
          server.close()
          server.closeAllConnections()
        })
    ),
    ({ agent }) => agent
  )
