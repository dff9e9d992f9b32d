// What a client hears while there is no token: late headers, keep-alive comments.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import OpenAI from "openai"
import * as EventStream from "../../src/simulator/EventStream.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import {
  chunksOf,
  contentOf,
  journal,
  post,
  rawPost,
  simulator,
  stream,
  textOf,
  userMessage,
  within1Second
} from "./harness.ts"

const streamed = { ...userMessage("Hi"), stream: true }
const three = { _tag: "LengthOnly", tokens: 3 } as const
const comment = ": keep-alive\n\n"

describe("EventStream.keepAlive", () => {
  it.effect("sends a comment only after a whole interval without anything", () =>
    Effect.gen(function*() {
      const received: Array<string> = []
      const events = Stream.concat(
        Stream.fromEffect(Effect.delay(Effect.succeed("first"), 25_000)),
        Stream.fromEffect(Effect.delay(Effect.succeed("second"), 9_000))
      )
      const fiber = yield* Effect.forkChild(
        Stream.runForEach(EventStream.keepAlive(10, () => comment)(events), (text) =>
          Effect.sync(() => received.push(text)))
      )
      yield* TestClock.adjust(9_999)
      assert.deepStrictEqual(received, [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(received, [comment])
      yield* TestClock.adjust(16_000)
      assert.deepStrictEqual(received, [comment, comment, "first"])
      yield* TestClock.adjust(60_000)
      assert.deepStrictEqual(received, [comment, comment, "first", "second"])
      yield* Fiber.join(fiber)
    }))
})

describe("Simulator: headers with the first token", () => {
  it.live("does not send a byte before", () =>
    Effect.gen(function*() {
      const raw = yield* rawPost(streamed)
      yield* Effect.sleep(150)
      assert.strictEqual(raw.received, "")
      yield* within1Second(Effect.sync(() => raw.received), (received) => received.includes("[DONE]"))
      assert.match(raw.received, /^HTTP\/1\.1 200 OK\r\n/)
      assert.deepStrictEqual((yield* journal).slice(0, 4).map(({ event }) => event), [
        "request",
        "headers",
        "first-byte",
        "first-token"
      ])
    }).pipe(
      Effect.scoped,
      Effect.provide(simulator({ headers: "with-first-token", timeToFirstTokenMillis: 300, answers: three }))
    ))

  it.live("does not send headers at all to a request that waits in the queue", () =>
    Effect.gen(function*() {
      yield* rawPost(streamed)
      const queued = yield* rawPost(streamed)
      yield* Effect.sleep(100)
      assert.strictEqual(queued.received, "")
    }).pipe(
      Effect.scoped,
      Effect.provide(
        simulator({ headers: "with-first-token", timeToFirstTokenMillis: 60_000, maxConcurrentRequests: 1 })
      )
    ))
})

describe("Simulator: keep-alive comments", () => {
  const slow = { timeToFirstTokenMillis: 350, interTokenMillis: 5, answers: three }

  it.live("fill the time in which the engine is silent, right after the headers", () =>
    Effect.gen(function*() {
      const text = yield* Effect.flatMap(post(streamed), textOf)
      const before = text.slice(0, text.indexOf("data:"))
      assert.isTrue(before.startsWith(comment.repeat(3)))
      assert.strictEqual(before, comment.repeat(before.length / comment.length))
      const rest = text.slice(before.length)
      assert.notInclude(rest, "keep-alive")
      assert.strictEqual(contentOf(chunksOf(rest)), "token token token")
    }).pipe(Effect.provide(simulator({ ...slow, sseKeepAliveInterval: 0.09 }))))

  it.live("go on in front of an engine that never answers, and in the queue", () =>
    Effect.gen(function*() {
      const running = yield* rawPost(streamed)
      const queued = yield* rawPost(streamed)
      yield* Effect.sleep(300)
      for (const { received } of [running, queued]) {
        assert.isAtLeast(received.split(": keep-alive").length, 4)
        assert.notInclude(received, "data:")
      }
    }).pipe(
      Effect.scoped,
      Effect.provide(
        simulator({ timeToFirstTokenMillis: 60_000, maxConcurrentRequests: 1, sseKeepAliveInterval: 0.05 })
      )
    ))

  it.live("do not keep a request whose client left", () =>
    Effect.gen(function*() {
      const raw = yield* rawPost(streamed)
      yield* within1Second(Effect.sync(() => raw.received), (received) => received.includes(": keep-alive"))
      raw.socket.destroy()
      const events = yield* within1Second(journal, (seen) => seen.length === 4)
      assert.deepStrictEqual(events.map(({ event }) => event), ["request", "headers", "close-seen", "abort-honoured"])
    }).pipe(
      Effect.scoped,
      Effect.provide(simulator({ timeToFirstTokenMillis: 60_000, sseKeepAliveInterval: 0.02 }))
    ))

  it.live("do not change a stream that is never idle", () =>
    Effect.gen(function*() {
      const chunks = chunksOf(yield* stream(userMessage("Hi")))
      assert.strictEqual(chunks.length, 1 + 20_000)
    }).pipe(Effect.provide(simulator({
      timeToFirstTokenMillis: 0,
      interTokenMillis: 0,
      sseKeepAliveInterval: 5,
      answers: { _tag: "LengthOnly", tokens: 20_000 }
    }))))

  it.live("are not seen by the openai SDK", () =>
    Effect.gen(function*() {
      const { url } = yield* Simulator
      const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "unused", maxRetries: 0 })
      const events = yield* Effect.promise(() =>
        client.chat.completions.create({
          model: "simulated-model",
          messages: [{ role: "user", content: "Hi" }],
          stream: true
        })
      )
      const chunks = yield* Stream.runCollect(Stream.fromAsyncIterable(events, String))
      assert.strictEqual(contentOf(chunks), "token token token")
    }).pipe(Effect.provide(simulator({ ...slow, sseKeepAliveInterval: 0.05 }))))

  it.live("are off by default", () =>
    Effect.gen(function*() {
      assert.notInclude(yield* stream(userMessage("Hi")), "keep-alive")
    }).pipe(Effect.provide(simulator(slow))))
})
