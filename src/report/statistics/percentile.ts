/**
 * A percentile that says how well it is known: the nearest rank, and two order statistics that bound it.
 *
 * Of n independent observations of anything, the number that lie below the true percentile is binomial. So the chance
 * that the true one lies between the L-th and the U-th smallest is known without knowing the distribution (Thompson 1936,
 * Scheffe and Tukey 1945; Conover 1999, section 3.2). L is the largest rank, and U the smallest, that miss it with a
 * chance of at most half of what the confidence leaves. For discrete numbers, such as times in tenths of a millisecond,
 * the chance is at least that.
 *
 * Where one of the two would lie outside the sample nothing is shown: the "99th percentile" of 40 runs is their
 * maximum, of which nobody knows how far it may be from the truth. It takes 6 observations for the median, 36 for the
 * 90th, 72 for the 95th and 368 for the 99th percentile at 0.95.
 *
 * Gotcha: gaps between tokens of one answer are not independent of each other. For those see clusteredPercentile.ts.
 */
import { nearestRank } from "../../campaign/nearestRank.ts"
import { binomialAtMost } from "./binomialDistribution.ts"
import { type Estimate, tailOf } from "./Interval.ts"

/** Which observations, counted from 1 for the smallest, are the percentile and its two bounds. */
export interface PercentileRanks {
  readonly rank: number
  readonly low: number
  readonly high: number
}

interface Counted {
  readonly count: number
  /** The least observations that give bounds. */
  readonly needed: number
}

export type Percentile =
  | { readonly _tag: "Known" } & Estimate & Counted
  /** Fewer observations than needed. */
  | { readonly _tag: "TooFew" } & Counted

/**
 * The least number of independent observations that bound the percentile of this share, 0 < share < 1, on both sides.
 *
 * The n from which neither the largest nor the smallest observation lies on the wrong side of it with more than half of
 * the chance that the confidence leaves: max(share, 1 - share)^n <= (1 - confidence) / 2.
 */
export const samplesNeeded = (share: number, confidence: number): number => {
  const rarest = Math.max(share, 1 - share)
  const needed = Math.max(1, Math.floor(Math.log(tailOf(confidence)) / Math.log(rarest)))
  // The quotient of logarithms is a rounding away from a whole number at worst.
  return rarest ** needed <= tailOf(confidence) ? needed : needed + 1
}

/** The ranks for `count` observations; null where there are fewer than needed. For data that is only counted. */
export const percentileRanks = (count: number, share: number, confidence: number): PercentileRanks | null => {
  if (count < samplesNeeded(share, confidence)) return null
  const tail = tailOf(confidence)
  const rank = nearestRank(count, share)
  const low = leastCount(count, (below) => binomialAtMost(below, count, share) > tail)
  const high = leastCount(count, (below) => binomialAtMost(below, count, share) >= 1 - tail) + 1
  // Rounding may not push a bound out of the sample, nor a low confidence one past the percentile itself.
  return { rank, low: Math.min(rank, Math.max(1, low)), high: Math.max(rank, Math.min(count, high)) }
}

/** The least number from 0 to `count` for which it holds, where it holds for `count` and all above the first. */
const leastCount = (count: number, holds: (below: number) => boolean): number => {
  let low = -1
  let high = count
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (holds(middle)) high = middle
    else low = middle
  }
  return high
}

/** The percentile of this share, 0 < share < 1, of observations in any order. */
export const percentileOf = (observations: ReadonlyArray<number>, share: number, confidence: number): Percentile =>
  percentileOfSorted(Float64Array.from(observations).toSorted(), share, confidence)

/** The same of observations that already stand in ascending order. */
export const percentileOfSorted = (
  sorted: ArrayLike<number>,
  share: number,
  confidence: number
): Percentile => {
  const counted = { count: sorted.length, needed: samplesNeeded(share, confidence) }
  const ranks = percentileRanks(sorted.length, share, confidence)
  return ranks === null
    ? { _tag: "TooFew", ...counted }
    : {
      _tag: "Known",
      value: sorted[ranks.rank - 1]!,
      low: sorted[ranks.low - 1]!,
      high: sorted[ranks.high - 1]!,
      ...counted
    }
}
