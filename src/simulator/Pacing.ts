/**
 * When the tokens of one request come: the time to its first token and the gaps between the others, as they are when
 * the request is alone. The scheduler asks for them and makes them longer under load.
 *
 * Law: with coefficient 0 each time is exactly its mean (unless the distribution has a tail or a record); a mean of 0
 * stays 0: with gaps of 0 the whole answer is due together with its first token ("flat out"). All distributions but
 * `Recorded` have the mean they are given; no time is negative; equal seeds give equal times.
 */
import * as Schema from "effect/Schema"
import type { SeededRandom } from "./SeededRandom.ts"

const Millis = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/**
 * How times vary around their mean; c is the jitter coefficient, the standard deviation divided by the mean.
 *
 * - `Constant`: not at all, whatever c.
 * - `Normal`: normal with c, cut at 0 and at twice the mean (on both sides, so that the mean stays).
 * - `LogNormal`: log-normal with c, as measured engines have it. The default.
 * - `ParetoTail`: log-normal, but a share of the times is Pareto distributed: rare and very long. Shape: greater than
 *   1; below 2 the variance is infinite.
 * - `Recorded`: gaps as they were measured, in their order and round and round, from a place that the seed chooses;
 *   likewise the times to the first token, which are log-normal if there is no record of them.
 */
export const LatencyDistribution = Schema.TaggedUnion({
  Constant: {},
  Normal: {},
  LogNormal: {},
  ParetoTail: {
    shape: Schema.Finite.check(Schema.isGreaterThan(1)),
    share: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
  },
  Recorded: {
    gapsMillis: Schema.NonEmptyArray(Millis),
    timesToFirstTokenMillis: Schema.optionalKey(Schema.NonEmptyArray(Millis))
  }
})
export type LatencyDistribution = typeof LatencyDistribution.Type

/** Times of one request, in milliseconds; each call draws the next one. */
export interface Pace {
  readonly timeToFirstToken: () => number
  readonly gap: () => number
}

/** What a pace is made from; both means in milliseconds. */
export interface PacingOptions {
  readonly timeToFirstTokenMillis: number
  readonly interTokenMillis: number
  /** Standard deviation divided by mean. */
  readonly jitterCoefficient: number
  /** Log-normal unless given. */
  readonly latencyDistribution?: LatencyDistribution
}

/** Draws a time with the given mean. */
type Draw = (mean: number) => number

const normal = (coefficient: number, random: SeededRandom): Draw => (mean) =>
  mean * Math.min(2, Math.max(0, 1 + coefficient * random.normal()))

const logNormal = (coefficient: number, random: SeededRandom): Draw => {
  // Moments of the log-normal distribution: sigma^2 = ln(1 + c^2), mu = ln(mean) - sigma^2 / 2.
  const variance = Math.log(1 + coefficient ** 2)
  const sigma = Math.sqrt(variance)
  return (mean) => mean === 0 || sigma === 0 ? mean : mean * Math.exp(sigma * random.normal() - variance / 2)
}

const paretoTail = (body: Draw, shape: number, share: number, random: SeededRandom): Draw => {
  // A Pareto variable that begins at 1 has the mean shape / (shape - 1).
  const scale = 1 / (1 - share + share * shape / (shape - 1))
  return (mean) => {
    if (mean === 0) return 0
    return scale * (random.uniform() < share ? mean / (1 - random.uniform()) ** (1 / shape) : body(mean))
  }
}

const replay = (times: ReadonlyArray<number>, random: SeededRandom) => {
  let next = random.integer(times.length)
  return () => times[next++ % times.length]!
}

/** A pace whose draws come from `random` alone. */
export const make = (options: PacingOptions, random: SeededRandom): Pace => {
  const usual = logNormal(options.jitterCoefficient, random)
  const drawn = (draw: Draw): Pace => ({
    timeToFirstToken: () => draw(options.timeToFirstTokenMillis),
    gap: () => draw(options.interTokenMillis)
  })
  return LatencyDistribution.match(options.latencyDistribution ?? { _tag: "LogNormal" }, {
    Constant: () => drawn((mean) => mean),
    Normal: () => drawn(normal(options.jitterCoefficient, random)),
    LogNormal: () => drawn(usual),
    ParetoTail: ({ shape, share }) => drawn(paretoTail(usual, shape, share, random)),
    Recorded: ({ gapsMillis, timesToFirstTokenMillis }) => ({
      timeToFirstToken: timesToFirstTokenMillis === undefined
        ? drawn(usual).timeToFirstToken
        : replay(timesToFirstTokenMillis, random),
      gap: replay(gapsMillis, random)
    })
  })
}

/** Tokens of each decoding step with `speculativeTokens` drafts: 1 to that number + 1, each equally often. */
export const stepSizes = (speculativeTokens: number, random: SeededRandom): () => number => () =>
  1 + random.integer(speculativeTokens + 1)
