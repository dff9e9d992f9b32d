/**
 * Short ways to write down what the liveness reducer is told.
 *
 * Times are milliseconds of one monotonic clock; a request is sent at 0 unless said otherwise. What is left out is what
 * is usual: an engine that runs one request, a scrape that was answered at once, a frame of one token.
 */
import type { EngineSample } from "../liveness/EngineSample.ts"
import type * as Input from "../liveness/LivenessInput.ts"

/** The request is sent, at 0; of nothing it is known beforehand unless given. */
export const opened = (more: Partial<Input.Opened> = {}): Input.Opened => ({
  _tag: "Opened",
  at: 0,
  run: { hop: "engine", attempt: 1, endpoint: "http://engine/v1", model: "m" },
  ...more
})

/** The server takes the request, as vLLM does at once. */
export const headers = { _tag: "Headers", at: 0 } as const

/** One token of text at `at` milliseconds. */
export const frame = (at: number, more: Partial<Input.Frame> = {}): Input.Frame => ({
  _tag: "Frame",
  at,
  tokens: 1,
  text: true,
  usage: null,
  channel: "content",
  finishReason: null,
  ...more
})

/** What the metrics of an engine say that runs one request. */
export const sample = (more: Partial<EngineSample> = {}): EngineSample => ({
  engine: "0",
  heartbeat: "0",
  running: 1,
  waiting: 0,
  deferred: 0,
  kvCacheUsage: 0.1,
  // What a server does not tell contradicts nobody.
  generationTokens: null,
  promptTokens: 0,
  decodeOutputs: 0,
  firstTokens: 0,
  finished: 0,
  preemptions: 0,
  decodeP99Millis: null,
  asleep: false,
  startedAtSeconds: 1000,
  ...more
})

/** A scrape answered at `at` milliseconds, at once unless `askedAt` is given. */
export const scrape = (
  at: number,
  outcome: EngineSample | "refused" | "failed",
  more: Partial<Input.Scrape> = {}
): Input.Scrape => ({
  _tag: "Scrape",
  at,
  askedAt: at,
  outcome,
  openStreams: 0,
  modelServed: true,
  ...more
})

/** Time passes: it is `at` milliseconds. */
export const tick = (at: number): Input.Tick => ({ _tag: "Tick", at })
