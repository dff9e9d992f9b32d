/**
 * vLLM's series on /metrics, driven by the scheduler's steps and by nothing else.
 *
 * When they move: gauges and the prefix cache's counters with every step; counters of tokens and preemptions, and the
 * histograms of iterations, first tokens and gaps only with a step that has outputs (a lone long prompt moves
 * `kv_cache_usage_perc` only); what is known of a whole request when it finishes. So if the engine's loop hangs, every
 * series keeps its last value, as in vLLM, where the statistics travel with the outputs.
 *
 * As in vLLM: prompt tokens count when the prompt is done, once, even if it is computed again after a preemption; a
 * preemption counts with the next output of its request; a request that its client abandons has no latencies and is no
 * `request_success`, so `finished_reason="abort"` counts those that the engine itself aborts, whose last, empty outputs
 * are observed as one more gap, or as a first token where there was none, and as an iteration without tokens. Several
 * tokens of one step have one gap. The prefix cache is asked but never hits.
 *
 * Gotcha: `lora_requests_info` is a timestamp that moves with every step, though there are no adapters.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as PrometheusText from "./PrometheusText.ts"
import type { StepReport } from "./Scheduler.ts"
import { blocksOf, blockTokens, type Sequence } from "./Sequence.ts"

export interface Metrics {
  /** Hears of every step of an engine; `rank` counts from 0. */
  readonly step: (rank: number, report: StepReport) => void
  /** Overwrites one gauge until the engine's next step: what was once seen of an engine that hung. */
  readonly showRunning: (rank: number, requests: number) => void
  /** What all engines sleep at: undefined = awake, 0 = nothing else, 1 = weights elsewhere, 2 = weights thrown away. */
  readonly sleepLevel: (level: number | undefined) => void
  /** A request was refused because the queue was full. */
  readonly admissionRejected: () => void
  /** A client closed its connection before its response was complete. */
  readonly clientDisconnected: () => void
  /** The answer to GET /metrics. */
  readonly text: Effect.Effect<string>
}

export interface MetricsOptions {
  readonly model: string
  readonly kvCacheTokens: number
  /** Engines, each with series of its own; 1 unless given. */
  readonly dataParallelSize?: number
  /** Tokens of prompt and answer together, if less than what the KV cache holds. */
  readonly maxModelLength?: number | undefined
  /** `gpu_cache_usage_perc`, `time_per_output_token_seconds` and `num_requests_swapped`, which stays 0. */
  readonly oldMetricNames?: boolean
}

// The buckets are vLLM's; all times in seconds.
const bounds = (text: string) => text.split(" ").map(Number)
const iterationBuckets = bounds("1 8 16 32 64 128 256 512 1024 2048 4096 8192 16384")
const firstTokenBuckets = bounds(
  "0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 20 40 80 160 640 2560"
)
const gapBuckets = bounds("0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 2.5 5 7.5 10 20 40 80")
const requestBuckets = bounds("0.3 0.5 0.8 1 1.5 2 2.5 5 10 15 20 30 40 50 60 120 240 480 960 1920 7680")
const parameterBuckets = bounds("1 2 5 10 20")
const preemptionBuckets = bounds("1 2 3 4 5 10 20")

/** 1, 2, 5, 10, ... up to the longest request there can be. */
const tokenBucketsOf = ({ kvCacheTokens, maxModelLength = Infinity }: MetricsOptions) => {
  const longest = Math.min(maxModelLength, blocksOf({ kvCacheTokens }) * blockTokens)
  return Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat()
    .filter((bound) => bound <= longest)
}

const finishedReasons = ["stop", "length", "abort", "error", "repetition"] as const
const promptSources = ["local_compute", "local_cache_hit", "external_kv_transfer"] as const

const sleepStates = ["awake", "weights_offloaded", "discard_all"] as const
const cacheSources = ["device", "host", "p2p", "disk", "external_unspecified"] as const

const waitingHelp =
  "Number of waiting requests by reason. Reason labels: 'capacity' = waiting for scheduling capacity; " +
  "'deferred' = deferred by transient constraints (LoRA budget, KV transfer, blocked status). " +
  "Sum of all reasons equals vllm:num_requests_waiting."
const sleepHelp = "Engine sleep state; awake = 0 means engine is sleeping; awake = 1 means engine is awake; " +
  "weights_offloaded = 1 means sleep level 1; discard_all = 1 means sleep level 2."
const cacheSourceHelp = "Prefix-cache hit tokens by the cache tier that supplied them: device (local HBM), host " +
  "(offloaded to DRAM), disk, p2p (transferred from another vLLM instance) or external_unspecified. Counted at " +
  "admission; sums to vllm:prefix_cache_hits + vllm:external_prefix_cache_hits."
const externalHelp = (what: string) =>
  `External prefix cache ${what} from KV connector cross-instance cache sharing, in terms of number of`

/** Declares the series of one engine. */
const makeSeries = (registry: PrometheusText.Registry, rank: number, options: MetricsOptions) => {
  const { kvCacheTokens, model, oldMetricNames: old = false } = options
  const tokenBuckets = tokenBucketsOf(options)
  const own = { engine: String(rank), model_name: model }
  const gauge = (name: string, help: string, labels: PrometheusText.Labels = {}) =>
    registry.gauge(`vllm:${name}`, help, { ...own, ...labels })
  const counter = (name: string, help: string, labels: PrometheusText.Labels = {}) =>
    registry.counter(`vllm:${name}`, help, { ...own, ...labels })
  const histogram = (name: string, help: string, buckets: ReadonlyArray<number>) =>
    registry.histogram(`vllm:${name}`, help, own, buckets)

  const waitingFor = (reason: string) => gauge("num_requests_waiting_by_reason", waitingHelp, { reason })
  const sleepState = (state: string) => gauge("engine_sleep_state", sleepHelp, { sleep_state: state })
  const series = {
    running: gauge("num_requests_running", "Number of requests in model execution batches."),
    waiting: gauge("num_requests_waiting", "Number of requests waiting to be processed."),
    waitingForCapacity: waitingFor("capacity"),
    waitingDeferred: waitingFor("deferred"),
    kvCacheUsage: gauge(
      old ? "gpu_cache_usage_perc" : "kv_cache_usage_perc",
      "KV-cache usage. 1 means 100 percent usage."
    ),
    prefixCacheQueries: counter("prefix_cache_queries", "Prefix cache queries, in terms of number of queried tokens."),
    prefixCacheHits: counter("prefix_cache_hits", "Prefix cache hits, in terms of number of cached tokens."),
    preemptions: counter("num_preemptions", "Cumulative number of preemption from the engine."),
    promptTokens: counter("prompt_tokens", "Number of prefill tokens processed."),
    promptTokensBySource: promptSources.map((source) =>
      counter("prompt_tokens_by_source", "Number of prompt tokens by source.", { source })
    ),
    promptTokensCached: counter("prompt_tokens_cached", "Number of cached prompt tokens (local + external)."),
    generationTokens: counter("generation_tokens", "Number of generation tokens processed."),
    iterationTokens: histogram(
      "iteration_tokens_total",
      "Histogram of number of tokens per engine_step.",
      iterationBuckets
    ),
    firstToken: histogram(
      "time_to_first_token_seconds",
      "Histogram of time to first token in seconds.",
      firstTokenBuckets
    ),
    gap: histogram(
      old ? "time_per_output_token_seconds" : "inter_token_latency_seconds",
      "Histogram of inter-token latency in seconds.",
      gapBuckets
    ),
    success: new Map(finishedReasons.map((finished_reason) => [
      finished_reason,
      counter("request_success", "Count of successfully processed requests.", { finished_reason })
    ])),
    latency: histogram("e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", requestBuckets),
    queueTime: histogram(
      "request_queue_time_seconds",
      "Histogram of time spent in WAITING phase for request.",
      requestBuckets
    ),
    prefillTime: histogram(
      "request_prefill_time_seconds",
      "Histogram of time spent in PREFILL phase for request.",
      requestBuckets
    ),
    decodeTime: histogram(
      "request_decode_time_seconds",
      "Histogram of time spent in DECODE phase for request.",
      requestBuckets
    ),
    inferenceTime: histogram(
      "request_inference_time_seconds",
      "Histogram of time spent in RUNNING phase for request.",
      requestBuckets
    ),
    timePerToken: histogram(
      "request_time_per_output_token_seconds",
      "Histogram of time_per_output_token_seconds per request.",
      gapBuckets
    ),
    requestPreemptions: histogram(
      "request_num_preemptions",
      "Histogram of the number of times a request was preempted.",
      preemptionBuckets
    ),
    requestMaxTokens: histogram(
      "request_params_max_tokens",
      "Histogram of the max_tokens request parameter.",
      tokenBuckets
    ),
    requestN: histogram("request_params_n", "Histogram of the n request parameter.", parameterBuckets),
    requestMaxGenerationTokens: histogram(
      "request_max_num_generation_tokens",
      "Histogram of maximum number of requested generation tokens.",
      tokenBuckets
    ),
    requestPrefillComputed: histogram(
      "request_prefill_kv_computed_tokens",
      "Histogram of new KV tokens computed during prefill (excluding cached tokens).",
      tokenBuckets
    ),
    requestPromptTokens: histogram("request_prompt_tokens", "Number of prefill tokens processed.", tokenBuckets),
    requestGenerationTokens: histogram(
      "request_generation_tokens",
      "Number of generation tokens processed.",
      tokenBuckets
    ),
    sleepStates: sleepStates.map(sleepState)
  }
  series.sleepStates[0]!.set(1)
  // What never moves here: no other caches, no pictures, no limit of the queue.
  counter("external_prefix_cache_queries", `${externalHelp("queries")} queried tokens.`)
  counter("external_prefix_cache_hits", `${externalHelp("hits")} cached tokens.`)
  counter("mm_cache_queries", "Multi-modal cache queries, in terms of number of queried items.")
  counter("mm_cache_hits", "Multi-modal cache hits, in terms of number of cached items.")
  for (const source of cacheSources) counter("prompt_tokens_cached_by_source", cacheSourceHelp, { source })
  if (old) gauge("num_requests_swapped", "Number of requests swapped to CPU.")
  registry.gauge("vllm:cache_config_info", "Information of the LLMEngine CacheConfig", {
    block_size: String(blockTokens),
    cache_dtype: "auto",
    enable_prefix_caching: "True",
    engine: own.engine,
    num_gpu_blocks: String(blocksOf({ kvCacheTokens }))
  }).set(1)
  return series
}

const secondsBetween = (from: number, to: number) => (to - from) / 1000

/** Declares what the engines of a server share. */
const makeShared = (registry: PrometheusText.Registry, startSeconds: number, { model }: MetricsOptions) => {
  registry.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", {})
    .set(startSeconds)
  const rejectedFor = (reason: string) =>
    registry.counter(
      "vllm:admission_rejections",
      "Number of admission attempts rejected by a queue limit, by reason.",
      {
        model_name: model,
        reason
      }
    )
  const rejectedForRequests = rejectedFor("max_num_queued_reqs")
  rejectedFor("max_num_queued_tokens")
  return {
    rejectedForRequests,
    loraInfo: registry.gauge("vllm:lora_requests_info", "Running stats on lora requests.", {
      max_lora: "0",
      running_lora_adapters: "",
      waiting_lora_adapters: ""
    }),
    disconnected: registry.counter(
      "vllm:http_requests_client_disconnected",
      "Number of HTTP requests whose client disconnected before the response was complete.",
      {}
    )
  }
}

type Series = ReturnType<typeof makeSeries>

const recordFirstOutput = (series: Series, sequence: Sequence) => {
  series.promptTokens.add(sequence.promptTokens)
  series.promptTokensBySource[0]!.add(sequence.promptTokens)
  // An empty answer has an output, but no token.
  if (sequence.generated > 0) {
    series.firstToken.observe(secondsBetween(sequence.arrivedAt, sequence.firstTokenAt))
  }
}

const recordFinish = (series: Series, sequence: Sequence, time: number) => {
  const { arrivedAt, finishReason, generated, promptTokens } = sequence
  // Who was aborted in the queue has waited all the time.
  const scheduledAt = Number.isNaN(sequence.scheduledAt) ? time : sequence.scheduledAt
  const firstTokenAt = generated === 0 ? time : sequence.firstTokenAt
  const decodeTime = secondsBetween(firstTokenAt, time)
  series.success.get(finishReason)!.add(1)
  series.latency.observe(secondsBetween(arrivedAt, time))
  series.queueTime.observe(secondsBetween(arrivedAt, scheduledAt))
  series.prefillTime.observe(secondsBetween(scheduledAt, firstTokenAt))
  series.decodeTime.observe(decodeTime)
  series.inferenceTime.observe(secondsBetween(scheduledAt, time))
  series.timePerToken.observe(generated > 1 ? decodeTime / (generated - 1) : 0)
  series.requestPreemptions.observe(sequence.preemptions)
  series.requestN.observe(1)
  series.requestMaxTokens.observe(sequence.limit)
  series.requestMaxGenerationTokens.observe(generated)
  series.requestPrefillComputed.observe(promptTokens)
  series.requestPromptTokens.observe(promptTokens)
  series.requestGenerationTokens.observe(generated)
}

const recordOutputs = (series: Series, { outputs, preemptions, time }: StepReport) => {
  let generation = 0
  let prompt = 0
  for (const sequence of outputs) {
    generation += sequence.made
    const isAborted = sequence.made === 0 && sequence.finishReason === "abort"
    if (sequence.generated > sequence.made) {
      series.gap.observe(secondsBetween(isAborted ? sequence.lastTokenAt : sequence.previousTokenAt, time))
    } else if (isAborted) series.firstToken.observe(secondsBetween(sequence.arrivedAt, time))
    else {
      prompt += sequence.promptTokens
      recordFirstOutput(series, sequence)
    }
    if (sequence.state === "finished") recordFinish(series, sequence, time)
  }
  series.preemptions.add(preemptions)
  series.generationTokens.add(generation)
  series.iterationTokens.observe(prompt + generation)
}

/** Fresh series of a server and its engines, all counters at 0. */
export const make = (options: MetricsOptions): Effect.Effect<Metrics> =>
  Effect.map(Clock.Clock, (clock) => {
    const wallSeconds = () => clock.currentTimeMillisUnsafe() / 1000
    const startSeconds = wallSeconds()
    const registry = PrometheusText.make(startSeconds)
    const shared = makeShared(registry, startSeconds, options)
    const engines = Array.from(
      { length: options.dataParallelSize ?? 1 },
      (_, rank) => makeSeries(registry, rank, options)
    )
    return {
      step: (rank, report) => {
        const series = engines[rank]!
        series.running.set(report.running)
        series.waiting.set(report.waiting)
        series.waitingForCapacity.set(report.waiting - report.deferred)
        series.waitingDeferred.set(report.deferred)
        series.kvCacheUsage.set(report.kvCacheUsage)
        series.prefixCacheQueries.add(report.prefixCacheQueries)
        shared.loraInfo.set(wallSeconds())
        if (report.outputs.length > 0) recordOutputs(series, report)
      },
      showRunning: (rank, requests) => engines[rank]!.running.set(requests),
      sleepLevel: (level) => {
        for (const { sleepStates } of engines) {
          for (const [state, gauge] of sleepStates.entries()) {
            gauge.set(state === 0 ? Number(level === undefined) : Number(state === level))
          }
        }
      },
      admissionRejected: () => shared.rejectedForRequests.add(1),
      clientDisconnected: () => shared.disconnected.add(1),
      text: Effect.sync(registry.render)
    }
  })
