/**
 * How long an engine takes from one arrival of tokens to the next: shapes of gaps, each drawn by chance.
 *
 * A shape is a function of chance to one gap in milliseconds. Each draw is independent of the last one, so a gap can be
 * left out or made smaller without a change in the others, and a counter-example stays readable. Real engines have one
 * quick mode and a few rare gaps a thousand times longer (liveness model, 1.3); `mixed` writes that down.
 *
 * Gotcha: gaps are those between arrivals, not between tokens: several tokens that arrive at once are one arrival.
 */
import { between, logNormal, type Random } from "./Random.ts"

/** One gap in milliseconds, by chance; not negative. */
export type GapShape = (random: Random) => number

/** 30 arrivals per second on the average, or one every `medianMillis`; most lie within a third of it. */
export const steady = (medianMillis = 33): GapShape => (random) => logNormal(random, medianMillis, 0.3)

/** Around a median in milliseconds, with a tail: at the usual 0.65 one of 200 is longer than five times the median. */
export const heavyTailed = (medianMillis: number, sigma = 0.65, mostMillis = Infinity): GapShape => (random) =>
  Math.min(mostMillis, logNormal(random, medianMillis, sigma))

/** Batches of so many arrivals on the average, 5 ms apart, with a pause between two batches. */
export const bursty = (
  { batch = 10, mostMillis = 12_000, leastMillis = 500 }: {
    readonly batch?: number
    readonly leastMillis?: number
    readonly mostMillis?: number
  } = {}
): GapShape =>
(random) => random() < 1 / batch ? between(random, leastMillis, mostMillis) : 5

/** Another shape, and now and then a pause: with `share` 0.01, one gap of 100 lies between the two bounds. */
export const mixed = (
  usual: GapShape,
  pause: { readonly share: number; readonly leastMillis: number; readonly mostMillis: number }
): GapShape =>
(random) => random() < pause.share ? between(random, pause.leastMillis, pause.mostMillis) : usual(random)

/**
 * Steps of an engine that guesses several tokens ahead (MTP, speculative decoding): a step takes longer than one token
 * would, and gives 1 to `most` at once, which are one arrival. With `GapSchedule.tokensPerArrival` of the same `most`.
 */
export const speculative = (stepMillis = 60): GapShape => (random) => logNormal(random, stepMillis, 0.2)
