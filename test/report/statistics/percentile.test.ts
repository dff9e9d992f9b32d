/**
 * Percentiles and their distribution-free bounds, against the ranks that are published for them and against the
 * definition, summed over all binomial terms.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { nearestRank } from "../../../src/campaign/nearestRank.ts"
import {
  percentileOf,
  percentileOfSorted,
  percentileRanks,
  samplesNeeded
} from "../../../src/report/statistics/percentile.ts"

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

/** P(X <= count) for every count, by the recurrence of its terms, in logarithms as the first may be too small. */
const cumulated = (trials: number, chance: number): ReadonlyArray<number> => {
  let term = trials * Math.log1p(-chance)
  let sum = 0
  return [0, ...upTo(trials)].map((count) => {
    if (count > 0) term += Math.log((trials - count + 1) / count * chance / (1 - chance))
    return sum += Math.exp(term)
  })
}

describe("percentileRanks", () => {
  it("are the ranks of tables for the median at 0.95", () => {
    // Nonparametric interval of a median, for example Altman and others, "Statistics with Confidence" (2000), table 18.4.
    const table = new Map([[6, [1, 6]], [9, [2, 8]], [10, [2, 9]], [15, [4, 12]], [20, [6, 15]], [30, [10, 21]], [
      50,
      [18, 33]
    ], [100, [40, 61]]])
    for (const [count, [low, high]] of table) {
      const ranks = percentileRanks(count, 0.5, 0.95)!
      assert.deepStrictEqual([ranks.low, ranks.high], [low, high], `n = ${count}`)
    }
  })

  it("exist from 6 observations for the median, 36, 72 and 368 for the 90th, 95th and 99th percentile", () => {
    for (const [share, needed] of [[0.5, 6], [0.9, 36], [0.95, 72], [0.99, 368], [0.1, 36], [0.999, 3688]] as const) {
      assert.strictEqual(samplesNeeded(share, 0.95), needed)
      assert.isNull(percentileRanks(needed - 1, share, 0.95))
      const { high, low } = percentileRanks(needed, share, 0.95)!
      assert.isTrue(share < 0.5 ? low === 1 : high === needed)
    }
    // A chance that is exactly what may be missed: 0.5^2 = 0.25.
    assert.strictEqual(samplesNeeded(0.5, 0.5), 2)
    assert.deepStrictEqual(percentileRanks(2, 0.5, 0.5), { rank: 1, low: 1, high: 2 })
  })

  it("can be found for millions of observations", () => {
    const { high, low, rank } = percentileRanks(2_000_000, 0.99, 0.95)!
    // Nearly normal: 1.96 * sqrt(n p (1 - p)) = 275.8
    assert.strictEqual(rank, 1_980_000)
    assert.approximately(rank - low, 276, 2)
    assert.approximately(high - rank, 276, 2)
  })

  it.prop("miss the true percentile on neither side more often than they may, and could not be closer", [
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 300 })),
    Schema.Finite.check(Schema.isBetween({ minimum: 0.02, maximum: 0.98 })),
    Schema.Literals([0.8, 0.9, 0.95, 0.99])
  ], ([count, share, confidence]) => {
    const tail = (1 - confidence) / 2
    const atMost = cumulated(count, share)
    const ranks = percentileRanks(count, share, confidence)
    const boundable = (1 - share) ** count <= tail && share ** count <= tail
    assert.strictEqual(ranks !== null, boundable)
    if (ranks === null) return
    const { high, low, rank } = ranks
    assert.isTrue(1 <= low && low <= rank && rank <= high && high <= count)
    // The true percentile lies below the L-th smallest if fewer than L are below it, and so on.
    assert.isAtMost(atMost[low - 1]!, tail + 1e-9)
    assert.isAtLeast(atMost[high - 1]!, 1 - tail - 1e-9)
    if (low < rank) assert.isAbove(atMost[low]!, tail - 1e-9)
    if (high > rank) assert.isBelow(atMost[high - 2]!, 1 - tail + 1e-9)
  }, { arbitrary: { runs: 500 } })
})

describe("percentileOf", () => {
  it("is the nearest rank, in whatever order the observations come", () => {
    assert.deepStrictEqual(percentileOf(upTo(100).toReversed(), 0.5, 0.95), {
      _tag: "Known",
      value: 50,
      low: 40,
      high: 61,
      count: 100,
      needed: 6
    })
    assert.deepStrictEqual(percentileOfSorted([1, 1, 2, 9, 9, 9, 9], 0.5, 0.95), {
      _tag: "Known",
      value: 9,
      low: 1,
      high: 9,
      count: 7,
      needed: 6
    })
    assert.deepStrictEqual([0, 0.05, 0.07, 0.95, 1].map((share) => nearestRank(100, share)), [1, 5, 7, 95, 100])
  })

  it("is not shown where the sample cannot bound it", () => {
    assert.deepStrictEqual(percentileOf(upTo(40), 0.99, 0.95), { _tag: "TooFew", count: 40, needed: 368 })
    assert.deepStrictEqual(percentileOf([], 0.5, 0.95), { _tag: "TooFew", count: 0, needed: 6 })
  })
})
