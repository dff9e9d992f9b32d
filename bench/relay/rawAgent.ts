/**
 * Child process: the floor of what a relay of tokens can cost. `node:http` and undici, the shortest reading of the
 * engine's events that its one format allows, one write for each token, nothing kept, no cancellation, no second reader, no errors: it only knows how to be asked once and to succeed.
 */
import { AgentCard } from "@a2a-js/sdk"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { text } from "node:stream/consumers"
import * as undici from "undici"
import { answerCalls } from "../support/answerCalls.ts"
import { collectGarbage } from "../support/collectGarbage.ts"
import { listen } from "../support/listen.ts"
import { agentCard } from "./agentCard.ts"
import { type AgentSettings, type Calls, MODEL } from "./calls.ts"

interface SendStreamingMessage {
  readonly id: string | number
  readonly method: "SendStreamingMessage"
  readonly params: { readonly message: { readonly parts: ReadonlyArray<{ readonly text?: string }> } }
}

const relay = async (
  { engineUrl, maxTokens }: AgentSettings,
  request: IncomingMessage,
  response: ServerResponse
) => {
  const { id, params } = JSON.parse(await text(request)) as SendStreamingMessage
  const taskId = randomUUID()
  const contextId = randomUUID()
  const send = async (result: object) => {
    if (response.write(`data: ${JSON.stringify({ jsonrpc: "2.0", id, result })}\n\n`)) return
    await once(response, "drain")
  }

  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" })
  await send({ task: { id: taskId, contextId, status: { state: "TASK_STATE_WORKING" } } })
  const { body } = await undici.request(`${engineUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: MODEL,
      messages: [{ role: "user", content: params.message.parts.map((part) => part.text ?? "").join("") }],
      max_tokens: maxTokens,
      stream: true
    })
  })
  let append = false
  let rest = ""
  for await (const piece of body.setEncoding("utf8")) {
    const events = (rest + piece).split("\n\n")
    rest = events.pop() ?? ""
    for (const event of events) {
      if (event === "data: [DONE]") continue
      const content = JSON.parse(event.slice("data: ".length)).choices[0]?.delta.content ?? ""
      if (content === "") continue
      await send({
        artifactUpdate: { taskId, contextId, artifact: { artifactId: "answer", parts: [{ text: content }] }, append }
      })
      append = true
    }
  }
  await send({ statusUpdate: { taskId, contextId, status: { state: "TASK_STATE_COMPLETED" } } })
  response.end()
}

answerCalls<Calls>({
  collectGarbage,
  startAgent: async (settings: AgentSettings) => {
    let card = ""
    const server = createServer((request, response) => {
      if (request.method === "POST") return void relay(settings, request, response)
      response.writeHead(200, { "content-type": "application/json" }).end(card)
    })
    const url = await listen(server)
    card = JSON.stringify(AgentCard.toJSON(agentCard("raw relay", url)))
    return url
  }
})
