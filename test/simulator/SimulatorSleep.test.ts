// The sleeping engine over HTTP: what happens to open streams and to requests that come meanwhile.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import {
  chunksOf,
  contentOf,
  get,
  jsonOf,
  post,
  rawPost,
  simulator,
  stream,
  streams,
  textOf,
  userMessage,
  within1Second
} from "./harness.ts"
import { parseMetrics } from "./metricsText.ts"

const sleep = (query = "") => post("", { path: `/sleep${query}` })
const wakeUp = post("", { path: "/wake_up" })
const isSleeping = Effect.map(Effect.flatMap(get("/is_sleeping"), jsonOf), (body) => body.is_sleeping)

/** Awake, weights elsewhere, weights thrown away. */
const sleepStates = Effect.map(Effect.flatMap(get("/metrics"), textOf), (text) => {
  const { value } = parseMetrics(text)
  return ["awake", "weights_offloaded", "discard_all"].map((sleep_state) =>
    value("vllm:engine_sleep_state", { sleep_state })
  )
})

const engine = simulator({
  timeToFirstTokenMillis: 0,
  interTokenMillis: 10,
  answers: { _tag: "LengthOnly", tokens: 40 }
})

/** A stream that is read in the background, once it has made some tokens. */
const begun = Effect.gen(function*() {
  const reading = yield* Effect.forkChild(stream({ ...userMessage("Hi"), stream_options: { include_usage: true } }))
  yield* within1Second(streams, ([open]) => (open?.tokens ?? 0) > 2)
  return reading
})

describe("Simulator: sleep", () => {
  it.live("with mode abort finishes all streams properly, with what they had", () =>
    Effect.gen(function*() {
      assert.isFalse(yield* isSleeping)
      const reading = yield* begun
      const slept = yield* sleep("?level=1")
      assert.deepStrictEqual([slept.status, yield* textOf(slept)], [200, "{\"status\":\"sleeping\",\"level\":1}"])
      const text = yield* Fiber.join(reading)
      const chunks = chunksOf(text)
      const tokens = chunks.at(-1).usage.completion_tokens
      assert.isTrue(tokens > 2 && tokens < 40)
      assert.strictEqual(chunks.at(-2).choices[0].finish_reason, "abort")
      assert.strictEqual(contentOf(chunks).split(" ").length, tokens)
      assert.isTrue(text.endsWith("data: [DONE]\n\n"))
      assert.isTrue(yield* isSleeping)
    }).pipe(Effect.provide(engine)))

  it.live("with mode keep freezes streams; they lose nothing but time", () =>
    Effect.gen(function*() {
      const raw = yield* rawPost({ ...userMessage("Hi"), stream: true })
      yield* within1Second(streams, ([open]) => (open?.tokens ?? 0) > 2)
      yield* sleep("?level=1&mode=keep")
      yield* Effect.sleep(30)
      const received = raw.received
      yield* Effect.sleep(150)
      assert.strictEqual(raw.received, received)
      assert.strictEqual((yield* get("/health")).status, 200)
      assert.isTrue(yield* isSleeping)
      const woken = yield* wakeUp
      assert.deepStrictEqual([woken.status, yield* jsonOf(woken)], [200, { status: "awake", tags: null }])
      assert.isFalse(yield* isSleeping)
      yield* within1Second(Effect.sync(() => raw.received), (all) => all.includes("[DONE]"))
      assert.include(raw.received, "\"finish_reason\":\"stop\"")
      assert.strictEqual(raw.received.match(/"content":" ?token"/g)?.length, 40)
    }).pipe(Effect.scoped, Effect.provide(engine)))

  it.live("with mode wait answers when the last stream has ended", () =>
    Effect.gen(function*() {
      const reading = yield* begun
      const sleeping = yield* Effect.forkChild(sleep("?mode=wait"))
      yield* Effect.sleep(50)
      // It admits nobody from the moment at which it is told, but its weights are still there.
      assert.isTrue(yield* isSleeping)
      assert.deepStrictEqual(yield* sleepStates, [1, 0, 0])
      assert.strictEqual((yield* Fiber.join(sleeping)).status, 200)
      assert.deepStrictEqual(yield* sleepStates, [0, 1, 0])
      assert.isTrue(yield* isSleeping)
      const chunks = chunksOf(yield* Fiber.join(reading))
      assert.strictEqual(chunks.at(-1).usage.completion_tokens, 40)
    }).pipe(Effect.provide(engine)))

  it.live("is not asleep if it was woken before it slept", () =>
    Effect.gen(function*() {
      const reading = yield* begun
      const sleeping = yield* Effect.forkChild(sleep("?mode=wait"))
      yield* Effect.sleep(30)
      yield* wakeUp
      assert.strictEqual((yield* Fiber.join(sleeping)).status, 200)
      assert.isFalse(yield* isSleeping)
      yield* Fiber.join(reading)
      assert.include(yield* stream({ ...userMessage("Hi"), max_tokens: 2 }), "[DONE]")
    }).pipe(Effect.provide(engine)))

  it.live("lets new requests wait for the waking, with their headers sent", () =>
    Effect.gen(function*() {
      yield* sleep("?level=2")
      const response = yield* post({ ...userMessage("Hi"), stream: true })
      assert.strictEqual(response.status, 200)
      const reading = yield* Effect.forkChild(textOf(response))
      yield* Effect.sleep(50)
      assert.deepStrictEqual((yield* streams).map(({ state }) => state), ["queued"])
      yield* wakeUp
      assert.include(yield* Fiber.join(reading), "[DONE]")
    }).pipe(Effect.provide(engine)))

  it.live("with level 0 only pauses, which the gauge of sleep calls neither awake nor asleep", () =>
    Effect.gen(function*() {
      for (const [level, states] of [[0, [0, 0, 0]], [1, [0, 1, 0]], [2, [0, 0, 1]]] as const) {
        assert.deepStrictEqual(yield* Effect.flatMap(sleep(`?level=${level}`), jsonOf), { status: "sleeping", level })
        assert.deepStrictEqual(yield* sleepStates, [...states])
        assert.isTrue(yield* isSleeping)
        yield* wakeUp
        assert.deepStrictEqual(yield* sleepStates, [1, 0, 0])
        assert.isFalse(yield* isSleeping)
      }
    }).pipe(Effect.provide(engine)))

  it.live("refuses levels and modes that do not exist, in the framework's words", () =>
    Effect.gen(function*() {
      const refusals = [
        [
          "?level=3",
          "query.level",
          "{'type': 'less_than_equal', 'loc': 'query.level', 'msg': 'Input should be less than or equal to 2', " +
          "'input': '3', 'ctx': {'le': 2}}"
        ],
        [
          "?level=1&level=-1",
          "query.level",
          "{'type': 'greater_than_equal', 'loc': 'query.level', 'msg': 'Input should be greater than or equal to 0', " +
          "'input': '-1', 'ctx': {'ge': 0}}"
        ],
        [
          "?level=x",
          "query.level",
          "{'type': 'int_parsing', 'loc': 'query.level', 'msg': 'Input should be a valid integer, unable to parse " +
          "string as an integer', 'input': 'x'}"
        ],
        [
          "?mode=now",
          "query.mode",
          "{'type': 'literal_error', 'loc': 'query.mode', 'msg': \"Input should be 'abort', 'wait' or 'keep'\", " +
          "'input': 'now', 'ctx': {'expected': \"'abort', 'wait' or 'keep'\"}}"
        ]
      ] as const
      for (const [query, param, line] of refusals) {
        const refused = yield* sleep(query)
        assert.strictEqual(refused.status, 400)
        const message = `1 validation error:\n  ${line}`
        assert.deepStrictEqual(yield* jsonOf(refused), { error: { message, type: "Bad Request", param, code: 400 } })
      }
      const both = yield* Effect.flatMap(sleep("?mode=now&level=1.5"), jsonOf)
      assert.match(
        both.error.message,
        /^2 validation errors:\n {2}\{'type': 'int_parsing'.*\n {2}\{'type': 'literal_error'/
      )
      assert.strictEqual((yield* post("", { path: "/pause?mode=" })).status, 400)
      assert.isFalse(yield* isSleeping)
      assert.strictEqual((yield* sleep("?level=%202.0")).status, 200)
    }).pipe(Effect.provide(engine)))
})
