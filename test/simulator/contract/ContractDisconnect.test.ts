// The contract of the wire, 5: clients that leave, and an engine that stands still while the HTTP side answers.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { APIUserAbortError } from "openai"
import { get, journal, jsonOf, post, simulator, streams, textOf, userMessage, within1Second } from "../harness.ts"
import { awaitText, chat, failureOf, sdk, sdkStream, timedPost } from "./clients.ts"
import { scrape } from "./scrape.ts"

const endless = simulator({
  timeToFirstTokenMillis: 5,
  interTokenMillis: 10,
  maxConcurrentRequests: 1,
  answers: { _tag: "LengthOnly", tokens: 1_000_000 }
})

/** Everything that belongs to the requests that were left is over, and the engine was told. */
const assertAborted = Effect.gen(function*() {
  yield* within1Second(streams, (open) => open.length === 0)
  const events = (yield* journal).map(({ event }) => event)
  assert.deepStrictEqual(events.slice(-2), ["close-seen", "abort-honoured"])
  assert.notInclude(events, "finish")
  assert.strictEqual((yield* scrape).value("http_requests_client_disconnected_total"), 1)
})

describe("Contract: a client that leaves aborts its request", () => {
  it.live("when the SDK's loop is aborted, which ends it without an error", () =>
    Effect.gen(function*() {
      const client = yield* sdk
      const controller = new AbortController()
      const seen = yield* Effect.promise(async () => {
        const events = await client.chat.completions.create({ ...chat("Hi"), stream: true }, {
          signal: controller.signal
        })
        let count = 0
        for await (const _ of events) if (++count === 5) controller.abort()
        return count
      })
      assert.strictEqual(seen, 5)
      yield* assertAborted
    }).pipe(Effect.provide(endless)))

  it.live("when the SDK's loop is left", () =>
    Effect.gen(function*() {
      const client = yield* sdk
      yield* Effect.promise(async () => {
        for await (const _ of await client.chat.completions.create({ ...chat("Hi"), stream: true })) break
      })
      yield* assertAborted
    }).pipe(Effect.provide(endless)))

  it.live("when the SDK gives up an answer that is not streamed", () =>
    Effect.gen(function*() {
      const controller = new AbortController()
      const failing = yield* Effect.forkChild(
        failureOf((client) => client.chat.completions.create(chat("Hi"), { signal: controller.signal }))
      )
      yield* within1Second(streams, ([open]) => open?.state === "decoding")
      controller.abort()
      assert.instanceOf(yield* Fiber.join(failing), APIUserAbortError)
      yield* assertAborted
    }).pipe(Effect.provide(endless)))

  it.live("and gives its place to the next", () =>
    Effect.gen(function*() {
      const first = yield* timedPost({ ...userMessage("first"), stream: true })
      yield* awaitText(first, "token")
      const second = yield* timedPost({ ...userMessage("second"), stream: true })
      yield* within1Second(streams, (open) => open.at(-1)?.state === "queued")
      first.socket.destroy()
      yield* awaitText(second, "token")
    }).pipe(Effect.scoped, Effect.provide(endless)))
})

/** What the HTTP side says of itself. */
const answers = Effect.gen(function*() {
  const health = yield* get("/health")
  const version = yield* Effect.flatMap(get("/version"), jsonOf)
  const models = yield* Effect.flatMap(get("/v1/models"), jsonOf)
  return { health: health.status, body: yield* textOf(health), version: version.version, model: models.data[0].id }
})

describe("Contract: an engine that is paused", () => {
  it.live("with mode keep is a silence in the stream, after which nothing is lost", () =>
    Effect.gen(function*() {
      const reading = yield* Effect.forkChild(sdkStream("Hi", { max_tokens: 30 }))
      yield* within1Second(streams, ([open]) => (open?.tokens ?? 0) > 2)
      yield* post("", { path: "/sleep?level=1&mode=keep" })
      yield* Effect.sleep(30)
      const before = (yield* streams)[0]!.tokens
      yield* Effect.sleep(150)
      assert.strictEqual((yield* streams)[0]!.tokens, before)
      assert.deepStrictEqual(yield* Effect.flatMap(get("/is_sleeping"), jsonOf), { is_sleeping: true })
      yield* post("", { path: "/wake_up" })
      const { chunks, error } = yield* Fiber.join(reading)
      assert.isUndefined(error)
      assert.strictEqual(chunks.length, 31)
      assert.strictEqual(chunks.at(-1).choices[0].finish_reason, "length")
    }).pipe(Effect.provide(endless)))

  it.live("is not seen by /health, /version and /v1/models, which answer as always", () =>
    Effect.gen(function*() {
      const awake = yield* answers
      assert.deepInclude(awake, { health: 200, body: "", model: "simulated-model" })
      yield* timedPost({ ...userMessage("Hi"), stream: true })
      yield* post("", { path: "/sleep?mode=keep" })
      assert.deepStrictEqual(yield* answers, awake)
    }).pipe(Effect.scoped, Effect.provide(endless)))

  it.live("keeps /load high, which counts the open requests of the HTTP side", () =>
    Effect.gen(function*() {
      const load = Effect.flatMap(get("/load"), jsonOf)
      assert.deepStrictEqual(yield* load, { server_load: 0 })
      yield* timedPost({ ...userMessage("a"), stream: true })
      yield* timedPost({ ...userMessage("b"), stream: true })
      yield* within1Second(streams, (open) => open.length === 2)
      yield* post("", { path: "/sleep?mode=keep" })
      assert.deepStrictEqual(yield* load, { server_load: 2 })
    }).pipe(Effect.scoped, Effect.provide(endless)))
})
