// The contract of the wire, 1: what comes before the first event of an answer, and what comes instead of a stream.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { journal, post, simulator, streams, userMessage, within1Second } from "../harness.ts"
import { arrivalOf, awaitText, chat, eventsIn, readResponse, sdk, timedConnection, timedPost } from "./clients.ts"

const three = { _tag: "LengthOnly", tokens: 3 } as const
const streamed = { ...userMessage("Hi"), stream: true }
const stuck = { timeToFirstTokenMillis: 60_000, maxConcurrentRequests: 1 }

describe("Contract: headers of a stream", () => {
  it.live("come before the request is computed and even while it is queued: the SDK has its response", () =>
    Effect.gen(function*() {
      const client = yield* sdk
      for (const state of ["prefill", "queued"]) {
        const { response } = yield* Effect.promise(() =>
          client.chat.completions.create({ ...chat(state), stream: true }).withResponse()
        )
        assert.strictEqual(response.status, 200)
        assert.deepStrictEqual((yield* streams).map((open) => open.state).at(-1), state)
      }
    }).pipe(Effect.provide(simulator(stuck))))

  it.live("come alone, long before the first byte of the body", () =>
    Effect.gen(function*() {
      const raw = yield* timedPost(streamed)
      yield* awaitText(raw, "[DONE]")
      assert.isTrue(raw.arrivals[0]!.text.endsWith("\r\n\r\n"))
      assert.isAtLeast(raw.arrivals[1]!.atMillis - raw.arrivals[0]!.atMillis, 200)
    }).pipe(
      Effect.scoped,
      Effect.provide(simulator({ timeToFirstTokenMillis: 250, interTokenMillis: 0, answers: three }))
    ))

  it.live("say text/event-stream in chunks, without a length", () =>
    Effect.gen(function*() {
      const raw = yield* timedPost(streamed)
      yield* awaitText(raw, "\r\n\r\n")
      const { headers, status } = readResponse(raw.received)
      assert.strictEqual(status, "HTTP/1.1 200 OK")
      assert.strictEqual(headers.get("content-type"), "text/event-stream; charset=utf-8")
      assert.strictEqual(headers.get("transfer-encoding"), "chunked")
      assert.isFalse(headers.has("content-length"))
    }).pipe(Effect.scoped, Effect.provide(simulator(stuck))))

  it.live("are the same on /v1/completions", () =>
    Effect.gen(function*() {
      const raw = yield* timedPost({ prompt: "Hi", stream: true }, "/v1/completions")
      yield* awaitText(raw, "\r\n\r\n")
      const { body, headers, status } = readResponse(raw.received)
      assert.deepStrictEqual([status, headers.get("content-type"), body], [
        "HTTP/1.1 200 OK",
        "text/event-stream; charset=utf-8",
        ""
      ])
    }).pipe(Effect.scoped, Effect.provide(simulator(stuck))))

  it.live("do not come before an answer that is not streamed: not a byte until it is whole", () =>
    Effect.gen(function*() {
      const raw = yield* timedPost(userMessage("Hi"))
      yield* within1Second(streams, ([open]) => open?.state === "decoding")
      assert.strictEqual(raw.received, "")
      yield* awaitText(raw, "total_tokens")
      assert.match(raw.received, /content-type: application\/json\r\n/i)
      assert.match(raw.received, /content-length: \d+\r\n/i)
    }).pipe(
      Effect.scoped,
      Effect.provide(simulator({ timeToFirstTokenMillis: 20, interTokenMillis: 100, answers: three }))
    ))
})

describe("Contract: the request's id", () => {
  it.live("is the client's X-Request-Id behind the prefix, for the SDK in every chunk", () =>
    Effect.gen(function*() {
      const client = yield* sdk
      const headers = { "X-Request-Id": "battle-7" }
      const whole = yield* Effect.promise(() => client.chat.completions.create(chat("Hi"), { headers }))
      assert.strictEqual(whole.id, "chatcmpl-battle-7")
      const runner = client.chat.completions.stream(chat("Hi"), { headers })
      const ids = new Set<string>()
      runner.on("chunk", ({ id }) => ids.add(id))
      yield* Effect.promise(() => runner.done())
      assert.deepStrictEqual([...ids], ["chatcmpl-battle-7"])
    }).pipe(Effect.provide(simulator({ timeToFirstTokenMillis: 0, interTokenMillis: 0, answers: three }))))
})

describe("Contract: keep-alive comments", () => {
  it.live("are `: keep-alive` and an empty line, between headers and role chunk, and between two chunks", () =>
    Effect.gen(function*() {
      const raw = yield* timedPost(streamed)
      yield* awaitText(raw, "[DONE]")
      const events = eventsIn(readResponse(raw.received).body)
      const kinds = events.map((event) =>
        event === ": keep-alive\n\n" ? "comment" : event.includes("\"role\"") ? "role" : event.slice(0, 5)
      )
      assert.match(kinds.join(" "), /^comment (comment )*role data: comment (comment )*data: comment (comment )*data: /)
      assert.isBelow(arrivalOf(raw, ": keep-alive")!, arrivalOf(raw, "\"role\"")! - 50)
    }).pipe(
      Effect.scoped,
      Effect.provide(
        simulator({ timeToFirstTokenMillis: 150, interTokenMillis: 150, sseKeepAliveInterval: 0.05, answers: three })
      )
    ))

  it.live("come on /v1/completions, too", () =>
    Effect.gen(function*() {
      const raw = yield* timedPost({ prompt: "Hi", stream: true }, "/v1/completions")
      yield* awaitText(raw, ": keep-alive\n\n")
      assert.notInclude(raw.received, "data:")
    }).pipe(Effect.scoped, Effect.provide(simulator({ ...stuck, sseKeepAliveInterval: 0.02 }))))
})

describe("Contract: refusals", () => {
  it.live("come instead of the 200, with a length, also where the engine is full and asleep", () =>
    Effect.gen(function*() {
      yield* timedPost(streamed)
      yield* within1Second(streams, (open) => open.length === 1)
      yield* post("", { path: "/sleep?mode=keep" })
      const cases: ReadonlyArray<readonly [object, number]> = [
        [{ ...streamed, model: "other" }, 404],
        [{ stream: true }, 400],
        [{ ...streamed, max_tokens: 0 }, 400],
        [{ ...streamed, temperature: 3 }, 400],
        [{ ...streamed, max_tokens: 1_000_000_000 }, 400]
      ]
      for (const [body, status] of cases) {
        const raw = yield* timedPost(body)
        yield* awaitText(raw, "\r\n\r\n{\"error\":{")
        assert.match(raw.received, new RegExp(`^HTTP/1\\.1 ${status} `))
        assert.match(raw.received, /content-type: application\/json\r\n/i)
        assert.match(raw.received, /content-length: \d+\r\n/i)
        assert.include(raw.received, `"code":${status}}`)
      }
      assert.deepStrictEqual((yield* journal).map(({ event }) => event), ["request", "headers"])
    }).pipe(Effect.scoped, Effect.provide(simulator(stuck))))

  it.live("leave the connection usable for the next request", () =>
    Effect.gen(function*() {
      const raw = yield* timedConnection
      raw.socket.write("POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}")
      yield* awaitText(raw, "Unsupported Media Type")
      raw.socket.write("GET /version HTTP/1.1\r\nhost: a\r\n\r\n")
      yield* awaitText(raw, "{\"version\"")
    }).pipe(Effect.scoped, Effect.provide(simulator({}))))
})
