/**
 * From the parsed series of `/metrics` to samples, one for each `engine` label. Pure; knows vLLM's names, old and new.
 *
 * What counts as a heartbeat: any change of any `vllm:` series that only the engine core can move. The rest is in
 * `notHeartbeats`: series that the API server in front of it writes, also while the core hangs (it refuses for a full
 * queue, its clients give up, it was told to sleep), times, and the creation times of counters. Where series carry
 * `engine` labels, those without one are the API server's and prove nothing either.
 *
 * Gotchas: the order of families and series is not fixed (several API servers), so the digest does not depend on it.
 * With `--disable-log-stats` there is no series to sample and the answer is empty. With several API servers there is no
 * `process_start_time_seconds`.
 */
import type { EngineSample } from "./EngineSample.ts"

/** One line of a Prometheus text: a name as exported, its labels, its value. */
export interface MetricSeries {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Series named `vllm:` that move without the engine core. A name that ends in `*` stands for all that begin so. */
export const notHeartbeats: ReadonlyArray<string> = [
  "vllm:lora_requests_info",
  "vllm:admission_rejections*",
  "vllm:http_*",
  "vllm:engine_sleep_state",
  "vllm:sleep_mode_*"
]

/** Whether a series can only have been moved by the engine core. */
export const isHeartbeat = (name: string): boolean =>
  name.startsWith("vllm:") && !name.endsWith("_created") &&
  !notHeartbeats.some((pattern) => pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern)

/** The exported names of each reading, newest first; the first that is there counts. */
const names = {
  running: ["vllm:num_requests_running"],
  waiting: ["vllm:num_requests_waiting"],
  deferred: ["vllm:num_requests_waiting_by_reason"],
  kvCacheUsage: ["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"],
  generationTokens: ["vllm:generation_tokens_total", "vllm:generation_tokens"],
  promptTokens: ["vllm:prompt_tokens_total", "vllm:prompt_tokens"],
  decodeOutputs: ["vllm:inter_token_latency_seconds_count", "vllm:time_per_output_token_seconds_count"],
  firstTokens: ["vllm:time_to_first_token_seconds_count"],
  finished: ["vllm:request_success_total", "vllm:request_success"],
  preemptions: ["vllm:num_preemptions_total", "vllm:num_preemptions"]
} as const

const decodeBuckets = ["vllm:inter_token_latency_seconds_bucket", "vllm:time_per_output_token_seconds_bucket"]

/** The samples of all engines in a scrape, by label; a server of one engine may not label it (`""`). */
export const samplesOf = (series: ReadonlyArray<MetricSeries>): ReadonlyArray<EngineSample> => {
  const core = series.filter(({ name }) => isHeartbeat(name))
  const labels = new Set(core.map(({ labels }) => labels["engine"] ?? ""))
  if (labels.size > 1) labels.delete("")
  const startedAtSeconds = readingOf(series, ["process_start_time_seconds"])
  return [...labels].toSorted().map((engine) => {
    const own = core.filter(({ labels }) => (labels["engine"] ?? "") === engine)
    const deferred = own.filter(({ labels }) => labels["reason"] === "deferred")
    return {
      engine,
      heartbeat: digestOf(own),
      running: readingOf(own, names.running),
      // Swapped-out requests of old versions are as good as waiting.
      waiting: sum(readingOf(own, names.waiting), readingOf(own, ["vllm:num_requests_swapped"])),
      deferred: readingOf(deferred, names.deferred),
      kvCacheUsage: readingOf(own, names.kvCacheUsage),
      generationTokens: readingOf(own, names.generationTokens),
      promptTokens: readingOf(own, names.promptTokens),
      decodeOutputs: readingOf(own, names.decodeOutputs),
      firstTokens: readingOf(own, names.firstTokens),
      finished: readingOf(own, names.finished),
      preemptions: readingOf(own, names.preemptions),
      decodeP99Millis: decodeP99Millis(own),
      asleep: asleepOf(series, engine),
      startedAtSeconds
    }
  })
}

/** The sample of one engine, or of the only one; `undefined` where the scrape has nothing to say of it. */
export const sampleOf = (series: ReadonlyArray<MetricSeries>, engine?: string): EngineSample | undefined => {
  const samples = samplesOf(series)
  if (engine === undefined) return samples.length === 1 ? samples[0] : undefined
  return samples.find((sample) => sample.engine === engine)
}

/** The sum of all series of the first name that is there; `null` where none is, or one is not a number. */
const readingOf = (series: ReadonlyArray<MetricSeries>, names: ReadonlyArray<string>): number | null => {
  for (const wanted of names) {
    const found = series.filter(({ name }) => name === wanted)
    if (found.length === 0) continue
    const total = found.reduce((total, { value }) => total + value, 0)
    return Number.isFinite(total) ? total : null
  }
  return null
}

const sum = (one: number | null, more: number | null): number | null => one === null ? null : one + (more ?? 0)

const asleepOf = (series: ReadonlyArray<MetricSeries>, engine: string): boolean | null => {
  const awake = series.find(({ labels, name }) =>
    name === "vllm:engine_sleep_state" && labels["sleep_state"] === "awake" && (labels["engine"] ?? "") === engine
  )
  return awake === undefined ? null : awake.value === 0
}

/** The upper edge of the bucket in which the 99th percentile lies. */
const decodeP99Millis = (series: ReadonlyArray<MetricSeries>): number | null => {
  const buckets = decodeBuckets
    .map((bucket) => series.filter(({ name }) => name === bucket))
    .find((found) => found.length > 0)
    ?.map(({ labels, value }) => ({ edge: Number(labels["le"]?.replace("+Inf", "Infinity")), value }))
    .toSorted((one, other) => one.edge - other.edge)
  const total = buckets?.at(-1)?.value ?? 0
  const edge = buckets?.find(({ value }) => value >= 0.99 * total)?.edge ?? Infinity
  return total > 0 && edge < Infinity ? edge * 1000 : null
}

/** Independent of the order: a sum of one hash for each series. */
const digestOf = (series: ReadonlyArray<MetricSeries>): string => {
  let low = 0
  let high = 0
  for (const { labels, name, value } of series) {
    const text = `${name}${
      Object.keys(labels).toSorted().map((label) => `\0${label}\0${labels[label]}`).join("")
    }\0\0${value}`
    low = (low + hash(text, 0x811c9dc5)) >>> 0
    high = (high + hash(text, 0x9747b28c)) >>> 0
  }
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0")
}

/** FNV-1a over UTF-16 units with the final mix of MurmurHash3, 32 bits with a sign. */
const hash = (text: string, seed: number): number => {
  let state = seed
  for (let index = 0; index < text.length; index++) state = Math.imul(state ^ text.charCodeAt(index), 0x01000193)
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35)
  return state ^ (state >>> 16)
}
