/** The statistics of the benches against values known from elsewhere. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { median, quantile, upperBound } from "../../bench/support/statistics.ts"

describe("upperBound", () => {
  it("is 1 - (1 - confidence)^(1/n) where nothing happened: the rule of three", () => {
    for (const runs of [1, 10, 59, 1000, 12_000]) {
      assert.approximately(upperBound(0, runs, 0.95), 1 - 0.05 ** (1 / runs), 1e-12)
    }
    assert.approximately(upperBound(0, 1000, 0.95), 0.002991, 1e-6)
  })

  it("is what tables of Clopper and Pearson say", () => {
    // The upper ends of two-sided 95 % intervals are one-sided bounds of 97.5 %.
    assert.approximately(upperBound(1, 10, 0.975), 0.44502, 1e-5)
    assert.approximately(upperBound(5, 10, 0.975), 0.81291, 1e-5)
    assert.approximately(upperBound(10, 100, 0.975), 0.17622, 1e-5)
    // 3 of 1000: the quantile of chi-squared with 8 degrees of freedom, 15.507 / 2 / 1000, nearly.
    assert.approximately(upperBound(3, 1000, 0.95), 0.00773, 2e-5)
  })

  it("is 1 where it happened every time, and does not fail where it nearly did in many runs", () => {
    assert.strictEqual(upperBound(1000, 1000, 0.95), 1)
    // By symmetry: the lower bound of one failure.
    assert.approximately(upperBound(999, 1000, 0.95), 0.95 ** (1 / 1000), 1e-9)
    assert.isBelow(upperBound(5000, 10_000, 0.95), 0.51)
  })

  it.prop("is above the share seen, and grows with the count", [
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 400 })),
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 399 }))
  ], ([runs, drawn]) => {
    const count = drawn % runs
    const bound = upperBound(count, runs, 0.95)
    assert.isAbove(bound, count / runs)
    assert.isAtMost(bound, upperBound(count + 1, runs, 0.95))
  })
})

describe("quantile and median", () => {
  it("take the nearest rank, and the middle", () => {
    const values = Array.from({ length: 20 }, (_, index) => 20 - index)
    assert.deepStrictEqual([0, 0.05, 0.5, 0.95, 1].map((part) => quantile(values, part)), [1, 1, 10, 19, 20])
    assert.isNaN(quantile([], 0.5))
    assert.strictEqual(median(values), 10.5)
    assert.strictEqual(median([3, 1, 2]), 2)
  })
})
