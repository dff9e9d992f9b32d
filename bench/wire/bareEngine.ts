/**
 * Child process: the cheapest engine there can be, so that little of the machine is taken from the agent under test.
 * `node:http` and text in vLLM's format, composed by hand; one timer for all streams; it says what it is asked for (token
 * ids, usage with each chunk) and nothing of itself: no metrics, no models, no scheduling.
 *
 * It never waits for a paced reader, as engines do not. What is due is written by the next tick, in one write.
 */
// @effect-diagnostics globalTimers:off
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { text } from "node:stream/consumers"
import { answerCalls } from "../support/answerCalls.ts"
import { collectGarbage } from "../support/collectGarbage.ts"
import { listen } from "../support/listen.ts"
import type { EngineCalls, EngineSettings } from "./engineCalls.ts"
import { machineMillis } from "./machineMillis.ts"
import { stampText } from "./stamps.ts"

interface ChatBody {
  readonly return_token_ids?: boolean
  readonly stream_options?: { readonly include_usage?: boolean; readonly continuous_usage_stats?: boolean }
}

const PROMPT_TOKENS = 8
/** Written at once where nothing is paced. */
const JOINED_TOKENS = 64

const usageOf = (tokens: number) =>
  `{"prompt_tokens":${PROMPT_TOKENS},"total_tokens":${PROMPT_TOKENS + tokens},"completion_tokens":${tokens}}`

/** The events of one stream, as text. */
const makeEvents = (body: ChatBody) => {
  const begin = `data: {"id":"chatcmpl-0123456789abcdef0123456789abcdef","object":"chat.completion.chunk",` +
    `"created":1700000000,"model":"simulated-model","choices":`
  const continuous = body.stream_options?.continuous_usage_stats === true
  const ids = body.return_token_ids === true ? "[1234]" : "null"
  const usage = (tokens: number) => continuous ? `,"usage":${usageOf(tokens)}` : ""
  const choice = (delta: string, finishReason: string) =>
    `${begin}[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finishReason}`
  return {
    role: `${choice(`{"role":"assistant","content":""}`, "null")}}]${usage(0)}}\n\n`,
    token: (content: string, tokens: number) =>
      `${choice(`{"content":"${content}"}`, "null")},"token_ids":${ids}}]${usage(tokens)}}\n\n`,
    end: (tokens: number) =>
      `${choice("{}", `"stop"`)},"stop_reason":null}]${usage(tokens)}}\n\n` +
      (body.stream_options?.include_usage === true ? `${begin}[],"usage":${usageOf(tokens)}}\n\n` : "") +
      "data: [DONE]\n\n"
  }
}

const open = new Set<ServerResponse>()
const paced = new Set<(now: number) => void>()
let written = 0
let closedAt = machineMillis()
let waiting: Array<(closedAt: number) => void> = []

const close = (response: ServerResponse) => {
  open.delete(response)
  closedAt = machineMillis()
  if (open.size > 0) return
  for (const resolve of waiting) resolve(closedAt)
  waiting = []
}

let timer: NodeJS.Timeout | undefined

const start = (tick: (now: number) => void) => {
  paced.add(tick)
  timer ??= setInterval(() => {
    const now = machineMillis()
    for (const tick of paced) tick(now)
  }, 1)
}

/** An engine whose streams are all silent does nothing. */
const stop = (tick: (now: number) => void) => {
  paced.delete(tick)
  if (paced.size > 0) return
  clearInterval(timer)
  timer = undefined
}

const answer = async (settings: EngineSettings, request: IncomingMessage, response: ServerResponse) => {
  const { gapMillis, silentAfter, tokens } = settings
  open.add(response)
  response.on("close", () => close(response))
  const events = makeEvents(JSON.parse(await text(request)) as ChatBody)
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" })
  const last = silentAfter ?? tokens
  const padding = "x".repeat(settings.padding ?? 0)
  let sent = 0
  let composed = events.role
  const left = () => last - sent
  const compose = (count: number) => {
    for (const end = sent + count; sent < end; written++) {
      const content = settings.text === "stamped" ? stampText() : `${sent};`
      composed += events.token(padding + content, ++sent)
    }
  }
  /** Whether there is room for more. */
  const write = () => {
    if (sent === tokens) {
      response.end(composed + events.end(sent), "latin1")
      return false
    }
    const room = response.write(composed, "latin1")
    composed = ""
    return room
  }

  if (gapMillis === 0) {
    const pump = () => {
      do {
        compose(Math.min(JOINED_TOKENS, left()))
      } while (write() && left() > 0)
      if (left() > 0) response.once("drain", pump)
    }
    return pump()
  }
  let due = machineMillis()
  const tick = (now: number) => {
    if (due > now) return
    const count = Math.min(Math.floor((now - due) / gapMillis) + 1, left())
    compose(count)
    due += count * gapMillis
    write()
    if (left() === 0) stop(tick)
  }
  start(tick)
  response.on("close", () => stop(tick))
  return tick(due)
}

answerCalls<EngineCalls>({
  collectGarbage,
  startEngine: async (settings) => {
    const server = createServer((request, response) => {
      if (request.method === "POST") return void answer(settings, request, response)
      response.writeHead(404).end()
    })
    return (await listen(server)).slice(0, -1)
  },
  streams: async () => ({ open: open.size, tokens: written }),
  allClosed: async () => open.size === 0 ? closedAt : new Promise((resolve) => waiting.push(resolve))
})
