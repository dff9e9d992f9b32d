/**
 * Child process: the shortest proxy of `node:http` and undici that is one: it hands on heads and chunks, waits for a slow
 * client, and closes the engine's connection when the client goes. It looks at nothing.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { Agent, type Dispatcher } from "undici"
import { answerCalls } from "../support/answerCalls.ts"
import { listen } from "../support/listen.ts"
import type { Calls } from "./calls.ts"

const agent = new Agent({ bodyTimeout: 0, headersTimeout: 0 })

const hopByHop = new Set(["connection", "keep-alive", "transfer-encoding", "host"])

const passing = (raw: ReadonlyArray<string | Buffer>): Array<string> => {
  const passed: Array<string> = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = String(raw[at])
    if (!hopByHop.has(name.toLowerCase())) passed.push(name, String(raw[at + 1]))
  }
  return passed
}

const handle = (engine: URL, request: IncomingMessage, response: ServerResponse, body: Buffer) => {
  let controller: Dispatcher.DispatchController | undefined
  response.sendDate = false
  response.on("drain", () => controller?.resume())
  response.on("close", () => {
    if (!response.writableFinished) controller?.abort(new Error("gone"))
  })
  agent.dispatch({
    origin: engine.origin,
    path: request.url ?? "/",
    method: (request.method ?? "GET") as Dispatcher.HttpMethod,
    headers: passing(request.rawHeaders),
    body: body.length === 0 ? null : body
  }, {
    onRequestStart: (opened) => {
      controller = opened
    },
    onResponseStart: ({ rawHeaders }, status) => {
      response.writeHead(status, passing(Array.isArray(rawHeaders) ? rawHeaders : []))
      response.flushHeaders()
    },
    onResponseData: (opened, bytes) => {
      if (!response.write(bytes)) opened.pause()
    },
    onResponseEnd: () => void response.end(),
    onResponseError: () => void response.destroy()
  })
}

answerCalls<Calls>({
  startProxy: async ({ engineUrl }) => {
    const engine = new URL(engineUrl)
    const server = createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (bytes: Buffer) => chunks.push(bytes))
      request.on("end", () => handle(engine, request, response, Buffer.concat(chunks)))
    })
    return (await listen(server)).slice(0, -1)
  }
})
