// Every fault of the server around the engine, by name.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { Simulator } from "../../../src/simulator/Simulator.ts"
import { get, jsonOf, post, simulator, streams, textOf, userMessage } from "../harness.ts"
import { parseMetrics } from "../metricsText.ts"
import {
  ask,
  chunksSoFar,
  type Conversation,
  eventsOf,
  eventually,
  finishReasonOf,
  kindsOf,
  pass,
  scrape,
  textSoFar,
  told,
  until
} from "./virtualTime.ts"

const server = (...faults: ReadonlyArray<string>) =>
  simulator({
    interTokenMillis: 100,
    timeToFirstTokenMillis: 400,
    answers: { _tag: "LengthOnly", tokens: 100 },
    faults
  })

const answered = (conversation: Conversation) => until(conversation, ({ status }) => status === 200)

/** "refused", or the status. */
const knock = Effect.gen(function*() {
  const { url } = yield* Simulator
  return yield* Effect.promise(() =>
    fetch(`${url}/health`, { headers: { connection: "close" } }).then(
      ({ status }) => String(status),
      (error: Error) => (error.cause as NodeJS.ErrnoException).code ?? "failed"
    )
  )
})

const startTime = Effect.map(scrape, ({ value }) => value("process_start_time_seconds"))

describe("engine-death", () => {
  it.effect("is told to everybody, then the server goes, then it is back and new", () =>
    Effect.gen(function*() {
      const startedAt = yield* startTime
      const first = yield* ask()
      const second = yield* ask()
      const whole = yield* ask({ body: { stream: false, stream_options: null } })
      yield* answered(first)
      yield* answered(second)
      yield* eventually(streams, (open) => open.length === 3)
      yield* pass(3)
      for (const conversation of [first, second]) {
        yield* until(conversation, ({ state }) => state === "complete")
        const events = eventsOf(conversation)
        assert.strictEqual(events.at(-1), "[DONE]")
        assert.strictEqual(JSON.parse(events.at(-2)!).error.code, 500)
        assert.isTrue(chunksSoFar(conversation).every((chunk) => chunk.choices?.[0]?.finish_reason == null))
      }
      yield* until(whole, ({ state }) => state === "complete")
      assert.strictEqual(whole.status, 500)
      assert.strictEqual((yield* get("/health")).status, 503)
      const refused = yield* post(userMessage("Hi"))
      assert.strictEqual(refused.status, 500)
      assert.strictEqual((yield* jsonOf(refused)).error.type, "InternalServerError")
      assert.strictEqual((yield* get("/is_sleeping")).status, 500)
      assert.strictEqual((yield* get("/v1/models")).status, 200)
      yield* pass(5)
      assert.strictEqual(yield* knock, "ECONNREFUSED")
      yield* pass(30, 5)
      yield* eventually(knock, (answer) => answer === "200")
      const metrics = yield* scrape
      assert.isAbove(metrics.value("process_start_time_seconds"), startedAt + 20)
      assert.strictEqual(metrics.value("vllm:generation_tokens_total"), 0)
      const third = yield* ask()
      yield* answered(third)
      yield* pass(15)
      assert.strictEqual(told(third), 100)
      assert.deepStrictEqual(yield* kindsOf("server"), ["refusing-connections", "new-process", "listening"])
    }).pipe(Effect.scoped, Effect.provide(server("engine-death"))))
})

describe("a killed server", () => {
  it.effect("leaves its connections half open, and nobody listens", () =>
    Effect.gen(function*() {
      const first = yield* ask()
      yield* answered(first)
      yield* pass(3)
      const before = textSoFar(first)
      assert.strictEqual(told(first), 10)
      assert.strictEqual(yield* knock, "ECONNREFUSED")
      yield* pass(600, 30)
      assert.strictEqual(textSoFar(first), before)
      assert.strictEqual(first.state, "reading")
    }).pipe(Effect.scoped, Effect.provide(server("server-killed", "comments:every=5"))))

  it.effect("or closes them", () =>
    Effect.gen(function*() {
      const first = yield* ask()
      yield* answered(first)
      yield* pass(3)
      yield* until(first, ({ state }) => state === "broken")
      assert.strictEqual(yield* knock, "ECONNREFUSED")
    }).pipe(Effect.scoped, Effect.provide(server("server-killed:sockets=closed"))))

  it.effect("comes back with new counters, and the old connections stay silent", () =>
    Effect.gen(function*() {
      const startedAt = yield* startTime
      const first = yield* ask()
      yield* answered(first)
      yield* pass(10)
      yield* eventually(knock, (answer) => answer === "200")
      const metrics = yield* scrape
      assert.isAbove(metrics.value("process_start_time_seconds"), startedAt)
      assert.strictEqual(metrics.value("vllm:generation_tokens_total"), 0)
      const second = yield* ask()
      yield* answered(second)
      yield* pass(15)
      assert.strictEqual(told(second), 100)
      assert.strictEqual(told(first), 10)
      assert.strictEqual(first.state, "reading")
      assert.strictEqual((yield* streams).length, 1)
      first.leave()
      yield* eventually(streams, (open) => open.length === 0)
      assert.notInclude(yield* kindsOf(0), "abort-honoured")
    }).pipe(Effect.scoped, Effect.provide(server("server-restart"))))
})

describe("sleep", () => {
  it.effect("with mode keep is a silence of five minutes", () =>
    Effect.gen(function*() {
      const first = yield* ask()
      yield* answered(first)
      yield* pass(100, 5)
      assert.strictEqual(told(first), 10)
      assert.deepStrictEqual(yield* Effect.flatMap(get("/is_sleeping"), jsonOf), { is_sleeping: true })
      const asleep = (metrics: ReturnType<typeof parseMetrics>) =>
        ["awake", "weights_offloaded"].map((sleep_state) => metrics.value("vllm:engine_sleep_state", { sleep_state }))
      assert.deepStrictEqual(asleep(yield* scrape), [0, 1])
      yield* pass(230, 5)
      assert.strictEqual(told(first), 100)
      assert.strictEqual(finishReasonOf(first), "stop")
      assert.deepStrictEqual(asleep(yield* scrape), [1, 0])
    }).pipe(Effect.scoped, Effect.provide(server("sleep-keep"))))

  it.effect("with mode abort ends what was open", () =>
    Effect.gen(function*() {
      const first = yield* ask()
      yield* answered(first)
      yield* pass(5)
      assert.strictEqual(finishReasonOf(first), "abort")
      yield* until(first, ({ state }) => state === "complete")
      assert.strictEqual((yield* scrape).value("vllm:request_success_total", { finished_reason: "abort" }), 1)
      yield* pass(30, 5)
      const second = yield* ask()
      yield* answered(second)
      yield* pass(15)
      assert.strictEqual(told(second), 100)
    }).pipe(Effect.scoped, Effect.provide(server("sleep-abort"))))
})

describe("doors", () => {
  it.effect("connection-refused lets open streams go on", () =>
    Effect.gen(function*() {
      const first = yield* ask()
      yield* answered(first)
      yield* pass(5)
      assert.strictEqual(yield* knock, "ECONNREFUSED")
      yield* pass(15)
      assert.strictEqual(told(first), 100)
      yield* pass(20)
      yield* eventually(knock, (answer) => answer === "200")
      assert.notInclude(yield* kindsOf("server"), "new-process")
    }).pipe(Effect.scoped, Effect.provide(server("connection-refused:from=3"))))

  it.effect("two refusals hold until the last of them is over", () =>
    Effect.gen(function*() {
      yield* pass(7)
      assert.strictEqual(yield* knock, "ECONNREFUSED")
      yield* pass(7)
      yield* eventually(knock, (answer) => answer === "200")
    }).pipe(
      Effect.scoped,
      Effect.provide(server("connection-refused:from=1,for=4", "connection-refused:from=3,for=10"))
    ))

  it.effect("server-silent answers nothing until it is over, but what steers it", () =>
    Effect.gen(function*() {
      yield* pass(2)
      const asked = yield* Effect.forkChild(get("/health"), { startImmediately: true })
      const request = yield* ask()
      yield* pass(100, 5)
      assert.isTrue(Option.isNone(Option.fromUndefinedOr(asked.pollUnsafe())))
      assert.strictEqual(request.status, undefined)
      assert.strictEqual((yield* get("/sim/faults")).status, 200)
      yield* pass(20, 5)
      assert.strictEqual((yield* Fiber.join(asked)).status, 200)
      yield* answered(request)
    }).pipe(Effect.scoped, Effect.provide(server("server-silent:from=1"))))

  it.effect("health-blip is three seconds long", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* get("/health")).status, 200)
      yield* pass(2)
      assert.strictEqual((yield* get("/health")).status, 503)
      yield* pass(3)
      assert.strictEqual((yield* get("/health")).status, 200)
    }).pipe(Effect.scoped, Effect.provide(server("health-blip:from=1"))))

  it.effect("busy has requests of others in the engine", () =>
    Effect.gen(function*() {
      yield* pass(30, 5)
      const metrics = yield* scrape
      assert.strictEqual(metrics.value("vllm:num_requests_running"), 16)
      assert.isAbove(metrics.value("vllm:request_success_total", { finished_reason: "stop" }), 16)
    }).pipe(Effect.scoped, Effect.provide(server("busy:requests=16"))))
})

describe("/metrics", () => {
  /** A stream that runs while metrics are asked for. */
  const running = Effect.gen(function*() {
    const conversation = yield* ask()
    yield* answered(conversation)
    yield* pass(2)
  })
  const text = Effect.flatMap(get("/metrics"), textOf)
  const generated = Effect.map(scrape, ({ value }) => value("vllm:generation_tokens_total"))

  it.effect("down: the connection is closed", () =>
    Effect.gen(function*() {
      const { url } = yield* Simulator
      const failed = yield* Effect.promise(() => fetch(`${url}/metrics`).then(() => false, () => true))
      assert.isTrue(failed)
      assert.strictEqual((yield* get("/health")).status, 200)
    }).pipe(Effect.scoped, Effect.provide(server("metrics-down"))))

  it.effect("slow: twenty seconds, and then right", () =>
    Effect.gen(function*() {
      yield* running
      const asked = yield* Effect.forkChild(generated, { startImmediately: true })
      yield* pass(19)
      assert.isUndefined(asked.pollUnsafe())
      yield* pass(2)
      assert.strictEqual(yield* Fiber.join(asked), 100)
    }).pipe(Effect.scoped, Effect.provide(server("metrics-slow"))))

  it.effect("error", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* get("/metrics")).status, 502)
    }).pipe(Effect.scoped, Effect.provide(server("metrics-error:status=502"))))

  it.effect("huge, with the engine's series at the end", () =>
    Effect.gen(function*() {
      yield* running
      const all = yield* text
      assert.isAbove(all.length, 3_000_000)
      assert.strictEqual(parseMetrics(all).value("vllm:num_requests_running"), 1)
    }).pipe(Effect.scoped, Effect.provide(server("metrics-huge:megabytes=3"))))

  it.effect("malformed from the middle on", () =>
    Effect.gen(function*() {
      const all = yield* text
      assert.include(all, "# HELP vllm:num_requests_running")
      assert.throws(() => parseMetrics(all))
    }).pipe(Effect.scoped, Effect.provide(server("metrics-malformed"))))

  it.effect("of a model with another name", () =>
    Effect.gen(function*() {
      yield* running
      const metrics = yield* scrape
      assert.strictEqual(metrics.value("vllm:num_requests_running", { model_name: "another-model" }), 1)
      assert.notInclude(yield* text, "simulated-model")
    }).pipe(Effect.scoped, Effect.provide(server("metrics-wrong-model"))))

  it.effect("of another replica", () =>
    Effect.gen(function*() {
      yield* running
      yield* pass(5)
      assert.strictEqual(yield* generated, 0)
      assert.strictEqual((yield* scrape).value("vllm:num_requests_running"), 0)
    }).pipe(Effect.scoped, Effect.provide(server("metrics-other-replica"))))

  it.effect("of another replica at every second scrape", () =>
    Effect.gen(function*() {
      yield* running
      const seen = [yield* generated, yield* generated, yield* generated, yield* generated]
      assert.deepStrictEqual(seen.map((tokens) => tokens > 0), [true, false, true, false])
    }).pipe(Effect.scoped, Effect.provide(server("metrics-alternating"))))

  it.effect("from a cache", () =>
    Effect.gen(function*() {
      yield* running
      const first = yield* generated
      yield* pass(5)
      assert.strictEqual(yield* generated, first)
      yield* pass(56, 4)
      assert.strictEqual(yield* generated, 100)
    }).pipe(Effect.scoped, Effect.provide(server("metrics-cached"))))

  it.effect("without statistics", () =>
    Effect.gen(function*() {
      yield* running
      const all = yield* text
      assert.notInclude(all, "vllm:")
      assert.isAbove(parseMetrics(all).value("process_start_time_seconds"), -1)
    }).pipe(Effect.scoped, Effect.provide(server("metrics-disabled"))))
})
