// Seeds and sequences: reproducible, apart from each other, and of the distribution they claim.
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as SeededRandom from "../../src/simulator/SeededRandom.ts"
import { seedOf } from "../../src/simulator/SeededRandom.ts"

const draws = (seed: number, count: number) => {
  const random = SeededRandom.make(seed)
  return Array.from({ length: count }, random.uniform)
}

describe("SeededRandom", () => {
  it("keeps the parts of a seed apart", () => {
    assert.strictEqual(seedOf("ab", "c"), seedOf("ab", "c"))
    assert.notStrictEqual(seedOf("ab", "c"), seedOf("a", "bc"))
    assert.notStrictEqual(seedOf("a"), seedOf("a", ""))
    assert.notStrictEqual(seedOf(1, 23), seedOf(12, 3))
  })

  it("gives the same sequence for the same seed, within [0, 1)", () => {
    assert.deepStrictEqual(draws(7, 100), draws(7, 100))
    assert.notDeepEqual(draws(7, 100), draws(8, 100))
    assert.isTrue(draws(9, 10_000).every((value) => value >= 0 && value < 1))
  })

  it("draws normal numbers with mean 0 and deviation 1", () => {
    const random = SeededRandom.make(1)
    const values = Array.from({ length: 20_000 }, random.normal)
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
    assert.closeTo(mean, 0, 0.03)
    assert.closeTo(variance, 1, 0.05)
  })

  it.prop("permutes", [Schema.Int, Schema.Literals([0, 1, 2, 3, 8, 50])], ([seed, length]) => {
    const order = SeededRandom.permutation(length, seed)
    assert.deepStrictEqual(order, SeededRandom.permutation(length, seed))
    assert.deepStrictEqual(order.toSorted((a, b) => a - b), Array.from({ length }, (_, index) => index))
  })
})
