/**
 * Child process: the floor of what such a server can cost. `node:http`, the very same events as the simulated engine's,
 * composed once per stream; no parsing, no scheduling, no metrics, no journal.
 *
 * "bare" writes each token by itself and waits when the connection is full; "joined" writes many tokens at once, which
 * is what the simulated engine does with tokens that wait for a reader. With a gap there is one timer per stream, and
 * tokens that are due when it fires are written, each by itself.
 */
// @effect-diagnostics globalTimers:off
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { text } from "node:stream/consumers"
import { systemFingerprint } from "../../src/simulator/ChatWire.ts"
import { answerCalls } from "../support/answerCalls.ts"
import { collectGarbage } from "../support/collectGarbage.ts"
import { listen } from "../support/listen.ts"
import { type Calls, MODEL, type ServerSettings } from "./calls.ts"

/** As many as the simulated engine joins at most. */
const JOINED_TOKENS = 512

/** The parts of a stream, each in the words of the simulated engine. */
const eventsOf = () => {
  const head = {
    id: `chatcmpl-${randomUUID().replaceAll("-", "")}`,
    object: "chat.completion.chunk",
    created: Math.floor((performance.timeOrigin + performance.now()) / 1000),
    model: MODEL
  }
  const event = (choice: object, rest: object = {}) =>
    `data: ${JSON.stringify({ ...head, choices: [{ index: 0, ...choice }], ...rest })}\n\n`
  const going = { logprobs: null, finish_reason: null }
  const ended = { logprobs: null, finish_reason: "stop", stop_reason: null, token_ids: null, weight_versions: null }
  const transfer = { kv_transfer_params: null }
  const role = event({ delta: { role: "assistant", content: "" }, ...going }, {
    prompt_token_ids: null,
    prompt_text: null
  })
  return {
    first: role + event({ delta: { content: "token" }, ...going, token_ids: null }, transfer),
    next: event({ delta: { content: " token" }, ...going, token_ids: null }, transfer),
    last: event({ delta: { content: " token" }, ...ended }, { system_fingerprint: systemFingerprint, ...transfer }) +
      "data: [DONE]\n\n"
  }
}

const open = new Set<ServerResponse>()

const answer = async (settings: ServerSettings, request: IncomingMessage, response: ServerResponse) => {
  const { firstTokenMillis, gapMillis, server, tokens } = settings
  JSON.parse(await text(request))
  open.add(response)
  response.on("close", () => open.delete(response))
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" })
  response.flushHeaders()
  const { first, last, next } = eventsOf()
  const tokenText = (index: number) => index === 0 ? first : index < tokens - 1 ? next : last

  if (firstTokenMillis > 0 || gapMillis > 0) {
    // As constant as the simulated engine's where a first token is far away, else as varied.
    const vary = () => firstTokenMillis > 0 ? 1 : 0.5 + Math.random()
    let sent = 0
    let due = performance.now() + firstTokenMillis
    let timer: NodeJS.Timeout | undefined
    response.on("close", () => clearTimeout(timer))
    const writeDue = () => {
      for (; sent < tokens && due <= performance.now(); due += gapMillis * vary()) response.write(tokenText(sent++))
      if (sent === tokens) response.end()
      else timer = setTimeout(writeDue, Math.max(1, due - performance.now()))
    }
    return writeDue()
  }
  const step = server === "joined" ? JOINED_TOKENS : 1
  for (let from = 0; from < tokens; from += step) {
    let written = tokenText(from)
    for (let index = from + 1; index < Math.min(tokens, from + step); index++) written += tokenText(index)
    if (!response.write(written)) await once(response, "drain")
  }
  return response.end()
}

answerCalls<Calls>({
  collectGarbage,
  startServer: async (settings) => {
    const server = createServer((request, response) => {
      if (request.method === "POST") return void answer(settings, request, response)
      // What is open, as the simulated engine tells it on /sim/streams.
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(Array.from(open, () => ({}))))
    })
    return (await listen(server)).slice(0, -1)
  }
})
