/**
 * The true share of something that happened `count` times in `trials` independent trials.
 *
 * Wilson's interval (Wilson 1927) is the one to show: its coverage is near what it says on average and it is never empty
 * nor outside 0 and 1 (Brown, Cai, DasGupta 2001). The exact one (Clopper and Pearson 1934) never misses more often than
 * it says, and is wider: the one to promise with ("of 0 in 1000, at most 0.4 %").
 *
 * Both assume that trials are independent. Repetitions of a task are not: see clusteredMean.ts.
 */
import { betaPoint } from "./betaDistribution.ts"
import { type Estimate, type Interval, tailOf } from "./Interval.ts"
import { normalPoint } from "./normalPoint.ts"

/** Wilson's score interval without continuity correction; null without trials. */
export const wilsonInterval = (count: number, trials: number, confidence: number): Estimate | null => {
  if (trials <= 0) return null
  const z = normalPoint(1 - tailOf(confidence))
  const value = count / trials
  const center = (value + z * z / (2 * trials)) / (1 + z * z / trials)
  const half = z / (1 + z * z / trials) * Math.sqrt(value * (1 - value) / trials + z * z / (4 * trials * trials))
  // The ends are exact where nothing, or everything, happened; rounding would put them beside 0 and 1.
  return {
    value,
    low: count <= 0 ? 0 : Math.max(0, center - half),
    high: count >= trials ? 1 : Math.min(1, center + half)
  }
}

/** The exact interval of Clopper and Pearson; null without trials. The count and the trials need not be whole. */
export const exactInterval = (count: number, trials: number, confidence: number): Estimate | null =>
  trials <= 0 ? null : { value: count / trials, ...exactEnds(count, trials, tailOf(confidence)) }

/** A count as good as none: a beta distribution with so small a parameter has no digits left. */
const NONE = 1e-9

const exactEnds = (count: number, trials: number, tail: number): Interval => ({
  low: count <= NONE ? 0 : betaPoint(tail, count, trials - count + 1),
  high: count >= trials - NONE ? 1 : betaPoint(1 - tail, count + 1, trials - count)
})

/**
 * The largest share that is still credible: the exact one-sided upper bound, which the true share exceeds with a chance
 * of at most 1 - confidence (Clopper and Pearson 1934). 1 without trials. 0.0030 for 0 of 1000 at 0.95.
 */
export const exactUpperBound = (count: number, trials: number, confidence: number): number =>
  count >= trials ? 1 : betaPoint(confidence, count + 1, trials - count)
