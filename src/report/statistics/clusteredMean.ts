/**
 * The mean of scores between 0 and 1 where those of one task are alike: how far it may be off for other tasks like these.
 *
 * Ten repetitions of a task that an agent cannot solve say little more than one. So the tasks are what was sampled, and
 * the variance is that of a ratio of sums over them (Cochran 1977, section 3.4; what Miller 2024, "Adding Error Bars to
 * Evals", calls clustered errors). It gives the number of independent passes and failures that would tell as much, fewer
 * where there are few tasks, and for so many the exact interval of a proportion is taken (Korn and Graubard 1998). It
 * holds for scores between as well: with the same mean they vary less than passes and failures, which makes the number
 * larger.
 *
 * Why not the usual t interval, or a bootstrap of tasks: with 10 tasks and a score of 0.95 both miss the truth in 34 of
 * 100 campaigns instead of 5, and of tasks that all passed they say "1, surely". This one missed in 0 to 6 in the same
 * simulation, with 5 to 150 tasks and scores of 0.5 to 0.95 (test/report/statistics/clusteredMean.test.ts). Of scores in
 * between that are nearly all 1 it misses more often, up to 19 of 100 with 5 tasks: that a rare low one never came is
 * something that no interval can see.
 *
 * Assumes tasks that are independent of each other. What it says is of tasks like these; of exactly these it is cautious.
 */
import { type Interval, tailOf } from "./Interval.ts"
import { normalPoint } from "./normalPoint.ts"
import { exactInterval } from "./proportion.ts"
import { studentPoint } from "./studentPoint.ts"

export interface ClusteredMean {
  /** Over all scores, each the same weight. */
  readonly value: number
  /** Null with a single task, which says nothing of others. */
  readonly interval: Interval | null
  readonly count: number
  /** Tasks with at least one score. */
  readonly clusters: number
  /** How many independent scores would tell as much; null where there is no interval. */
  readonly effective: number | null
}

/** Of the scores of each task, all from 0 to 1; null where there is none. */
export const clusteredMean = (
  scores: ReadonlyArray<ReadonlyArray<number>>,
  confidence: number
): ClusteredMean | null => {
  const clusters = scores.filter(({ length }) => length > 0)
  const all = clusters.flat()
  const count = all.length
  if (count === 0) return null
  const value = sumOf(all) / count
  const known = { value, count, clusters: clusters.length }
  if (clusters.length === 1) return { ...known, interval: null, effective: null }
  const ofTasks = sumOf(clusters.map((cluster) => sumOf(cluster.map((score) => score - value)) ** 2))
  const between = clusters.length / (clusters.length - 1) * ofTasks / count ** 2
  // Chance can make tasks look more alike than scores within them are; no task says more than its scores would alone.
  const within = sumOf(all.map((score) => (score - value) ** 2)) / (count * (count - 1))
  const effective = effectiveCount(value, Math.max(between, within), clusters.length, confidence)
  const { high, low } = exactInterval(value * effective, effective, confidence)!
  return { ...known, interval: { low, high }, effective }
}

/** Far below any share or variance that means anything, and above what rounding leaves of none. */
const NEGLIGIBLE = 1e-12

/**
 * How many independent trials would know a share as well as this variance of it says, which was estimated from so many
 * clusters (Korn and Graubard 1998, with their correction for few clusters).
 *
 * Where nothing varied that is not known, and every cluster counts as one trial.
 */
export const effectiveCount = (share: number, variance: number, clusters: number, confidence: number): number => {
  if (share <= NEGLIGIBLE || share >= 1 - NEGLIGIBLE || variance <= NEGLIGIBLE * share * (1 - share)) return clusters
  const quantile = 1 - tailOf(confidence)
  return share * (1 - share) / variance * (normalPoint(quantile) / studentPoint(quantile, clusters - 1)) ** 2
}

const sumOf = (numbers: ReadonlyArray<number>): number => numbers.reduce((sum, number) => sum + number, 0)
