/**
 * By how much two estimates differ, from what is known of each.
 *
 * The interval is put together from the intervals of both, so that it keeps what they are good at: it is not symmetric
 * where they are not, and not empty where nothing varied (Zou and Donner 2008, called MOVER; Newcombe 1998, method 10, is
 * this with Wilson's intervals). Ratios are differences of logarithms.
 *
 * With `correlation` 0 the two are taken to be independent, which is cautious where they go up and down together.
 */
import { clusteredMean } from "./clusteredMean.ts"
import type { Estimate } from "./Interval.ts"
import { wilsonInterval } from "./proportion.ts"

/** `second` less `first`, with the confidence that both have. */
export const differenceOf = (first: Estimate, second: Estimate, correlation = 0): Estimate => {
  const value = second.value - first.value
  const reach = (down: number, up: number) =>
    Math.sqrt(Math.max(0, down * down + up * up - 2 * correlation * down * up))
  return {
    value,
    low: value - reach(second.value - second.low, first.high - first.value),
    high: value + reach(second.high - second.value, first.value - first.low)
  }
}

/** `second` by `first`; null unless all of both, but for what is beyond an upper bound, lies above 0. */
export const ratioOf = (first: Estimate, second: Estimate, correlation = 0): Estimate | null => {
  if (!(first.low > 0 && second.low > 0)) return null
  const { high, low, value } = differenceOf(logarithmOf(first), logarithmOf(second), correlation)
  return { value: Math.exp(value), low: Math.exp(low), high: Math.exp(high) }
}

const logarithmOf = ({ high, low, value }: Estimate): Estimate => ({
  value: Math.log(value),
  low: Math.log(low),
  high: Math.log(high)
})

/** How often something happened. */
export interface Frequency {
  readonly count: number
  readonly trials: number
}

/** The difference of two shares of independent trials (Newcombe 1998, method 10); null where one has no trials. */
export const proportionDifference = (first: Frequency, second: Frequency, confidence: number): Estimate | null => {
  const of = ({ count, trials }: Frequency) => wilsonInterval(count, trials, confidence)
  const [one, other] = [of(first), of(second)]
  return one === null || other === null ? null : differenceOf(one, other)
}

/** The mean scores of one task, from 0 to 1, in the first and in the second of two campaigns. */
export type Pair = readonly [first: number, second: number]

/**
 * The mean over tasks of by how much their mean scores differ, second less first; null for fewer than two tasks.
 *
 * Tasks differ more among themselves than campaigns do. What both campaigns find hard cancels out by the correlation of
 * their tasks; where one of them has the same score for all tasks there is none, and it counts as 0. Intervals of both
 * means are those of clusteredMean.ts, for the reason given there: with 10 tasks, a score of 0.8 and one repetition the
 * paired t interval missed a true difference of 0.04 in 33 of 100 simulated comparisons, this one in 1.
 */
export const pairedDifference = (pairs: ReadonlyArray<Pair>, confidence: number): Estimate | null => {
  const estimateOf = (side: 0 | 1): Estimate | null => {
    const mean = clusteredMean(pairs.map((pair) => [pair[side]]), confidence)
    return mean?.interval ? { value: mean.value, ...mean.interval } : null
  }
  const [first, second] = [estimateOf(0), estimateOf(1)]
  if (first === null || second === null) return null
  return differenceOf(first, second, correlationOf(pairs, first.value, second.value))
}

/** Pearson's; 0 where one side does not vary. */
const correlationOf = (pairs: ReadonlyArray<Pair>, first: number, second: number): number => {
  let together = 0
  let alone = 0
  let other = 0
  for (const pair of pairs) {
    together += (pair[0] - first) * (pair[1] - second)
    alone += (pair[0] - first) ** 2
    other += (pair[1] - second) ** 2
  }
  const scale = Math.sqrt(alone * other)
  return scale > 0 ? Math.max(-1, Math.min(1, together / scale)) : 0
}
