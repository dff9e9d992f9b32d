/**
 * Differences and ratios against Newcombe, "Interval estimation for the difference between independent proportions",
 * Statistics in Medicine 17 (1998), table II, method 10 (the same from statsmodels 0.15.0, confint_proportions_2indep with
 * method "newcomb"), and against simulated pairs of campaigns.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import {
  differenceOf,
  type Pair,
  pairedDifference,
  proportionDifference,
  ratioOf
} from "../../../src/report/statistics/difference.ts"
import { make } from "../../../src/simulator/SeededRandom.ts"
import { chanceOf, scoresOf } from "./SimulatedScores.ts"

const meanOf = (numbers: ReadonlyArray<number>) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length

describe("proportionDifference", () => {
  it("is that of Newcombe's table", () => {
    for (
      const [a, m, b, n, low, high] of [
        [56, 70, 48, 80, 0.0524, 0.3339],
        [9, 10, 3, 10, 0.1705, 0.8090],
        [6, 7, 2, 7, 0.0582, 0.8062],
        [5, 56, 0, 29, -0.0381, 0.1926],
        [0, 10, 0, 20, -0.1611, 0.2775],
        [0, 10, 0, 10, -0.2775, 0.2775],
        [10, 10, 0, 20, 0.6791, 1],
        [10, 10, 0, 10, 0.6075, 1]
      ] as const
    ) {
      // The table has the first less the second.
      const found = proportionDifference({ count: b, trials: n }, { count: a, trials: m }, 0.95)!
      assert.approximately(found.value, a / m - b / n, 1e-12)
      assert.approximately(found.low, low, 5.1e-5)
      assert.approximately(found.high, high, 5.1e-5)
    }
  })

  it("is none without trials", () => {
    assert.isNull(proportionDifference({ count: 0, trials: 0 }, { count: 1, trials: 2 }, 0.95))
    assert.isNull(proportionDifference({ count: 1, trials: 2 }, { count: 0, trials: 0 }, 0.95))
  })
})

describe("differenceOf and ratioOf", () => {
  const first = { value: 10, low: 8, high: 14 }
  const second = { value: 20, low: 17, high: 22 }

  it("put together how far each may be off", () => {
    // Down: 20 - 17 = 3 and 14 - 10 = 4; up: 22 - 20 = 2 and 10 - 8 = 2.
    assert.deepStrictEqual(differenceOf(first, second), { value: 10, low: 5, high: 10 + Math.sqrt(8) })
    assert.deepStrictEqual(differenceOf(first, second, 1), { value: 10, low: 9, high: 10 })
    const { high, low, value } = ratioOf(first, second)!
    assert.approximately(value, 2, 1e-12)
    assert.approximately(low, 2 / Math.exp(Math.hypot(Math.log(20 / 17), Math.log(1.4))), 1e-12)
    assert.approximately(high, 2 * Math.exp(Math.hypot(Math.log(1.1), Math.log(1.25))), 1e-12)
  })

  it("have no ratio where one of them may be 0", () => {
    assert.isNull(ratioOf({ ...first, low: 0 }, second))
    assert.isNull(ratioOf(first, { ...second, low: 0 }))
  })

  it("turn around with the two", () => {
    const there = ratioOf(first, second)!
    const back = ratioOf(second, first)!
    assert.approximately(back.value, 1 / there.value, 1e-12)
    assert.approximately(back.low, 1 / there.high, 1e-12)
    assert.approximately(back.high, 1 / there.low, 1e-12)
  })
})

describe("pairedDifference", () => {
  it("is narrower the more alike the two find the tasks, and not certain where both are perfect", () => {
    const easyAndHard = Array.from({ length: 12 }, (_, task) => task / 11)
    const alike = pairedDifference(easyAndHard.map((score): Pair => [0.9 * score, 0.9 * score + 0.1]), 0.95)!
    const opposed = pairedDifference(easyAndHard.map((score): Pair => [0.9 * score, 1 - 0.9 * score]), 0.95)!
    assert.approximately(alike.value, 0.1, 1e-12)
    assert.isBelow(alike.high - alike.low, 0.2)
    assert.isAbove(opposed.high - opposed.low, 0.6)
    const perfect = pairedDifference(Array.from({ length: 12 }, (): Pair => [1, 1]), 0.95)!
    assert.strictEqual(perfect.value, 0)
    assert.approximately(perfect.high, 1 - 0.025 ** (1 / 12), 1e-12)
  })

  it("takes two tasks or more", () => {
    assert.isNull(pairedDifference([[0, 1]], 0.95))
    assert.isNull(pairedDifference([], 0.95))
    assert.isNotNull(pairedDifference([[0, 1], [0.5, 0.5]], 0.95))
  })

  it("holds the truth as often as it says", () => {
    for (
      const [tasks, mean, alike, repetitions, worse] of [
        [10, 0.8, 0.8, 1, 0.05],
        [20, 0.5, 0.5, 3, 0.1],
        [40, 0.9, 0.2, 2, 0.1]
      ] as const
    ) {
      const random = make(8)
      let held = 0
      for (let comparison = 0; comparison < 300; comparison++) {
        const pairs = Array.from({ length: tasks }, (): Pair => {
          const chance = chanceOf(random, mean, alike)
          return [
            meanOf(scoresOf(random, chance, repetitions)),
            meanOf(scoresOf(random, chance * (1 - worse), repetitions))
          ]
        })
        const { high, low } = pairedDifference(pairs, 0.95)!
        if (low <= -mean * worse && -mean * worse <= high) held++
      }
      assert.isAtLeast(held / 300, 0.94, `${tasks} tasks`)
    }
  })

  const score = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

  it.prop("widens with confidence where nothing is known of what they have in common", [
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })),
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 70 }))
  ], ([one, other]) => {
    const [first, second] = [{ count: one, trials: 40 }, { count: other, trials: 70 }]
    const { high, low } = proportionDifference(first, second, 0.9)!
    const wider = proportionDifference(first, second, 0.99)!
    assert.isTrue(wider.low <= low && high <= wider.high && wider.high - wider.low > high - low)
  })

  it.prop("lies in its interval within -1 and 1, and turns around with the two", [
    Schema.Array(Schema.Tuple([score, score])).check(Schema.isMinLength(2))
  ], ([pairs]) => {
    const { high, low, value } = pairedDifference(pairs, 0.9)!
    assert.isTrue(-1 - 1e-9 <= low && low <= value && value <= high && high <= 1 + 1e-9)
    const back = pairedDifference(pairs.map(([one, other]): Pair => [other, one]), 0.9)!
    assert.approximately(back.low, -high, 1e-9)
  }, { arbitrary: { runs: 200 } })
})
