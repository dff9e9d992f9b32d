/**
 * Child process: the agent that a user of @a2a-js/sdk writes. `DefaultRequestHandler`, `InMemoryTaskStore` and Express,
 * with an executor that publishes one artifact update for each chunk of the openai SDK's stream.
 */
import { TaskState } from "@a2a-js/sdk"
import { AgentEvent, type AgentExecutor, DefaultRequestHandler, InMemoryTaskStore } from "@a2a-js/sdk/server"
import { agentCardHandler, jsonRpcHandler, UserBuilder } from "@a2a-js/sdk/server/express"
import express from "express"
import { createServer } from "node:http"
import OpenAI from "openai"
import { answerCalls } from "../support/answerCalls.ts"
import { collectGarbage } from "../support/collectGarbage.ts"
import { listen } from "../support/listen.ts"
import { agentCard } from "./agentCard.ts"
import { type AgentSettings, type Calls, MODEL } from "./calls.ts"

const ARTIFACT_ID = "answer"

const status = (state: TaskState) => ({ state, message: undefined, timestamp: undefined })

const makeExecutor = ({ engineUrl, maxTokens }: AgentSettings): AgentExecutor => {
  const openai = new OpenAI({ baseURL: engineUrl, apiKey: "none" })
  return {
    execute: async ({ contextId, taskId, userMessage }, bus) => {
      bus.publish(AgentEvent.task({
        id: taskId,
        contextId,
        status: status(TaskState.TASK_STATE_WORKING),
        artifacts: [],
        history: [userMessage],
        metadata: undefined
      }))
      const prompt = userMessage.parts.map(({ content }) => content?.$case === "text" ? content.value : "").join("")
      const stream = await openai.chat.completions.create({
        model: MODEL,
        messages: [{ role: "user", content: prompt }],
        max_tokens: maxTokens,
        stream: true
      })
      let append = false
      for await (const chunk of stream) {
        const text = chunk.choices[0]?.delta.content ?? ""
        if (text === "") continue
        bus.publish(AgentEvent.artifactUpdate({
          taskId,
          contextId,
          artifact: {
            artifactId: ARTIFACT_ID,
            name: ARTIFACT_ID,
            description: "",
            parts: [{
              content: { $case: "text", value: text },
              metadata: undefined,
              filename: "",
              mediaType: "text/plain"
            }],
            metadata: undefined,
            extensions: []
          },
          append,
          lastChunk: false,
          metadata: undefined
        }))
        append = true
      }
      bus.publish(AgentEvent.statusUpdate({
        taskId,
        contextId,
        status: status(TaskState.TASK_STATE_COMPLETED),
        metadata: undefined
      }))
    },
    cancelTask: async (taskId, bus) => {
      bus.publish(AgentEvent.statusUpdate({
        taskId,
        contextId: "",
        status: status(TaskState.TASK_STATE_CANCELED),
        metadata: undefined
      }))
    }
  }
}

answerCalls<Calls>({
  collectGarbage,
  startAgent: async (settings) => {
    const app = express()
    const server = createServer(app)
    const url = await listen(server)
    const requestHandler = new DefaultRequestHandler(
      agentCard("SDK agent", url),
      new InMemoryTaskStore(),
      makeExecutor(settings)
    )
    app.use("/.well-known/agent-card.json", agentCardHandler({ agentCardProvider: requestHandler }))
    app.use("/", jsonRpcHandler({ requestHandler, userBuilder: UserBuilder.noAuthentication }))
    return url
  }
})
