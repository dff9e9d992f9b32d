/**
 * Intervals of proportions against the literature: Newcombe, "Two-sided confidence intervals for the single proportion",
 * Statistics in Medicine 17 (1998), table I; and against statsmodels 0.15.0, proportion_confint (wilson, beta).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { Estimate } from "../../../src/report/statistics/Interval.ts"
import { exactInterval, exactUpperBound, wilsonInterval } from "../../../src/report/statistics/proportion.ts"

const ends = (estimate: Estimate | null) => [estimate!.low, estimate!.high]
const farthest = (actual: ReadonlyArray<number>, expected: ReadonlyArray<number>) =>
  Math.max(...actual.map((end, index) => Math.abs(end - expected[index]!)))

describe("the intervals of a proportion", () => {
  it("are those of Newcombe's table", () => {
    for (
      const [count, trials, wilson, exact] of [
        [81, 263, [0.2553, 0.3662], [0.2527, 0.3676]],
        [15, 148, [0.0624, 0.1605], [0.0578, 0.1617]],
        [0, 20, [0, 0.1611], [0, 0.1684]],
        [1, 29, [0.0061, 0.1718], [0.0009, 0.1776]]
      ] as const
    ) {
      assert.isBelow(farthest(ends(wilsonInterval(count, trials, 0.95)), wilson), 5.1e-5)
      assert.isBelow(farthest(ends(exactInterval(count, trials, 0.95)), exact), 5.1e-5)
    }
  })

  it("are those of statsmodels", () => {
    for (
      const [count, trials, wilson, exact] of [
        [1, 10, [0.017876213095072924, 0.40415002679523854], [0.0025285785444617848, 0.4450161170281953]],
        [10, 10, [0.7224672001371106, 1], [0.6915028921812392, 1]],
        [29, 29, [0.8830302015002592, 1], [0.8805551309304973, 1]],
        [500, 10_000, [0.04589848269058477, 0.05444711584302416], [0.04580994219877059, 0.05445452702835887]]
      ] as const
    ) {
      assert.isBelow(farthest(ends(wilsonInterval(count, trials, 0.95)), wilson), 1e-12)
      assert.isBelow(farthest(ends(exactInterval(count, trials, 0.95)), exact), 1e-10)
    }
  })

  it("say nothing without trials", () => {
    assert.isNull(wilsonInterval(0, 0, 0.95))
    assert.isNull(exactInterval(0, 0, 0.95))
  })

  it.prop("hold the share, widen with confidence, grow with the count, and are mirrored", [
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 500 })),
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 499 }))
  ], ([trials, drawn]) => {
    const count = drawn % trials
    for (const intervalOf of [wilsonInterval, exactInterval]) {
      const { high, low, value } = intervalOf(count, trials, 0.95)!
      assert.isTrue(0 <= low && low <= value && value <= high && high <= 1)
      const wider = intervalOf(count, trials, 0.99)!
      assert.isTrue(wider.low <= low && high <= wider.high && wider.high - wider.low > high - low)
      const next = intervalOf(count + 1, trials, 0.95)!
      assert.isTrue(next.low > low - 1e-12 && next.high > high - 1e-12)
      const mirrored = intervalOf(trials - count, trials, 0.95)!
      assert.approximately(mirrored.low, 1 - high, 1e-12)
      assert.approximately(mirrored.high, 1 - low, 1e-12)
    }
    const exact = exactInterval(count, trials, 0.95)!
    assert.approximately(exactUpperBound(count, trials, 0.975), exact.high, 1e-12)
  })
})

describe("exactUpperBound", () => {
  it("is 1 - (1 - confidence)^(1/n) where nothing happened: the rule of three", () => {
    for (const runs of [1, 10, 59, 1000, 12_000]) {
      assert.approximately(exactUpperBound(0, runs, 0.95), 1 - 0.05 ** (1 / runs), 1e-12)
    }
    assert.approximately(exactUpperBound(0, 1000, 0.95), 0.002991, 1e-6)
  })

  it("is what tables of Clopper and Pearson say", () => {
    // The upper ends of two-sided 95 % intervals are one-sided bounds of 97.5 %.
    assert.approximately(exactUpperBound(1, 10, 0.975), 0.44502, 1e-5)
    assert.approximately(exactUpperBound(5, 10, 0.975), 0.81291, 1e-5)
    assert.approximately(exactUpperBound(10, 100, 0.975), 0.17622, 1e-5)
    // 3 of 1000: the quantile of chi-squared with 8 degrees of freedom, 15.507 / 2 / 1000, nearly.
    assert.approximately(exactUpperBound(3, 1000, 0.95), 0.00773, 2e-5)
  })

  it("is 1 where it happened every time, and does not fail where it nearly did in many runs", () => {
    assert.strictEqual(exactUpperBound(1000, 1000, 0.95), 1)
    assert.strictEqual(exactUpperBound(0, 0, 0.95), 1)
    // By symmetry: the lower bound of one failure.
    assert.approximately(exactUpperBound(999, 1000, 0.95), 0.95 ** (1 / 1000), 1e-9)
    assert.isBelow(exactUpperBound(5000, 10_000, 0.95), 0.51)
  })
})
