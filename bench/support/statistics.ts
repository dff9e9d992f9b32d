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
