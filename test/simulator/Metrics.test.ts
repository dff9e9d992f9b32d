// When the series move, under a virtual clock.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as EngineLoop from "../../src/simulator/EngineLoop.ts"
import * as Journal from "../../src/simulator/Journal.ts"
import * as Metrics from "../../src/simulator/Metrics.ts"
import { parseMetrics } from "./metricsText.ts"

const start = (options: Partial<EngineLoop.EngineLoopOptions> = {}) =>
  Effect.gen(function*() {
    const settings = { maxConcurrentRequests: 10, streamInterval: 1, kvCacheTokens: 1600, ...options }
    const metrics = yield* Metrics.make({ model: "m", kvCacheTokens: settings.kvCacheTokens })
    const engine = yield* EngineLoop.make(settings, yield* Journal.make, (step) => metrics.step(0, step))
    return { engine, read: Effect.map(metrics.text, parseMetrics) }
  })

const prompt = (tokens: number) => Array(tokens).fill("a").join(" ")

const run = (
  engine: EngineLoop.EngineLoop,
  { firstTokenMillis = 100, gapMillis = 10, maxTokens = Infinity, promptTokens = 4, tokens = 3, tokensOfStep = () => 1 }
) =>
  Effect.gen(function*() {
    const outputs: Array<EngineLoop.EngineOutput> = []
    const fiber = yield* Effect.forkChild(
      Stream.runForEachArray(
        engine.generate({
          id: "a",
          prompt: prompt(promptTokens),
          maxTokens,
          answer: { length: tokens, token: (index) => ` ${index}` },
          pace: { timeToFirstToken: () => firstTokenMillis, gap: () => gapMillis },
          tokensOfStep
        }),
        (chunk) => Effect.sync(() => outputs.push(...chunk))
      ),
      { startImmediately: true }
    )
    return { outputs, fiber }
  })

/** Everything but what moves with the wall clock. */
const moved = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>) =>
  Array.from(after).flatMap(([series, value]) => value === before.get(series) ? [] : [series.replace(/\{.*/, "")])
    .filter((name) => name !== "vllm:lora_requests_info" && !name.endsWith("_bucket"))
    .map((name) => name.replace("vllm:", "")).toSorted()

describe("Metrics", () => {
  it.effect("tells a request's whole way", () =>
    Effect.gen(function*() {
      const { engine, read } = yield* start({ maxConcurrentRequests: 1 })
      yield* run(engine, { tokens: 3 })
      yield* run(engine, { tokens: 9, maxTokens: 2 })
      yield* TestClock.adjust(1)
      const begun = yield* read
      assert.strictEqual(begun.value("vllm:num_requests_running", { model_name: "m", engine: "0" }), 1)
      assert.strictEqual(begun.value("vllm:num_requests_waiting"), 1)
      assert.strictEqual(begun.value("vllm:num_requests_waiting_by_reason", { reason: "capacity" }), 1)
      assert.strictEqual(begun.value("vllm:num_requests_waiting_by_reason", { reason: "deferred" }), 0)
      assert.closeTo(begun.value("vllm:kv_cache_usage_perc"), 0.01, 1e-9)
      assert.strictEqual(begun.value("vllm:prefix_cache_queries_total"), 4)
      assert.strictEqual(begun.value("vllm:prompt_tokens_total"), 0)
      yield* TestClock.adjust(999)
      const { value } = yield* read
      assert.strictEqual(value("vllm:num_requests_running"), 0)
      assert.strictEqual(value("vllm:kv_cache_usage_perc"), 0)
      assert.strictEqual(value("vllm:prompt_tokens_total"), 8)
      assert.strictEqual(value("vllm:generation_tokens_total"), 5)
      assert.strictEqual(value("vllm:time_to_first_token_seconds_count"), 2)
      assert.closeTo(value("vllm:time_to_first_token_seconds_sum"), 0.1 + 0.22, 1e-9)
      assert.strictEqual(value("vllm:inter_token_latency_seconds_count"), 3)
      assert.closeTo(value("vllm:inter_token_latency_seconds_sum"), 0.03, 1e-9)
      assert.strictEqual(value("vllm:iteration_tokens_total_count"), 5)
      assert.strictEqual(value("vllm:iteration_tokens_total_sum"), 13)
      assert.strictEqual(value("vllm:request_success_total", { finished_reason: "stop" }), 1)
      assert.strictEqual(value("vllm:request_success_total", { finished_reason: "length" }), 1)
      assert.strictEqual(value("vllm:request_success_total", { finished_reason: "abort" }), 0)
      assert.closeTo(value("vllm:request_queue_time_seconds_sum"), 0.12, 1e-9)
      assert.closeTo(value("vllm:request_prefill_time_seconds_sum"), 0.2, 1e-9)
      assert.closeTo(value("vllm:request_decode_time_seconds_sum"), 0.03, 1e-9)
      assert.closeTo(value("vllm:request_inference_time_seconds_sum"), 0.23, 1e-9)
      assert.closeTo(value("vllm:e2e_request_latency_seconds_sum"), 0.35, 1e-9)
      assert.strictEqual(value("vllm:request_generation_tokens_sum"), 5)
      assert.strictEqual(value("vllm:request_max_num_generation_tokens_sum"), 5)
      assert.strictEqual(value("vllm:request_prefill_kv_computed_tokens_sum"), 8)
      assert.strictEqual(value("vllm:request_params_n_sum"), 2)
      assert.strictEqual(value("vllm:request_params_max_tokens_count"), 2)
      assert.strictEqual(value("vllm:request_num_preemptions_count"), 2)
    }))

  it.effect("moves nothing but the KV cache during a lone long prefill, and nothing in a silence", () =>
    Effect.gen(function*() {
      const { engine, read } = yield* start({ maxNumBatchedTokens: 100 })
      yield* run(engine, { promptTokens: 300, firstTokenMillis: 300, gapMillis: 60_000 })
      yield* TestClock.adjust(50)
      const first = yield* read
      yield* TestClock.adjust(100)
      const second = yield* read
      assert.deepStrictEqual(moved(first.all, second.all), ["kv_cache_usage_perc"])
      yield* TestClock.adjust(200)
      const third = yield* read
      assert.deepStrictEqual(moved(second.all, third.all), [
        "generation_tokens_total",
        "iteration_tokens_total_count",
        "iteration_tokens_total_sum",
        "kv_cache_usage_perc",
        "prompt_tokens_by_source_total",
        "prompt_tokens_total",
        "time_to_first_token_seconds_count",
        "time_to_first_token_seconds_sum"
      ])
      yield* TestClock.adjust(30_000)
      const silent = yield* read
      assert.deepStrictEqual(silent.all, third.all)
      yield* TestClock.adjust(30_000)
      assert.deepStrictEqual(moved(silent.all, (yield* read).all), [
        "generation_tokens_total",
        "inter_token_latency_seconds_count",
        "inter_token_latency_seconds_sum",
        "iteration_tokens_total_count",
        "iteration_tokens_total_sum"
      ])
    }))

  it.effect("counts all tokens of a step, and its gap once", () =>
    Effect.gen(function*() {
      const { engine, read } = yield* start()
      yield* run(engine, { tokens: 9, tokensOfStep: () => 3 })
      yield* TestClock.adjust(1000)
      const { value } = yield* read
      assert.strictEqual(value("vllm:generation_tokens_total"), 9)
      assert.strictEqual(value("vllm:inter_token_latency_seconds_count"), 3)
      assert.strictEqual(value("vllm:iteration_tokens_total_sum"), 13)
      assert.strictEqual(value("vllm:request_generation_tokens_sum"), 9)
      assert.closeTo(value("vllm:request_decode_time_seconds_sum"), 0.03, 1e-9)
    }))

  it.effect("stands still while the engine is frozen, and counts what the engine aborts", () =>
    Effect.gen(function*() {
      const { engine, read } = yield* start({ maxConcurrentRequests: 2 })
      yield* run(engine, { tokens: 9 })
      yield* run(engine, { tokens: 9, firstTokenMillis: 5000 })
      yield* run(engine, { tokens: 9 })
      yield* TestClock.adjust(125)
      const before = yield* read
      yield* engine.pause("keep")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual((yield* read).all, before.all)
      yield* engine.pause("abort")
      const { all, value } = yield* read
      assert.strictEqual(value("vllm:request_success_total", { finished_reason: "abort" }), 3)
      assert.strictEqual(value("vllm:num_requests_running"), 0)
      assert.strictEqual(value("vllm:num_requests_waiting"), 0)
      assert.strictEqual(value("vllm:kv_cache_usage_perc"), 0)
      assert.strictEqual(value("vllm:generation_tokens_total"), 3)
      assert.strictEqual(value("vllm:prompt_tokens_total"), 4)
      // The last, empty outputs: a gap for the one that had tokens, a first token for each of the others.
      assert.strictEqual(value("vllm:inter_token_latency_seconds_count"), 3)
      assert.closeTo(value("vllm:inter_token_latency_seconds_sum"), 0.02 + 60.005, 1e-9)
      assert.strictEqual(value("vllm:time_to_first_token_seconds_count"), 3)
      assert.closeTo(value("vllm:time_to_first_token_seconds_sum"), 0.1 + 2 * 60.125, 1e-9)
      // All of them are one iteration without tokens.
      assert.strictEqual(value("vllm:iteration_tokens_total_count"), 4)
      assert.strictEqual(value("vllm:iteration_tokens_total_sum"), 4 + 3)
      assert.isTrue(Array.from(all.values()).every((count) => Number.isFinite(count)))
    }))

  it.effect("counts a preemption with the next output, and the prompt only once", () =>
    Effect.gen(function*() {
      const { engine, read } = yield* start({ kvCacheTokens: 64 })
      yield* run(engine, { promptTokens: 16, tokens: 40 })
      yield* run(engine, { promptTokens: 16, tokens: 20 })
      yield* TestClock.adjust(400)
      const waiting = yield* read
      assert.strictEqual(waiting.value("vllm:num_requests_waiting"), 1)
      assert.strictEqual(waiting.value("vllm:num_preemptions_total"), 0)
      yield* TestClock.adjust(10_000)
      const { value } = yield* read
      assert.strictEqual(value("vllm:num_preemptions_total"), 1)
      assert.strictEqual(value("vllm:request_num_preemptions_sum"), 1)
      assert.strictEqual(value("vllm:prompt_tokens_total"), 32)
      assert.strictEqual(value("vllm:prefix_cache_queries_total"), 32)
      assert.strictEqual(value("vllm:generation_tokens_total"), 60)
      assert.strictEqual(value("vllm:request_success_total", { finished_reason: "stop" }), 2)
    }))

  it.effect("forgets a request that its client abandons", () =>
    Effect.gen(function*() {
      const { engine, read } = yield* start()
      const { fiber } = yield* run(engine, { tokens: 100 })
      yield* TestClock.adjust(130)
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust(1000)
      const { value } = yield* read
      assert.strictEqual(value("vllm:num_requests_running"), 0)
      assert.strictEqual(value("vllm:kv_cache_usage_perc"), 0)
      assert.strictEqual(value("vllm:generation_tokens_total"), 4)
      assert.strictEqual(value("vllm:request_success_total", { finished_reason: "abort" }), 0)
      assert.strictEqual(value("vllm:e2e_request_latency_seconds_count"), 0)
    }))

  it.effect("counts an empty answer as a success without tokens", () =>
    Effect.gen(function*() {
      const { engine, read } = yield* start()
      yield* run(engine, { tokens: 0 })
      yield* TestClock.adjust(1000)
      const { value } = yield* read
      assert.strictEqual(value("vllm:generation_tokens_total"), 0)
      assert.strictEqual(value("vllm:prompt_tokens_total"), 4)
      assert.strictEqual(value("vllm:time_to_first_token_seconds_count"), 0)
      assert.strictEqual(value("vllm:request_success_total", { finished_reason: "stop" }), 1)
      assert.closeTo(value("vllm:e2e_request_latency_seconds_sum"), 0.1, 1e-9)
    }))
})
