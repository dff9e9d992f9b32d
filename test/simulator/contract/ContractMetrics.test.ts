// The contract of the wire, 6: /metrics, read by a parser that is not ours: which series there are, and what moves them.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { get, post, rawPost, simulator, streams, userMessage, within1Second } from "../harness.ts"
import { parseMetrics } from "../metricsText.ts"
import { chat, counting, sdk, sdkStream } from "./clients.ts"
import { changes, read, type Scrape, scrape } from "./scrape.ts"

const words = (tokens: number) => ({ _tag: "LengthOnly", tokens }) as const
const fast = { timeToFirstTokenMillis: 0, interTokenMillis: 0, answers: words(10) }
const endless = {
  timeToFirstTokenMillis: 5,
  interTokenMillis: 5,
  maxConcurrentRequests: 1,
  answers: words(1_000_000)
}
const streamed = (prompt: string, settings: object = {}) => ({ ...userMessage(prompt), stream: true, ...settings })

const gauges = [
  "engine_sleep_state",
  "kv_cache_usage_perc",
  "lora_requests_info",
  "num_requests_running",
  "num_requests_waiting",
  "num_requests_waiting_by_reason"
]
const counters = [
  "generation_tokens",
  "http_requests_client_disconnected",
  "num_preemptions",
  "prefix_cache_hits",
  "prefix_cache_queries",
  "prompt_tokens",
  "prompt_tokens_by_source",
  "prompt_tokens_cached",
  "request_success"
]
const histograms = [
  "e2e_request_latency_seconds",
  "inter_token_latency_seconds",
  "iteration_tokens_total",
  "request_decode_time_seconds",
  "request_generation_tokens",
  "request_inference_time_seconds",
  "request_prefill_time_seconds",
  "request_prompt_tokens",
  "request_queue_time_seconds",
  "request_time_per_output_token_seconds",
  "time_to_first_token_seconds"
]

/** Series that move when a request finishes, and at no other time. */
const onFinish = [
  "e2e_request_latency_seconds_count",
  "request_decode_time_seconds_count",
  "request_generation_tokens_count",
  "request_inference_time_seconds_count",
  "request_prefill_time_seconds_count",
  "request_prompt_tokens_count",
  "request_queue_time_seconds_count",
  "request_time_per_output_token_seconds_count"
]

describe("Contract: the text of /metrics", () => {
  it.live("is served as Prometheus' text format 1.0.0", () =>
    Effect.gen(function*() {
      const response = yield* get("/metrics")
      assert.strictEqual(response.status, 200)
      assert.match(response.headers.get("content-type")!, /^text\/plain; version=1\.0\.0; charset=utf-8$/)
    }).pipe(Effect.provide(simulator(fast))))

  it.live("has every series with its type; counters end in _total", () =>
    Effect.gen(function*() {
      const { types } = yield* scrape
      for (const name of gauges) assert.strictEqual(types.get(`vllm:${name}`), "GAUGE", name)
      for (const name of counters) assert.strictEqual(types.get(`vllm:${name}_total`), "COUNTER", name)
      for (const name of histograms) assert.strictEqual(types.get(`vllm:${name}`), "HISTOGRAM", name)
      assert.strictEqual(types.get("vllm:cache_config_info"), "GAUGE")
      assert.strictEqual(types.get("process_start_time_seconds"), "GAUGE")
    }).pipe(Effect.provide(simulator(fast))))

  it.live("says the same to our own strict reader, series by series, in the middle of the work", () =>
    Effect.gen(function*() {
      yield* sdkStream("one", counting)
      yield* rawPost(streamed("two", { max_tokens: 1000 }))
      yield* within1Second(streams, ([open]) => (open?.tokens ?? 0) > 2)
      const { samples, text } = yield* scrape
      const ours = parseMetrics(text).all
      const key = (labels: Readonly<Record<string, string>>) =>
        Object.keys(labels).toSorted().map((label) => `${label}=${JSON.stringify(labels[label])}`).join(",")
      const theirs = new Map(samples.map(({ labels, name, value }) => [`${name}{${key(labels)}}`, value]))
      assert.deepStrictEqual(theirs, new Map(ours))
      assert.isAbove(theirs.size, 200)
    }).pipe(Effect.scoped, Effect.provide(simulator({ ...fast, interTokenMillis: 5, answers: words(1000) }))))

  it.live("survives a model's name with quotes, backslashes and line breaks", () =>
    Effect.gen(function*() {
      const model = "a\"b\\c\nd"
      assert.strictEqual((yield* scrape).value("generation_tokens_total", { model_name: model }), 0)
    }).pipe(Effect.provide(simulator({ ...fast, model: "a\"b\\c\nd" }))))

  it.live("labels what belongs to the engine with model_name and engine, and nothing else so", () =>
    Effect.gen(function*() {
      const { samples } = yield* scrape
      const others = /^(process_|vllm:(admission_rejections|cache_config_info|lora_requests_info|http_))/
      for (const { labels, name } of samples) {
        const isEngines = !others.test(name)
        assert.strictEqual(labels["model_name"] === "m" && labels["engine"] === "0", isEngines, name)
      }
    }).pipe(Effect.provide(simulator({ ...fast, model: "m" }))))

  it.live("has old names for old dashboards if told so", () =>
    Effect.gen(function*() {
      yield* sdkStream("Hi")
      const { types, value } = yield* scrape
      assert.strictEqual(value("gpu_cache_usage_perc"), 0)
      assert.strictEqual(value("num_requests_swapped"), 0)
      assert.strictEqual(value("time_per_output_token_seconds_count"), 9)
      assert.isFalse(types.has("vllm:kv_cache_usage_perc") || types.has("vllm:inter_token_latency_seconds"))
    }).pipe(Effect.provide(simulator({ ...fast, oldMetricNames: true }))))

  it.live("tells when the process started", () =>
    Effect.gen(function*() {
      const [start] = (yield* scrape).samples.filter(({ name }) => name === "process_start_time_seconds")
      assert.deepStrictEqual(start?.labels, {})
      assert.closeTo(start!.value, Date.now() / 1000, 60)
    }).pipe(Effect.provide(simulator(fast))))
})

/** Scrapes until this holds. */
const scrapedUntil = (holds: (scraped: Scrape) => boolean) => within1Second(scrape, holds)

describe("Contract: what moves /metrics", () => {
  it.live("a request that waits for a place: waiting, by reason capacity and never deferred", () =>
    Effect.gen(function*() {
      yield* rawPost(streamed("runs"))
      yield* scrapedUntil(({ value }) => value("num_requests_running") === 1)
      yield* rawPost(streamed("waits"))
      const { value } = yield* scrapedUntil(({ value }) => value("num_requests_waiting") === 1)
      assert.strictEqual(value("num_requests_running"), 1)
      assert.strictEqual(value("num_requests_waiting_by_reason", { reason: "capacity" }), 1)
      assert.strictEqual(value("num_requests_waiting_by_reason", { reason: "deferred" }), 0)
      assert.strictEqual((yield* streams).length, 2)
    }).pipe(Effect.scoped, Effect.provide(simulator(endless))))

  it.live("a lone long prefill: the KV cache and the adapters' timestamp, and no counter at all", () =>
    Effect.gen(function*() {
      yield* rawPost(streamed("word ".repeat(400)))
      const before = yield* scrapedUntil(({ value }) => value("kv_cache_usage_perc") > 0)
      const after = yield* scrapedUntil(({ value }) =>
        value("kv_cache_usage_perc") > before.value("kv_cache_usage_perc")
      )
      assert.deepStrictEqual(changes(before, after), ["kv_cache_usage_perc", "lora_requests_info"])
      assert.strictEqual(after.value("prefix_cache_queries_total"), before.value("prefix_cache_queries_total"))
      assert.isAbove(after.value("prefix_cache_queries_total"), 399)
      assert.deepStrictEqual((yield* streams).map(({ state }) => state), ["prefill"])
    }).pipe(
      Effect.scoped,
      Effect.provide(simulator({ timeToFirstTokenMillis: 5000, maxNumBatchedTokens: 16, kvCacheTokens: 1600 }))
    ))

  it.live("the end of a prefill: prompt tokens, their source, the first token's latency, no gap between tokens", () =>
    Effect.gen(function*() {
      const before = yield* scrape
      yield* rawPost(streamed("one two three"))
      const after = yield* scrapedUntil(({ value }) => value("generation_tokens_total") === 1)
      assert.deepStrictEqual(changes(before, after), [
        "generation_tokens_total",
        "iteration_tokens_total_count",
        "iteration_tokens_total_sum",
        "kv_cache_usage_perc",
        "lora_requests_info",
        "num_requests_running",
        "prefix_cache_queries_total",
        "prompt_tokens_by_source_total",
        "prompt_tokens_total",
        "time_to_first_token_seconds_count",
        "time_to_first_token_seconds_sum"
      ])
      assert.strictEqual(after.value("prompt_tokens_total"), 3)
      assert.strictEqual(after.value("prompt_tokens_by_source_total", { source: "local_compute" }), 3)
      assert.strictEqual(after.value("prompt_tokens_cached_total"), 0)
    }).pipe(Effect.scoped, Effect.provide(simulator({ ...endless, interTokenMillis: 60_000 }))))

  it.live("decoding: generated tokens, iterations and gaps, one for each token after the first", () =>
    Effect.gen(function*() {
      yield* rawPost(streamed("Hi"))
      const before = yield* scrapedUntil(({ value }) => value("generation_tokens_total") > 1)
      const after = yield* scrapedUntil(({ value }) =>
        value("generation_tokens_total") > before.value("generation_tokens_total") + 20
      )
      assert.deepStrictEqual(changes(before, after).filter((name) => name !== "kv_cache_usage_perc"), [
        "generation_tokens_total",
        "inter_token_latency_seconds_count",
        "inter_token_latency_seconds_sum",
        "iteration_tokens_total_count",
        "iteration_tokens_total_sum",
        "lora_requests_info"
      ])
      for (const { value } of [before, after]) {
        assert.strictEqual(value("inter_token_latency_seconds_count"), value("generation_tokens_total") - 1)
      }
    }).pipe(Effect.scoped, Effect.provide(simulator(endless))))

  it.live("a finish: the reason, and the request's latencies and sizes, none of them before", () =>
    Effect.gen(function*() {
      yield* rawPost(streamed("Hi there"))
      const running = yield* scrapedUntil(({ value }) => value("generation_tokens_total") > 2)
      for (const name of onFinish) assert.strictEqual(running.value(name), 0, name)
      assert.strictEqual(running.value("request_success_total"), 0)
      const { value } = yield* scrapedUntil(({ value }) => value("request_success_total") === 1)
      for (const name of onFinish) assert.strictEqual(value(name), 1, name)
      assert.strictEqual(value("request_success_total", { finished_reason: "stop" }), 1)
      assert.strictEqual(value("request_generation_tokens_sum"), 20)
      assert.strictEqual(value("request_prompt_tokens_sum"), 2)
      assert.isAtLeast(value("e2e_request_latency_seconds_sum"), 0.19)
      assert.strictEqual(value("num_requests_running"), 0)
      assert.strictEqual(value("kv_cache_usage_perc"), 0)
    }).pipe(Effect.scoped, Effect.provide(simulator({ ...endless, interTokenMillis: 10, answers: words(20) }))))

  it.live("finished_reason: stop, length, and abort by the engine, none for a client that leaves", () =>
    Effect.gen(function*() {
      const client = yield* sdk
      yield* Effect.promise(() => client.chat.completions.create(chat("a")))
      yield* Effect.promise(() => client.chat.completions.create(chat("b", { max_tokens: 3 })))
      yield* Effect.promise(async () => {
        for await (const _ of await client.chat.completions.create({ ...chat("c"), stream: true })) break
      })
      yield* within1Second(streams, (open) => open.length === 0)
      yield* rawPost(streamed("d"))
      yield* within1Second(streams, ([open]) => (open?.tokens ?? 0) > 2)
      yield* post("", { path: "/sleep?mode=abort" })
      const { value } = yield* scrape
      const reasons = ["stop", "length", "abort", "error", "repetition"].map((finished_reason) =>
        value("request_success_total", { finished_reason })
      )
      assert.deepStrictEqual(reasons, [1, 1, 1, 0, 0])
      assert.strictEqual(value("http_requests_client_disconnected_total"), 1)
    }).pipe(Effect.scoped, Effect.provide(simulator({ ...endless, answers: words(30) }))))

  it.live("a preemption: counted with the next output of its request", () =>
    Effect.gen(function*() {
      yield* rawPost(streamed("one"))
      yield* rawPost(streamed("two"))
      const { value } = yield* scrape.pipe(
        Effect.repeat({
          schedule: Schedule.spaced("10 millis"),
          until: ({ value }) => value("request_success_total") === 2
        }),
        Effect.timeout("5 seconds")
      )
      assert.isAtLeast(value("num_preemptions_total"), 1)
      assert.strictEqual(value("generation_tokens_total"), 60)
      assert.strictEqual(value("prompt_tokens_total"), 2)
    }).pipe(
      Effect.scoped,
      Effect.provide(
        simulator({ timeToFirstTokenMillis: 5, interTokenMillis: 5, kvCacheTokens: 48, answers: words(30) })
      )
    ))

  it.live("usage as the SDK is told it: the same tokens as the counters", () =>
    Effect.gen(function*() {
      const answers = yield* Effect.forEach(
        Array.from({ length: 10 }, (_, index) => index),
        (index) => sdkStream(`Say ${index}`, { ...counting, max_tokens: 1 + index }),
        { concurrency: "unbounded" }
      )
      const { value } = yield* scrape
      const sum = (key: string) => answers.reduce((total, { chunks }) => total + chunks.at(-1).usage[key], 0)
      assert.strictEqual(value("generation_tokens_total"), sum("completion_tokens"))
      assert.strictEqual(value("prompt_tokens_total"), sum("prompt_tokens"))
      assert.strictEqual(value("iteration_tokens_total_sum"), sum("total_tokens"))
    }).pipe(Effect.provide(simulator({ ...fast, interTokenMillis: 1, answers: words(30) }))))

  it.live("a frozen engine: nothing at all, while its gauges still claim work and /health says 200", () =>
    Effect.gen(function*() {
      yield* rawPost(streamed("runs"))
      yield* rawPost(streamed("waits"))
      yield* scrapedUntil(({ value }) => value("generation_tokens_total") > 3 && value("num_requests_waiting") === 1)
      yield* post("", { path: "/sleep?mode=keep" })
      yield* Effect.sleep(20)
      const before = yield* scrape
      yield* Effect.sleep(150)
      const after = yield* scrape
      assert.deepStrictEqual(changes(before, after), [])
      assert.deepStrictEqual([after.value("num_requests_running"), after.value("num_requests_waiting")], [1, 1])
      assert.strictEqual((yield* get("/health")).status, 200)
    }).pipe(Effect.scoped, Effect.provide(simulator(endless))))

  it.live("nothing to do: nothing", () =>
    Effect.gen(function*() {
      yield* sdkStream("Hi")
      const before = yield* scrape
      yield* Effect.sleep(100)
      assert.deepStrictEqual(changes(before, yield* scrape), [])
    }).pipe(Effect.provide(simulator(fast))))
})

describe("Contract: the reader of these tests", () => {
  it("keeps labels, counts and sums of histograms, which its parser alone drops", () => {
    const { types, value } = read(
      ["0", "1"].map((engine) =>
        `vllm:a_bucket{engine="${engine}",le="+Inf"} 2.0\nvllm:a_count{engine="${engine}"} 2.0\n` +
        `vllm:a_sum{engine="${engine}"} ${engine}.5\n`
      ).join("").replace(/^/, "# HELP vllm:a b\n# TYPE vllm:a histogram\n")
    )
    assert.strictEqual(types.get("vllm:a"), "HISTOGRAM")
    assert.deepStrictEqual([value("a_count"), value("a_sum", { engine: "1" })], [4, 1.5])
  })
})
