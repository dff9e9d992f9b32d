/**
 * When the tokens of one request come: the time to its first token and the gaps between the others.
 *
 * Law: with coefficient 0 each time is exactly its mean; otherwise the times are log-normal (never negative, with a
 * longer tail to the right, as measured engines have) with that mean and a standard deviation of coefficient x mean.
 * A mean of 0 stays 0: with gaps of 0 the whole answer is due together with its first token ("flat out").
 *
 * The full engine model will replace this by the duration of a scheduler step; only EngineLoop.ts asks it.
 */
import type { SeededRandom } from "./SeededRandom.ts"

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
}

/** A pace whose draws come from `random` alone. */
export const make = (options: PacingOptions, random: SeededRandom): Pace => {
  // Moments of the log-normal distribution: sigma^2 = ln(1 + c^2), mu = ln(mean) - sigma^2 / 2.
  const variance = Math.log(1 + options.jitterCoefficient ** 2)
  const sigma = Math.sqrt(variance)
  const draw = (mean: number) =>
    mean === 0 || sigma === 0 ? mean : mean * Math.exp(sigma * random.normal() - variance / 2)
  return {
    timeToFirstToken: () => draw(options.timeToFirstTokenMillis),
    gap: () => draw(options.interTokenMillis)
  }
}

/** Tokens of each decoding step with `speculativeTokens` drafts: 1 to that number + 1, each equally often. */
export const stepSizes = (speculativeTokens: number, random: SeededRandom): () => number => () =>
  1 + random.integer(speculativeTokens + 1)
