/**
 * Distributions of independent samples, one an attempt, and the one confidence that all figures of a report have.
 */
import type { Distribution, Percentile } from "./LatencyReport.ts"
import { LogBins } from "./LogBins.ts"
import { percentileOfSorted } from "./statistics/percentile.ts"

/** Of every interval in a report. */
export const CONFIDENCE = 0.95

/** Of the percentiles that are told. */
export const shares: ReadonlyArray<number> = [0.5, 0.9, 0.95, 0.99]

/** What is known of samples in any order; `leftOut` says what gave none. */
export const distributionOf = (
  { leftOut, query, unit }: Pick<Distribution, "leftOut" | "query" | "unit">,
  samples: ReadonlyArray<number>
): Distribution => {
  const sorted = Float64Array.from(samples).toSorted()
  const bins = new LogBins()
  let sum = 0
  for (const sample of sorted) {
    sum += sample
    bins.add(sample)
  }
  return {
    query,
    unit,
    n: sorted.length,
    clusters: null,
    mean: sorted.length === 0 ? null : sum / sorted.length,
    least: sorted[0] ?? null,
    most: sorted.at(-1) ?? null,
    percentiles: shares.map((share): Percentile => {
      const found = percentileOfSorted(sorted, share, CONFIDENCE)
      const known = found._tag === "Known" ? found : { value: null, low: null, high: null }
      return {
        share,
        value: known.value,
        lower: known.low,
        upper: known.high,
        level: CONFIDENCE,
        needed: found.needed,
        method: "order-statistics"
      }
    }),
    bins: bins.bins,
    leftOut: leftOut.filter(({ attempts }) => attempts > 0)
  }
}
