/**
 * The few statistics that benches need: pure.
 */

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The sum over the number of values; NaN of nothing. */
export const mean = (values: ReadonlyArray<number>): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** The smallest value that at least this part (0 to 1) of all values does not exceed; NaN of nothing. */
export const quantile = (values: ReadonlyArray<number>, part: number): number => quantiles(values, [part])[0]!

/** The same for several parts. */
export const quantiles = (
  values: ReadonlyArray<number>,
  parts: ReadonlyArray<number>
): ReadonlyArray<number> => {
  const sorted = values.toSorted((left, right) => left - right)
  return parts.map((part) => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? NaN)
}

/**
 * The largest probability of an event that is still credible when it came `count` times in `runs`: the exact one-sided
 * upper confidence bound (Clopper and Pearson, 1934), the p for which P(X <= count) = 1 - confidence, X binomial.
 */
export const upperBound = (count: number, runs: number, confidence: number): number => {
  if (count >= runs) return 1
  let low = count / runs
  let high = 1
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2
    if (atMost(count, runs, middle) > 1 - confidence) low = middle
    else high = middle
  }
  return high
}

/** P(X <= count) for X binomial over `runs`, with 0 < probability < 1. */
const atMost = (count: number, runs: number, probability: number): number => {
  const odds = Math.log(probability) - Math.log1p(-probability)
  let log = runs * Math.log1p(-probability)
  let sum = Math.exp(log)
  for (let events = 1; events <= count; events++) {
    log += Math.log((runs - events + 1) / events) + odds
    sum += Math.exp(log)
  }
  return sum
}
