/**
 * The tap as a proxy, on bare sockets: what goes in comes out, to the byte and the chunk, and what is cut is cut.
 */
// @effect-diagnostics globalTimers:off
import { assert, describe, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createHash } from "node:crypto"
import type { ServerResponse } from "node:http"
import { gzipSync } from "node:zlib"
import { Tap } from "../../src/tap/Tap.ts"
import { exchange, rawSocket, requestText } from "../support/rawSocket.ts"
import { eventually, type Script, type ScriptedServer, scriptedServer } from "../support/scriptedServer.ts"
import { tapFor, Told } from "./harness.ts"

const event = (content: string) =>
  `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"${content}"},"finish_reason":null}]}\n\n`
const finish = `data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`
const events = [event("one"), event("two"), event("three"), finish]

/** Writes each part by itself. */
const inTurn = (response: ServerResponse, parts: ReadonlyArray<string | Buffer>, then: () => void) => {
  const [part, ...rest] = parts
  if (part === undefined) return then()
  response.write(part)
  setTimeout(() => inTurn(response, rest, then), 5)
}

let held: ServerResponse | undefined
/** Bytes of the endless answer so far. */
const endless = { written: 0 }

/** What the engine does is asked for in the path. */
const script: Script = (response, { body, path }) => {
  const streamed = { "content-type": "text/event-stream; charset=utf-8", "X-Own": "kept" }
  switch (path.replace(/^\/v1/, "").replace(/\/(chat\/)?completions$/, "")) {
    case "/echo":
      return void response.writeHead(200, { "content-type": "text/plain" }).end(body)
    case "/stream":
      response.writeHead(200, streamed)
      return inTurn(response, events, () => response.end())
    case "/cut":
      response.writeHead(200, streamed)
      return inTurn(response, events.slice(0, 2), () => response.socket?.destroy())
    case "/short":
      response.writeHead(200, { "content-type": "application/json", "content-length": "100" })
      return inTurn(response, ["{\"half\":"], () => response.socket?.destroy())
    case "/nothing":
      return void response.socket?.destroy()
    case "/gzip":
      response.writeHead(200, { ...streamed, "content-encoding": "gzip" })
      return void response.end(gzipSync(events.join("")))
    case "/silent":
      return void response.writeHead(200, streamed).flushHeaders()
    case "/endless": {
      response.writeHead(200, { "content-type": "application/octet-stream" })
      const more = () => {
        while (endless.written < 64 * large.length) {
          endless.written += large.length
          if (!response.write(large)) return void response.once("drain", more)
        }
      }
      return more()
    }
    case "/status":
      response.sendDate = false
      return void response.writeHead(418, "Short and stout", [
        ["X-Twice", "a"],
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
        ["Connection", "keep-alive, X-Hop"],
        ["X-Hop", "gone"],
        ["Content-Type", "text/plain"]
      ] as never).end("I am a teapot")
    case "/empty":
      return void response.writeHead(204).end()
    case "/unchanged":
      return void response.writeHead(304, { etag: "\"x\"" }).end()
    case "/hints":
      response.writeEarlyHints({ link: "</a>; rel=preload" })
      return void response.writeHead(200, { "content-length": "2" }).end("ok")
    case "/large":
      response.writeHead(200, { "content-type": "application/octet-stream" })
      return void response.end(large)
    case "/hold":
      response.writeHead(200, streamed).write(event("one"))
      held = response
      return
    default:
      return void response.writeHead(404, { "content-type": "application/json" }).end(
        "{\"error\":{\"message\":\"no\"}}"
      )
  }
}

const large = Buffer.alloc(6 * 1024 * 1024, "0123456789abcdef")
const digest = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex")

class Upstream extends Context.Service<Upstream, ScriptedServer>()("test/Upstream") {}

const world = Layer.unwrap(Effect.map(Upstream, ({ url }) => tapFor(`${url}/v1`))).pipe(
  Layer.provideMerge(Layer.effect(Upstream, scriptedServer(script)))
)

const both = Effect.gen(function*() {
  return { direct: (yield* Upstream).url, tapped: (yield* Tap).url }
})

const bodyOf = (raw: string) => raw.slice(raw.indexOf("\r\n\r\n") + 4)

/** Everything that a server sends in answer to a request, until it closes the connection or has said what is expected. */
const receive = (url: string, text: string, last?: string) =>
  Effect.scoped(Effect.gen(function*() {
    const raw = yield* rawSocket(url)
    raw.write(text)
    yield* last === undefined ? raw.closed : eventually(last, () => raw.received().endsWith(last))
    return raw.received()
  }))

const closing = { headers: { connection: "close" } }
const chatBody = JSON.stringify({ model: "m", messages: [{ role: "user", content: "Hi" }], stream: true })
const post = (path: string, more: Record<string, string> = {}) =>
  requestText(`POST ${path}`, { body: chatBody, headers: { connection: "close", ...more } })

layer(world, { excludeTestServices: true })("the tap as a proxy", (it) => {
  it.effect("hands on a stream chunk by chunk, byte for byte", () =>
    Effect.gen(function*() {
      const { direct, tapped } = yield* both
      const expected = bodyOf(yield* receive(direct, post("/v1/stream/chat/completions")))
      for (const path of ["/v1/stream/chat/completions", "/battle/b/v1/stream/chat/completions", "/v1/stream"]) {
        const text = path === "/v1/stream" ? requestText("GET /v1/stream", closing) : post(path)
        assert.strictEqual(bodyOf(yield* receive(tapped, text)), expected, path)
      }
      assert.strictEqual(expected.split("\r\n").length, 2 * (events.length + 1) + 1)
    }))

  it.effect("hands on status, its text and headers, but for those of the connection", () =>
    Effect.gen(function*() {
      const { direct, tapped } = yield* both
      const headOf = (raw: string) =>
        raw.slice(0, raw.indexOf("\r\n\r\n")).split("\r\n").filter((line) =>
          !/^(date|connection|keep-alive|transfer-encoding|x-hop):/i.test(line)
        )
      const text = requestText("GET /v1/status", closing)
      const last = "I am a teapot\r\n0\r\n\r\n"
      const received = yield* receive(tapped, text, last)
      assert.deepStrictEqual(headOf(received), headOf(yield* receive(direct, text, last)))
      assert.match(received, /^HTTP\/1\.1 418 Short and stout\r\nX-Twice: a\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n/)
      assert.notInclude(received, "X-Hop: gone")
      assert.notMatch(received, /^date:/im)
      assert.match(yield* receive(tapped, requestText("GET /v1/empty", closing)), /^date:/im)
    }))

  it.effect("hands on a head when it comes, and does not read for a client that does not", () =>
    Effect.gen(function*() {
      const { tapped } = yield* both
      for (const path of ["/v1/silent", "/v1/silent/chat/completions"]) {
        const raw = yield* rawSocket(tapped)
        raw.write(post(path))
        yield* eventually("the head is there", () => raw.received().endsWith("\r\n\r\n"))
      }
      const raw = yield* rawSocket(tapped)
      raw.socket.pause()
      raw.write(requestText("GET /v1/endless"))
      let before = -1
      // What nobody reads fills the buffers of some sockets, and then nothing moves.
      while (endless.written === 0 || endless.written !== before) {
        before = endless.written
        yield* Effect.sleep(150)
      }
      assert.isBelow(endless.written, 64 * large.length)
    }).pipe(Effect.scoped))

  it.effect("sends the engine what the client sent, as the engine's own", () =>
    Effect.gen(function*() {
      const { tapped } = yield* both
      const upstream = yield* Upstream
      const headers = {
        connection: "close, X-Private",
        "x-private": "hop",
        "X-Campaign-Battle": "b",
        authorization: "Bearer sk-1",
        "x-request-id": "r",
        "accept-encoding": "br;q=1, gzip",
        expect: "100-continue"
      }
      const received = yield* receive(
        tapped,
        requestText("POST /v1/echo/chat/completions?a=%20b", { body: chatBody, headers })
      )
      assert.match(received, /^HTTP\/1\.1 100 Continue/)
      const request = upstream.requests.at(-1)
      assert.strictEqual(request?.path, "/v1/echo/chat/completions?a=%20b")
      assert.strictEqual(request?.body, chatBody)
      assert.deepStrictEqual({ ...request?.headers, host: "", connection: "" }, {
        host: "",
        connection: "",
        authorization: "Bearer sk-1",
        "x-request-id": "r",
        "accept-encoding": "br;q=1, gzip",
        "content-type": "application/json",
        "content-length": String(chatBody.length)
      })
      assert.strictEqual(request?.headers.host, new URL(upstream.url).host)
    }))

  it.effect("cuts where the engine cuts, so that nobody takes it for complete", () =>
    Effect.gen(function*() {
      const { direct, tapped } = yield* both
      for (
        const path of ["/v1/cut/chat/completions", "/v1/cut", "/v1/short", "/v1/short/chat/completions", "/v1/nothing"]
      ) {
        const text = post(path)
        const received = yield* receive(tapped, text)
        assert.strictEqual(bodyOf(received), bodyOf(yield* receive(direct, text)), path)
        assert.notInclude(received, "\r\n0\r\n\r\n", path)
      }
      // Without chunks only a reset tells a cut from an end.
      const old = post("/v1/cut").replace("HTTP/1.1", "HTTP/1.0")
      const wasReset = yield* Effect.scoped(Effect.gen(function*() {
        const raw = yield* rawSocket(tapped)
        const failed = new Promise<boolean>((resolve) => {
          raw.socket.on("error", () => resolve(true))
          raw.socket.on("end", () => resolve(false))
        })
        raw.write(old)
        return yield* Effect.promise(() => failed)
      }))
      assert.isTrue(wasReset)
    }))

  it.effect("keeps a connection for the next request, also where several are sent at once", () =>
    Effect.scoped(Effect.gen(function*() {
      const { tapped } = yield* both
      const raw = yield* rawSocket(tapped)
      const echo = (body: string) => requestText("POST /v1/echo", { body })
      raw.write(echo("first"))
      assert.strictEqual((yield* raw.responses(1))[0]?.body, "first")
      raw.write(
        [echo("second"), requestText("GET /v1/empty"), requestText("GET /v1/unchanged"), echo("fifth")].join("")
      )
      const responses = yield* raw.responses(5)
      assert.deepStrictEqual(responses.map(({ body, status }) => [status, body]), [
        [200, "first"],
        [200, "second"],
        [204, ""],
        [304, ""],
        [200, "fifth"]
      ])
    })))

  it.effect("hands on HEAD, OPTIONS, other methods and early hints", () =>
    Effect.gen(function*() {
      const { tapped } = yield* both
      const head = yield* receive(tapped, requestText("HEAD /v1/hints", closing))
      assert.match(head, /content-length: 2\r\n/)
      assert.strictEqual(bodyOf(head.slice(head.indexOf("HTTP/1.1 200"))), "")
      const hints = yield* receive(tapped, requestText("GET /v1/hints", closing))
      assert.match(hints, /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK/)
      for (const method of ["OPTIONS", "PROPFIND", "DELETE"]) {
        assert.strictEqual((yield* exchange(tapped, requestText(`${method} /v1/status`))).status, 418)
      }
      assert.strictEqual((yield* exchange(tapped, requestText("OPTIONS *"))).status, 404)
    }))

  it.effect("hands on a compressed answer as it is, and watches what is in it", () =>
    Effect.gen(function*() {
      const { direct, tapped } = yield* both
      const told = yield* Told
      told.length = 0
      const bytesOf = (url: string) =>
        Effect.promise(async () => {
          const { request } = await import("undici")
          const { body, headers } = await request(`${url}/v1/gzip/chat/completions`, { method: "POST", body: chatBody })
          return { encoding: headers["content-encoding"], digest: digest(Buffer.from(await body.arrayBuffer())) }
        })
      assert.deepStrictEqual(yield* bytesOf(tapped), yield* bytesOf(direct))
      yield* eventually("it is told", () => told.some(({ _tag }) => _tag === "CallEnded"))
      const ended = told.find((one) => one._tag === "CallEnded")
      assert.deepInclude(ended, { end: "completed", tokens: 3, mode: "stream", status: 200 })
    }))

  it.effect("waits for who is slow, with large bodies in both directions", () =>
    Effect.gen(function*() {
      const { tapped } = yield* both
      const roundTrip = (path: string) =>
        Effect.promise(async () => {
          const response = await fetch(`${tapped}${path}`, { method: "POST", body: large })
          return digest(await response.text())
        })
      assert.strictEqual(yield* roundTrip("/v1/echo"), digest(large))
      assert.strictEqual(yield* roundTrip("/v1/echo/chat/completions"), digest(large))
      const received = yield* Effect.promise(async () => {
        const response = await fetch(`${tapped}/v1/large`)
        return digest(Buffer.from(await response.arrayBuffer()))
      })
      assert.strictEqual(received, digest(large))
    }))

  it.effect("closes the engine's connection when the client goes, and the client's when the engine does", () =>
    Effect.gen(function*() {
      const { tapped } = yield* both
      const upstream = yield* Upstream
      const before = upstream.closedByClient()
      for (const path of ["/v1/hold", "/v1/hold/chat/completions"]) {
        const raw = yield* rawSocket(tapped)
        raw.write(post(path))
        yield* eventually("the answer has begun", () => raw.received().includes("one"))
        raw.socket.destroy()
      }
      yield* eventually("both are closed", () => upstream.closedByClient() === before + 2)
      const raw = yield* rawSocket(tapped)
      raw.write(post("/v1/hold"))
      yield* eventually("the answer has begun", () => raw.received().includes("one"))
      held?.socket?.destroy()
      yield* raw.closed
      assert.notInclude(raw.received(), "\r\n0\r\n\r\n")
    }).pipe(Effect.scoped))
})

describe("a tap without an engine", () => {
  layer(tapFor("http://127.0.0.1:1/v1"), { excludeTestServices: true })((it) => {
    it.effect("says so, and lets the SDK try again", () =>
      Effect.gen(function*() {
        const { url } = yield* Tap
        for (const path of ["/v1/models", "/v1/chat/completions"]) {
          const { body, headers, status } = yield* exchange(url, post(path))
          assert.strictEqual(status, 502)
          assert.deepInclude(JSON.parse(body).error, {
            type: "campaign_tap_error",
            param: null,
            code: "engine_unreachable"
          })
          assert.include(JSON.parse(body).error.message, "http://127.0.0.1:1/v1")
          assert.notProperty(headers, "x-should-retry")
        }
      }))
  })
})
