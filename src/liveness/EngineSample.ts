/**
 * What one scrape says of one engine: the counters and gauges of one `engine` label that decide anything.
 *
 * Laws: `null` means that the server does not tell; nothing is ever concluded from it. `heartbeat` is a digest of every
 * series that only the engine core moves; two samples with the same digest show that nothing moved between them.
 *
 * Gotchas: gauges are written when a step's output arrives, so on a hang they freeze at any value; only their change
 * proves life. `firstTokens` and `decodeOutputs` count once more for each request that the engine itself aborts.
 * `preemptions` counts a preemption only with the next output of the request that was preempted.
 */
import * as Schema from "effect/Schema"

const Reading = Schema.NullOr(Schema.Finite)

/** What one scrape of an engine's metrics says; counters are since its process began. */
export const EngineSample = Schema.Struct({
  /** The `engine` label: the data-parallel rank. */
  engine: Schema.String,
  /** A digest of every series that only the engine core moves. */
  heartbeat: Schema.String,
  /** Requests that it generates for. */
  running: Reading,
  /** All waiting requests, those in `deferred` among them. */
  waiting: Reading,
  /** Waiting for a transfer or an adapter, not for room. */
  deferred: Reading,
  /** 0 to 1. */
  kvCacheUsage: Reading,
  /** Tokens generated. */
  generationTokens: Reading,
  /** Tokens of prompts computed. */
  promptTokens: Reading,
  /** Outputs after the first token of a request: the heartbeat of decoding. */
  decodeOutputs: Reading,
  /** First tokens of requests. */
  firstTokens: Reading,
  /** Requests that ended in the engine, for whatever reason but a client that went away. */
  finished: Reading,
  /** Requests put back into the queue for want of room. */
  preemptions: Reading,
  /** 99 % of the engine's gaps between tokens are shorter, in milliseconds, as exactly as its histogram tells. */
  decodeP99Millis: Reading,
  /** Asleep or paused. A pause does not show in the metrics: who knows of one sets this. */
  asleep: Schema.NullOr(Schema.Boolean),
  /** When the server process began, in seconds of its own wall clock. */
  startedAtSeconds: Reading
})
export type EngineSample = typeof EngineSample.Type

/** The counters that never fall in the life of one process. */
export const counters = [
  "generationTokens",
  "promptTokens",
  "decodeOutputs",
  "firstTokens",
  "finished",
  "preemptions"
] as const satisfies ReadonlyArray<keyof EngineSample>

/** How much a reading rose from one sample to the next; 0 where either is unknown or it fell. */
export const rise = (before: number | null | undefined, after: number | null | undefined): number =>
  typeof before === "number" && typeof after === "number" ? Math.max(0, after - before) : 0

/** Whether any counter fell. */
export const fell = (before: EngineSample, after: EngineSample): boolean =>
  counters.some((counter) => rise(after[counter], before[counter]) > 0)

/** How many requests the engine says it holds; `undefined` where it does not say. */
export const held = (sample: EngineSample): number | undefined =>
  sample.running === null || sample.waiting === null ? undefined : sample.running + sample.waiting

/** All that it holds waits for something outside of it, so it has nothing to move. */
export const onlyDeferred = ({ deferred, running, waiting }: EngineSample): boolean =>
  running === 0 && deferred !== null && deferred > 0 && deferred === waiting
