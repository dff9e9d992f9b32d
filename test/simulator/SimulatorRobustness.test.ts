// What must not take the simulated server down: bytes that are no request, requests one behind the other, huge ones.
// After each the server answers, generates, and holds nothing open.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import {
  assertWell,
  get,
  journal,
  jsonOf,
  post,
  rawConnection,
  rawRequest,
  simulator,
  streams,
  textOf,
  userMessage,
  within1Second
} from "./harness.ts"

const words = (tokens: number) => ({ _tag: "LengthOnly", tokens }) as const
const quick = simulator({ timeToFirstTokenMillis: 0, interTokenMillis: 0, answers: words(3) })
/** An engine whose answers never end by themselves; requests for few tokens are done soon. */
const endless = simulator({ timeToFirstTokenMillis: 5, interTokenMillis: 5, answers: words(1_000_000) })

/** What the server answers to these bytes, which the client may follow with the end of its side. */
const answerTo = (bytes: string | Uint8Array, end: boolean) =>
  Effect.gen(function*() {
    const raw = yield* rawConnection
    if (end) raw.socket.end(bytes)
    else raw.socket.write(bytes)
    yield* within1Second(Effect.sync(() => raw.closed || /\r\n\r\n/.test(raw.received)), (done) => done)
    return raw.received
  }).pipe(Effect.scoped)

const head = "POST /v1/chat/completions HTTP/1.1\r\nhost: simulator\r\ncontent-type: application/json\r\n"
const body = JSON.stringify({ ...userMessage("Hi"), max_tokens: 2 })
const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth)
const binary = (before: string, bytes: ReadonlyArray<number>, after: string) => {
  const content = Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)])
  return Buffer.concat([Buffer.from(`${head}content-length: ${content.length}\r\n\r\n`), content])
}

/** Name, bytes, beginning of the answer ("" = the connection is closed without one), whether the client ends its side. */
const malformed: ReadonlyArray<readonly [string, string | Uint8Array, string, "end"?]> = [
  ["bytes that are not HTTP", new Uint8Array([0, 1, 2, 255, 254, 13, 10, 13, 10]), "HTTP/1.1 400 "],
  ["a TLS handshake", Buffer.from("16030100f8010000f40303", "hex"), "HTTP/1.1 400 "],
  ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 400 "],
  ["a version that does not exist", "GET / HTTP/9.9\r\n\r\n", "HTTP/1.1 400 "],
  ["a method that does not exist", "FOO / HTTP/1.1\r\nhost: simulator\r\n\r\n", "HTTP/1.1 400 "],
  ["a proxy's CONNECT", "CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n", ""],
  ["no host", "GET /health HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "],
  ["a header without a colon", "GET /health HTTP/1.1\r\nhost: simulator\r\nbad header\r\n\r\n", "HTTP/1.1 400 "],
  ["a header of 20 kB", `GET /health HTTP/1.1\r\nhost: a\r\nb: ${"c".repeat(20_000)}\r\n\r\n`, "HTTP/1.1 431 "],
  ["a path of 20 kB", `GET /${"a".repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`, "HTTP/1.1 431 "],
  ["a path with broken escapes", "GET /%ff%zz HTTP/1.1\r\nhost: a\r\n\r\n", "HTTP/1.1 404 "],
  ["two lengths", `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, "HTTP/1.1 400 "],
  ["a length that is no number", `${head}content-length: abc\r\n\r\n`, "HTTP/1.1 400 "],
  ["a negative length", `${head}content-length: -1\r\n\r\n`, "HTTP/1.1 400 "],
  ["a length shorter than the body", `${head}content-length: 10\r\n\r\n${body}`, "HTTP/1.1 400 "],
  ["a length longer than the body", `${head}content-length: 1000\r\n\r\n${body}`, "HTTP/1.1 400 ", "end"],
  ["a chunk whose size is no number", `${head}transfer-encoding: chunked\r\n\r\nzz\r\n`, "HTTP/1.1 400 "],
  ["half a head and the end", "POST /v1/chat/completions HTTP/1.1\r\nho", "HTTP/1.1 400 ", "end"],
  ["nothing and the end", "", "", "end"],
  ["an empty body", rawRequest(""), "HTTP/1.1 400 "],
  ["half a JSON", rawRequest(body.slice(0, 20)), "HTTP/1.1 400 "],
  ["a body of null", rawRequest("null"), "HTTP/1.1 400 "],
  ["messages that nest 100 000 deep", rawRequest(`{"messages":${nested(100_000)}}`), "HTTP/1.1 400 "],
  ["a prompt that nests 100 000 deep", rawRequest(`{"prompt":${nested(100_000)}}`, "/v1/completions"), "HTTP/1.1 400 "],
  [
    "keys that nest 100 000 deep where nobody looks",
    rawRequest(`${body.slice(0, -1)},"tools":${nested(100_000)},"other":${nested(100_000)}}`),
    "HTTP/1.1 200 "
  ],
  ["a key named __proto__", rawRequest(`{"__proto__":{"model":"a"},${body.slice(1)}`), "HTTP/1.1 200 "],
  ["half a surrogate pair", rawRequest(body.replace("Hi", "\\ud800")), "HTTP/1.1 200 "]
]

describe("Simulator: what is not a request", () => {
  it.live("is answered or closed, and harms nobody", () =>
    Effect.gen(function*() {
      for (const [name, bytes, expected, end] of malformed) {
        const answer = yield* answerTo(bytes, end === "end")
        assert.isTrue(expected === "" ? answer === "" : answer.startsWith(expected), `${name}: ${answer.slice(0, 40)}`)
        assert.strictEqual((yield* get("/health")).status, 200, name)
      }
      yield* assertWell
    }).pipe(Effect.provide(quick)))

  it.live("is a body that is not UTF-8, instead of becoming another prompt", () =>
    Effect.gen(function*() {
      const before = "{\"max_tokens\":2,\"messages\":[{\"role\":\"user\",\"content\":\""
      for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf]]) {
        const answer = yield* answerTo(binary(before, bytes, "\"}]}"), false)
        assert.match(answer, /^HTTP\/1\.1 400 /)
        assert.include(answer, "There was an error parsing the body")
      }
      assert.match(yield* answerTo(binary(before, [0xc3, 0xa9], "\"}]}"), false), /^HTTP\/1\.1 200 /)
      assert.match(yield* answerTo(binary(`\ufeff${before}`, [], "\"}]}"), false), /^HTTP\/1\.1 200 /)
      yield* assertWell
    }).pipe(Effect.provide(quick)))

  it.live("is not a character that is cut by the network", () =>
    Effect.gen(function*() {
      const raw = yield* rawConnection
      raw.socket.setNoDelay(true)
      for (const byte of Buffer.from(rawRequest({ ...userMessage("Grüße 👋"), stream: true }))) {
        raw.socket.write(Uint8Array.of(byte))
        yield* Effect.yieldNow
      }
      yield* within1Second(streams, ([open]) => open?.prompt === "Grüße 👋")
    }).pipe(Effect.scoped, Effect.provide(endless)))

  it.live("may stand behind a request on the same connection, which is answered", () =>
    Effect.gen(function*() {
      const raw = yield* rawConnection
      raw.socket.write(rawRequest({ ...userMessage("Hi"), max_tokens: 2 }))
      yield* within1Second(Effect.sync(() => raw.received), (received) => received.includes("total_tokens"))
      raw.socket.write("garbage\r\n\r\n")
      yield* within1Second(Effect.sync(() => raw.closed), (closed) => closed)
      assert.deepStrictEqual(raw.received.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 200", "HTTP/1.1 400"])
      yield* assertWell
    }).pipe(Effect.scoped, Effect.provide(quick)))
})

describe("Simulator: pipelined requests", () => {
  it.live("are answered in their order, streams too", () =>
    Effect.gen(function*() {
      const raw = yield* rawConnection
      raw.socket.write(
        rawRequest({ ...userMessage("one"), stream: true, max_tokens: 20 }) +
          rawRequest({ ...userMessage("two"), max_tokens: 1 }) +
          "GET /version HTTP/1.1\r\nhost: simulator\r\n\r\n" +
          rawRequest({ ...userMessage("three"), stream: true, max_tokens: 1 })
      )
      yield* within1Second(Effect.sync(() => raw.received), (received) => received.split("data: [DONE]").length === 3)
      const marks = raw.received.match(/"object":"chat\.completion"|"version"|data: \[DONE\]/g)
      assert.deepStrictEqual(marks, ["data: [DONE]", "\"object\":\"chat.completion\"", "\"version\"", "data: [DONE]"])
      yield* assertWell
    }).pipe(Effect.scoped, Effect.provide(endless)))

  it.live("end together when their connection does", () =>
    Effect.gen(function*() {
      const raw = yield* rawConnection
      raw.socket.write(rawRequest({ ...userMessage("one"), stream: true }).repeat(5))
      yield* within1Second(streams, (open) => open.length === 5)
      raw.socket.destroy()
      yield* within1Second(streams, (open) => open.length === 0)
      yield* assertWell
    }).pipe(Effect.scoped, Effect.provide(endless)))
})

const megabytes = (count: number) => "Hello, wide world. ".repeat((count * 1e6) / 19)

/** The longest a health request waits while `work` is done, in milliseconds. */
const worstHealth = <A, R>(work: Effect.Effect<A, never, R>) =>
  Effect.gen(function*() {
    let worst = 0
    const probe = Effect.gen(function*() {
      const begin = performance.now()
      yield* Effect.flatMap(get("/health"), textOf)
      worst = Math.max(worst, performance.now() - begin)
    })
    yield* probe
    worst = 0
    const probing = yield* Effect.forkChild(Effect.forever(probe))
    const result = yield* work
    yield* Fiber.interrupt(probing)
    return { result, worst }
  })

describe("Simulator: huge requests", () => {
  for (const streamed of [true, false]) {
    it.live(`takes a prompt of 5 MB, ${streamed ? "streamed" : "whole"}, and others hardly wait for it`, () =>
      Effect.gen(function*() {
        const text = JSON.stringify({
          ...userMessage(megabytes(5)),
          stream: streamed,
          max_tokens: 3,
          ...(streamed ? { stream_options: { include_usage: true } } : {})
        })
        const { result, worst } = yield* worstHealth(Effect.flatMap(post(text), textOf))
        // 263 157 times "Hello" "," " wide" " world" ".", and the space at the end.
        assert.include(result, "\"prompt_tokens\":1315786")
        assert.include(result, "\"completion_tokens\":3")
        // About 100 ms of work in one piece; far more means that something became slow.
        assert.isBelow(worst, 600)
        yield* assertWell
      }).pipe(Effect.provide(quick)))
  }

  it.live("refuses a prompt of 5 MB without counting it to its end where the model is short", () =>
    Effect.gen(function*() {
      const refused = yield* post({ ...userMessage(megabytes(5)), stream: true })
      assert.strictEqual(refused.status, 400)
      assert.include(yield* textOf(refused), "your prompt contains at least 4097 input tokens")
      yield* assertWell
    }).pipe(Effect.provide(simulator({ maxModelLength: 4096, timeToFirstTokenMillis: 0, interTokenMillis: 0 }))))

  it.live("refuses a body beyond 32 MiB with 413, without keeping it", () =>
    Effect.gen(function*() {
      const before = process.memoryUsage().rss
      let most = 0
      const watching = yield* Effect.forkChild(Effect.forever(Effect.suspend(() => {
        most = Math.max(most, process.memoryUsage().rss - before)
        return Effect.sleep(2)
      })))
      const raw = yield* rawConnection
      raw.socket.write(`${head}content-length: 1000000000\r\n\r\n`)
      const piece = Buffer.alloc(1 << 20, 97)
      for (let sent = 0; sent < 300 && !raw.received.includes("\r\n\r\n"); sent++) {
        yield* Effect.callback<void>((resume) => {
          raw.socket.write(piece, () => resume(Effect.void))
        })
      }
      yield* within1Second(Effect.sync(() => raw.received), (received) => received.includes("\r\n\r\n"))
      yield* Fiber.interrupt(watching)
      assert.match(raw.received, /^HTTP\/1\.1 413 /)
      assert.include(raw.received, "The request body exceeds 32 MiB.")
      assert.isBelow(most, 200e6)
      assert.deepStrictEqual(yield* journal, [])
      yield* assertWell
    }).pipe(Effect.scoped, Effect.provide(quick)))

  it.live("tells a client of 413 that it is not the request's shape, and takes 30 MB", () =>
    Effect.gen(function*() {
      const padded = (length: number) => `{"padding":"${"a".repeat(length)}",${body.slice(1)}`
      const refused = yield* post(padded(33 << 20))
      assert.strictEqual(refused.status, 413)
      assert.deepStrictEqual(yield* jsonOf(refused), {
        error: {
          message: "The request body exceeds 32 MiB.",
          type: "RequestEntityTooLargeError",
          param: null,
          code: 413
        }
      })
      assert.strictEqual((yield* post(padded(30_000_000))).status, 200)
      yield* assertWell
    }).pipe(Effect.provide(quick)))
})
