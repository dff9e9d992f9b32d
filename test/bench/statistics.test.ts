/** The statistics of the benches against values known from elsewhere. */
import { assert, describe, it } from "@effect/vitest"
import { median, quantile } from "../../bench/support/statistics.ts"

describe("quantile and median", () => {
  it("take the nearest rank, and the middle", () => {
    const values = Array.from({ length: 20 }, (_, index) => 20 - index)
    assert.deepStrictEqual([0, 0.05, 0.5, 0.95, 1].map((part) => quantile(values, part)), [1, 1, 10, 19, 20])
    assert.isNaN(quantile([], 0.5))
    assert.strictEqual(median(values), 10.5)
    assert.strictEqual(median([3, 1, 2]), 2)
  })
})
