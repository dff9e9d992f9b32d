// GET /metrics over HTTP: what a scraper sees of streams that run, wait, end and are left.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import {
  chunksOf,
  contentOf,
  get,
  post,
  rawPost,
  simulator,
  stream,
  textOf,
  userMessage,
  within1Second
} from "./harness.ts"
import { parseMetrics } from "./metricsText.ts"

const metrics = get("/metrics").pipe(Effect.flatMap(textOf), Effect.map(parseMetrics))
const words = (tokens: number) => ({ _tag: "LengthOnly", tokens }) as const
const vllmSeries = [
  "admission_rejections_total",
  "cache_config_info",
  "e2e_request_latency_seconds",
  "engine_sleep_state",
  "external_prefix_cache_hits_total",
  "external_prefix_cache_queries_total",
  "generation_tokens_total",
  "http_requests_client_disconnected_total",
  "inter_token_latency_seconds",
  "iteration_tokens_total",
  "kv_cache_usage_perc",
  "lora_requests_info",
  "mm_cache_hits_total",
  "mm_cache_queries_total",
  "num_preemptions_total",
  "num_requests_running",
  "num_requests_waiting",
  "num_requests_waiting_by_reason",
  "prefix_cache_hits_total",
  "prefix_cache_queries_total",
  "prompt_tokens_by_source_total",
  "prompt_tokens_cached_by_source_total",
  "prompt_tokens_cached_total",
  "prompt_tokens_total",
  "request_decode_time_seconds",
  "request_generation_tokens",
  "request_inference_time_seconds",
  "request_max_num_generation_tokens",
  "request_num_preemptions",
  "request_params_max_tokens",
  "request_params_n",
  "request_prefill_kv_computed_tokens",
  "request_prefill_time_seconds",
  "request_prompt_tokens",
  "request_queue_time_seconds",
  "request_success_total",
  "request_time_per_output_token_seconds",
  "time_to_first_token_seconds"
]

describe("Simulator: /metrics", () => {
  it.live("has vLLM's series from the start, all at rest", () =>
    Effect.gen(function*() {
      const response = yield* get("/metrics")
      assert.strictEqual(response.status, 200)
      assert.match(response.headers.get("content-type")!, /^text\/plain; version=1\.0\.0/)
      const { all, types, value } = parseMetrics(yield* textOf(response))
      const families = Array.from(types.keys()).filter((name) => name.startsWith("vllm:") && !name.endsWith("_created"))
      assert.deepStrictEqual(families.map((name) => name.replace("vllm:", "")).toSorted(), vllmSeries)
      assert.closeTo(value("process_start_time_seconds"), Date.now() / 1000, 60)
      assert.strictEqual(value("vllm:engine_sleep_state", { sleep_state: "awake" }), 1)
      assert.strictEqual(value("vllm:cache_config_info", { block_size: "16", num_gpu_blocks: "100" }), 1)
      for (const [series, count] of all) {
        if (!/created|process_start|sleep_state|cache_config/.test(series)) assert.strictEqual(count, 0, series)
      }
      assert.deepStrictEqual((yield* metrics).all, all)
      assert.strictEqual(
        value("vllm:admission_rejections_total", { model_name: "m", reason: "max_num_queued_reqs" }),
        0
      )
    }).pipe(Effect.provide(simulator({ model: "m", kvCacheTokens: 1600 }))))

  it.live("has buckets of tokens up to the longest request", () =>
    Effect.gen(function*() {
      const last = (maxModelLength?: number) =>
        metrics.pipe(
          Effect.map(({ all }) =>
            Array.from(all.keys()).flatMap((series) =>
              /request_prompt_tokens_bucket\{.*le="(\d.*?)"/.exec(series)?.slice(1) ?? []
            ).at(-1)
          ),
          Effect.provide(simulator({ kvCacheTokens: 1600, maxModelLength }))
        )
      assert.strictEqual(yield* last(), "1000.0")
      assert.strictEqual(yield* last(999), "500.0")
    }))

  it.live("has old names if asked", () =>
    Effect.gen(function*() {
      yield* stream(userMessage("Hi"))
      const { types, value } = yield* metrics
      assert.strictEqual(value("vllm:time_per_output_token_seconds_count"), 9)
      assert.strictEqual(value("vllm:gpu_cache_usage_perc"), 0)
      assert.strictEqual(value("vllm:num_requests_swapped"), 0)
      assert.isFalse(types.has("vllm:kv_cache_usage_perc") || types.has("vllm:inter_token_latency_seconds"))
    }).pipe(
      Effect.provide(simulator({
        oldMetricNames: true,
        timeToFirstTokenMillis: 1,
        latencyDistribution: { _tag: "Recorded", gapsMillis: [1, 2, 3] },
        answers: words(10)
      }))
    ))

  it.live("counts exactly the tokens in the chunks", () =>
    Effect.gen(function*() {
      const usage = { stream_options: { include_usage: true } }
      const texts = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, index) => index),
        (index) => stream({ ...userMessage(`Say ${index}`), ...usage, max_tokens: 5 + 10 * index }),
        { concurrency: "unbounded" }
      )
      const chunks = texts.map(chunksOf)
      const last = chunks.map((all) => all.at(-1).usage)
      const { value } = yield* metrics
      const sum = (key: string) => last.reduce((total, one) => total + one[key], 0)
      assert.strictEqual(value("vllm:generation_tokens_total"), sum("completion_tokens"))
      assert.strictEqual(value("vllm:prompt_tokens_total"), sum("prompt_tokens"))
      const pieces = chunks.flatMap((all) => contentOf(all).match(/token/g) ?? [])
      assert.strictEqual(pieces.length, sum("completion_tokens"))
      assert.strictEqual(value("vllm:request_success_total", { finished_reason: "length" }), 10)
      assert.strictEqual(value("vllm:request_success_total", { finished_reason: "stop" }), 10)
    }).pipe(
      Effect.provide(simulator({
        timeToFirstTokenMillis: 2,
        interTokenMillis: 0.1,
        jitterCoefficient: 0.3,
        streamInterval: 3,
        maxConcurrentRequests: 4,
        maxNumBatchedTokens: 8,
        kvCacheTokens: 480,
        answers: words(100)
      }))
    ))

  it.live("shows who runs, who waits and who left", () =>
    Effect.gen(function*() {
      yield* rawPost({ ...userMessage("one"), stream: true })
      yield* within1Second(metrics, ({ value }) => value("vllm:num_requests_running") === 1)
      const second = yield* rawPost({ ...userMessage("two"), stream: true })
      const both = yield* within1Second(metrics, ({ value }) => value("vllm:num_requests_waiting") === 1)
      assert.strictEqual(both.value("vllm:num_requests_running", { engine: "0", model_name: "simulated-model" }), 1)
      assert.isAbove(both.value("vllm:kv_cache_usage_perc"), 0)
      second.socket.destroy()
      const after = yield* within1Second(metrics, ({ value }) => value("vllm:num_requests_waiting") === 0)
      assert.strictEqual(after.value("vllm:http_requests_client_disconnected_total"), 1)
      assert.strictEqual(after.value("vllm:num_requests_running"), 1)
      yield* within1Second(metrics, ({ value }) => value("vllm:generation_tokens_total") > 3)
    }).pipe(
      Effect.scoped,
      Effect.provide(simulator({
        timeToFirstTokenMillis: 300,
        interTokenMillis: 10,
        maxConcurrentRequests: 1,
        answers: words(100_000)
      }))
    ))

  it.live("refuses a prompt that the KV cache cannot hold, as one beyond the model's length", () =>
    Effect.gen(function*() {
      const response = yield* post({ ...userMessage("a b c d ".repeat(5)), stream: true })
      assert.strictEqual(response.status, 400)
      assert.match(
        yield* textOf(response),
        /maximum context length is 16 tokens.*your prompt contains at least 17 input tokens/
      )
      assert.strictEqual((yield* metrics).value("vllm:prompt_tokens_total"), 0)
    }).pipe(Effect.provide(simulator({ kvCacheTokens: 16 }))))
})
