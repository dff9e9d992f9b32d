/**
 * The report's numbers with their intervals, by the functions of statistics/.
 */
import type { Estimate, IntervalMethod } from "./Estimate.ts"
import { CONFIDENCE } from "./sampled.ts"
import { clusteredMean } from "./statistics/clusteredMean.ts"
import { differenceOf, type Pair, pairedDifference, ratioOf } from "./statistics/difference.ts"
import type { Estimate as Known, Interval } from "./statistics/Interval.ts"
import { wilsonInterval } from "./statistics/proportion.ts"

interface Sampled {
  readonly value: number | null
  readonly n: number
  readonly clusters: number | null
}

/** A number with its interval, or with none. */
export const estimateOf = (
  { clusters, n, value }: Sampled,
  interval: Interval | null,
  method: IntervalMethod
): Estimate => ({
  value,
  lower: interval?.low ?? null,
  upper: interval?.high ?? null,
  level: CONFIDENCE,
  n,
  clusters,
  method: interval === null ? null : method
})

/** The mean of numbers from 0 to 1 in clusters, such as the scores of each task. */
export const clusteredEstimate = (clusters: ReadonlyArray<ReadonlyArray<number>>): Estimate => {
  const found = clusteredMean(clusters, CONFIDENCE)
  return found === null
    ? estimateOf({ value: null, n: 0, clusters: 0 }, null, "clustered")
    : estimateOf({ value: found.value, n: found.count, clusters: found.clusters }, found.interval, "clustered")
}

/** The same of independent numbers: each is a cluster of its own. */
export const independentEstimate = (values: ReadonlyArray<number>): Estimate => ({
  ...clusteredEstimate(values.map((value) => [value])),
  clusters: null
})

/** How often something came in independent trials. */
export const proportionEstimate = (count: number, trials: number): Estimate => {
  const found = wilsonInterval(count, trials, CONFIDENCE)
  return estimateOf({ value: found?.value ?? null, n: trials, clusters: null }, found, "wilson")
}

/** The second less the first, of two that are taken as independent; where they go up and down together it is too wide. */
export const differenceEstimate = (first: Estimate, second: Estimate): Estimate => combined(first, second, differenceOf)

/** The second by the first, likewise; without an interval where one reaches down to 0. */
export const ratioEstimate = (first: Estimate, second: Estimate): Estimate => {
  const ratio = combined(first, second, ratioOf)
  return { ...ratio, value: first.value && second.value !== null ? second.value / first.value : null }
}

const combined = (
  first: Estimate,
  second: Estimate,
  combine: (first: Known, second: Known) => Known | null
): Estimate => {
  const [one, other] = [knownOf(first), knownOf(second)]
  const found = one === null || other === null ? null : combine(one, other)
  const clusters = first.clusters === null || second.clusters === null
    ? null
    : Math.min(first.clusters, second.clusters)
  const value = first.value === null || second.value === null ? null : second.value - first.value
  return estimateOf({ value: found?.value ?? value, n: first.n + second.n, clusters }, found, "mover")
}

const knownOf = ({ lower, upper, value }: Estimate): Known | null =>
  value === null || lower === null || upper === null ? null : { value, low: lower, high: upper }

/** The mean over tasks of by how much their mean scores differ, second less first. */
export const pairedEstimate = (pairs: ReadonlyArray<Pair>): Estimate => {
  const found = pairedDifference(pairs, CONFIDENCE)
  const value = pairs.length === 0
    ? null
    : pairs.reduce((sum, [first, second]) => sum + second - first, 0) / pairs.length
  return estimateOf({ value, n: pairs.length, clusters: pairs.length }, found, "paired")
}
