/**
 * What an engine says of its own load, for displays: it decides nothing.
 *
 * Everything is of the whole engine, strangers' requests included. `null` is what it does not tell.
 */
import * as Schema from "effect/Schema"
import { type EngineSample, fell, rise } from "../liveness/EngineSample.ts"

const Reading = Schema.NullOr(Schema.Finite)

/** How much an engine has to do. */
export const EngineLoad = Schema.Struct({
  /** Requests that it generates for. */
  running: Reading,
  /** Requests in its queue. */
  waiting: Reading,
  /** 0 to 1. */
  kvCacheUsage: Reading,
  /** Between the last two scrapes. */
  tokensPerSecond: Reading,
  /** Whether it was put to sleep. */
  asleep: Schema.NullOr(Schema.Boolean)
})
export type EngineLoad = typeof EngineLoad.Type

/** One scrape of an engine's metrics. */
export interface Scraped {
  /** When it was answered, in milliseconds of the monotonic clock. */
  readonly atMillis: number
  /** What it said. */
  readonly sample: EngineSample
}

/** The load that a scrape shows; its rate is since the one before, if that is of the same process. */
export const between = (before: Scraped | undefined, { atMillis, sample }: Scraped): EngineLoad => {
  const { asleep, kvCacheUsage, running, waiting } = sample
  const seconds = before === undefined || fell(before.sample, sample) ? 0 : (atMillis - before.atMillis) / 1000
  const tokens = rise(before?.sample.generationTokens, sample.generationTokens)
  return {
    running,
    waiting,
    kvCacheUsage,
    tokensPerSecond: seconds <= 0 || sample.generationTokens === null ? null : Math.round(tokens / seconds * 10) / 10,
    asleep
  }
}
