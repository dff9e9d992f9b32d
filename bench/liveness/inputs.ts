/**
 * Short ways to write down what the liveness reducer is told. For benches and tests.
 */
import type { EngineSample } from "../../src/liveness/EngineSample.ts"
import type * as Input from "../../src/liveness/LivenessInput.ts"

export const opened = (more: Partial<Input.Opened> = {}): Input.Opened => ({
  _tag: "Opened",
  at: 0,
  run: { hop: "engine", attempt: 1, endpoint: "http://engine/v1", model: "m" },
  ...more
})

/** The server takes the request, as vLLM does at once. */
export const headers = { _tag: "Headers", at: 0 } as const

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

export const tick = (at: number): Input.Tick => ({ _tag: "Tick", at })
