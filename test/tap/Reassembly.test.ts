/**
 * Whole answers that the tap has streamed to it, from engines that do this and that: the agent gets what it asked for, or
 * what it would have got without a tap.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { gzipSync } from "node:zlib"
import { collect, streaming } from "../../src/tap/ClientRequest.ts"
import { Tap } from "../../src/tap/Tap.ts"
import { type Script, type ScriptedServer, scriptedServer } from "../support/scriptedServer.ts"
import { tapFor, Told } from "./harness.ts"

const chunk = (choice: object, more: object = {}) =>
  `data: ${
    JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [choice], ...more })
  }\n\n`
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const begun = chunk({ index: 0, delta: { role: "assistant", content: "Hello" }, finish_reason: null })
const finished = chunk({ index: 0, delta: { content: "!" }, finish_reason: "stop" })
const counted = `data: ${JSON.stringify({ id: "c", created: 1, model: "m", choices: [], usage })}\n\n`
const done = "data: [DONE]\n\n"
const whole = {
  id: "c",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello!" }, finish_reason: "stop" }],
  usage
}
const refusal = {
  error: {
    message: "stream is not supported for sk-my-key",
    type: "invalid_request_error",
    param: "stream",
    code: null
  }
}

/** What the engine does is the model that it is asked for. */
const script: Script = (response, { body }) => {
  const { model, stream } = JSON.parse(body) as { readonly model: string; readonly stream?: boolean }
  const json = (status: number, value: object) =>
    void response.writeHead(status, { "content-type": "application/json", "x-request-id": "r" }).end(
      JSON.stringify(value)
    )
  const streamed = (...parts: ReadonlyArray<string>) =>
    void response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
      "x-request-id": "r"
    }).end(parts.join(""))
  switch (model) {
    case "refuses":
      return stream === true ? json(400, refusal) : json(200, whole)
    case "ignores":
      return json(200, whole)
    case "without usage":
      return stream === true ? streamed(begun, finished, done) : json(200, whole)
    case "error":
      return streamed(
        `data: ${
          JSON.stringify({ error: { message: "too long", type: "BadRequestError", param: null, code: 422 } })
        }\n\n`,
        done
      )
    case "odd error":
      return streamed(begun, "data: {\"error\":\"boom\"}\n\n", done)
    case "cut":
      return streamed(begun)
    case "undone":
      return streamed(begun, finished, counted)
    case "unfinished":
      return streamed(begun, done)
    case "aborted":
      return streamed(begun, finished.replace("\"stop\"", "\"abort\""), counted, done)
    case "keyless":
      return json(401, { error: { message: "Incorrect API key provided: sk-m***" } })
    case "busy":
      return json(429, { error: { message: "later, sk-my-key" } })
    case "gzip":
      return void response.writeHead(200, { "content-type": "text/event-stream", "content-encoding": "gzip" })
        .end(gzipSync([begun, finished, counted, done].join("")))
    case "open":
      response.writeHead(200, { "content-type": "text/event-stream" })
      return void response.write([begun, finished, counted, done].join(""))
    default:
      return streamed(begun, finished, counted, done)
  }
}

class Upstream extends Context.Service<Upstream, ScriptedServer>()("test/Upstream") {}

const world = Layer.unwrap(Effect.map(Upstream, ({ url }) => tapFor(`${url}/v1`))).pipe(
  Layer.provideMerge(Layer.effect(Upstream, scriptedServer(script)))
)

const send = (model: string, more: object = {}) =>
  Effect.flatMap(Tap, ({ baseUrl }) =>
    Effect.promise(async () => {
      const response = await fetch(`${baseUrl}/chat/completions`, {
        method: "POST",
        headers: { authorization: "Bearer sk-my-key", "content-type": "application/json" },
        body: JSON.stringify({ model, messages: [], ...more })
      }).catch(() => undefined)
      if (response === undefined) return undefined
      const { headers, status } = response
      return { status, headers: Object.fromEntries(headers), answer: await response.json() as Record<string, unknown> }
    }))

const streamsAsked = (upstream: ScriptedServer) =>
  upstream.requests.map(({ body }) => (JSON.parse(body) as { readonly stream?: boolean }).stream === true)

const ended = Effect.map(Told, (told) => told.findLast((event) => event._tag === "CallEnded"))

layer(world, { excludeTestServices: true })("a whole answer", (it) => {
  it.effect("is put together, with the headers of an answer and not of a stream", () =>
    Effect.gen(function*() {
      const upstream = yield* Upstream
      for (const model of ["plain", "gzip", "undone", "open"]) {
        const got = yield* send(model)
        assert.deepStrictEqual(got?.answer, whole, model)
        assert.deepInclude(got?.headers, { "content-type": "application/json" })
        assert.notProperty(got?.headers, "cache-control")
        assert.notProperty(got?.headers, "content-encoding")
        assert.deepInclude(yield* ended, { end: "completed", tokens: 2, status: 200, mode: "reassembled" })
      }
      assert.strictEqual((yield* send("plain"))?.headers["x-request-id"], "r")
      assert.strictEqual(upstream.requests.at(-1)?.headers["accept-encoding"], "identity")
      assert.strictEqual(
        upstream.requests.at(-1)?.body,
        "{\"model\":\"plain\",\"messages\":[],\"stream\":true,\"stream_options\":{\"include_usage\":true}}"
      )
    }))

  it.effect("is asked for as it was where the engine refuses a stream, and in the end at once", () =>
    Effect.gen(function*() {
      const upstream = yield* Upstream
      upstream.requests.length = 0
      for (let count = 0; count < 5; count++) assert.deepStrictEqual((yield* send("refuses"))?.answer, whole)
      assert.deepStrictEqual(streamsAsked(upstream), [true, false, true, false, true, false, false, false])
      assert.deepInclude(yield* ended, { end: "completed", tokens: 2, mode: "whole" })
      // That says nothing of other models.
      assert.deepStrictEqual((yield* send("plain"))?.answer, whole)
      assert.isTrue(streamsAsked(upstream).at(-1))
    }))

  it.effect("comes as it is from an engine that knows no streams, or tells no usage in them", () =>
    Effect.gen(function*() {
      const upstream = yield* Upstream
      assert.deepStrictEqual((yield* send("ignores"))?.answer, whole)
      const { usage: _, ...rest } = whole
      assert.deepStrictEqual((yield* send("without usage"))?.answer, rest)
      assert.deepStrictEqual((yield* send("without usage"))?.answer, whole)
      assert.isFalse(streamsAsked(upstream).at(-1))
    }))

  it.effect("is a refusal where the stream is one", () =>
    Effect.gen(function*() {
      const error = yield* send("error")
      assert.deepInclude(error, {
        status: 422,
        answer: { error: { message: "too long", type: "BadRequestError", param: null, code: 422 } }
      })
      assert.deepInclude(yield* send("odd error"), { status: 500, answer: { error: "boom" } })
      assert.deepInclude(yield* ended, { end: "failed", status: 500 })
      assert.deepInclude(yield* send("busy"), { status: 429, answer: { error: { message: "later, sk-my-key" } } })
      const busy = yield* ended
      assert.include(busy?.detail, "later, <redacted>")
      assert.strictEqual((yield* send("keyless"))?.status, 401)
      assert.notInclude((yield* ended)?.detail, "sk-")
    }))

  it.effect("is none where the stream is cut, or does not end", () =>
    Effect.gen(function*() {
      for (const model of ["cut", "unfinished"]) {
        assert.isUndefined(yield* send(model), model)
        assert.deepInclude(yield* ended, { end: "failed", status: null })
      }
    }))

  it.effect("is one even if the engine gave it up, as without a tap", () =>
    Effect.gen(function*() {
      const { answer } = (yield* send("aborted"))!
      assert.strictEqual((answer as typeof whole).choices[0]?.finish_reason, "abort")
      assert.deepInclude(yield* ended, { end: "failed", status: 200 })
    }))
})

describe("a request that is too large to be looked at", () => {
  it.live("is handed on as if nothing of it had been read", () =>
    Effect.gen(function*() {
      const read: Array<string> = []
      const server = createServer((request: IncomingMessage, response: ServerResponse) =>
        collect(request, 10, (body) => {
          if (body !== undefined) return void response.end(`small ${body}`)
          let text = ""
          streaming(request)?.on("data", (bytes: Buffer) => {
            text += bytes.toString()
          }).on("end", () => response.end(`large ${text.length} ${text.slice(0, 4)}`))
        })
      )
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
        () => Effect.sync(() => server.close())
      )
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      for (const body of ["", "0123456789", "0123456789a", `abcd${"x".repeat(300_000)}`]) {
        // In pieces, the first of which is small.
        const pieces = [body.slice(0, 8), body.slice(8)].map((piece) => new TextEncoder().encode(piece))
        const stream = ReadableStream.from(pieces.filter((piece) => piece.length > 0))
        const init = { method: "POST", body: stream, duplex: "half" } as RequestInit
        read.push(yield* Effect.promise(async () => (await fetch(url, init)).text()))
      }
      assert.deepStrictEqual(read, ["small ", "small 0123456789", "large 11 0123", "large 300004 abcd"])
    }).pipe(Effect.scoped))
})
