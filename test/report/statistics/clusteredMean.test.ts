/** The mean of clustered scores: by hand, by its laws, and by how often its interval holds the truth of simulations. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { clusteredMean, effectiveCount } from "../../../src/report/statistics/clusteredMean.ts"
import type { Interval } from "../../../src/report/statistics/Interval.ts"
import { exactInterval } from "../../../src/report/statistics/proportion.ts"
import { studentPoint } from "../../../src/report/statistics/studentPoint.ts"
import { make } from "../../../src/simulator/SeededRandom.ts"
import { chanceOf, scoresOf } from "./SimulatedScores.ts"

type IntervalOf = (scores: ReadonlyArray<ReadonlyArray<number>>) => Interval

const ours: IntervalOf = (scores) => clusteredMean(scores, 0.95)!.interval!

/** What is usual: the mean of the tasks' means, and Student's t by their standard deviation. */
const byStudent: IntervalOf = (scores) => {
  const means = scores.map((task) => task.reduce((sum, score) => sum + score, 0) / task.length)
  const mean = means.reduce((sum, each) => sum + each, 0) / means.length
  const squares = means.reduce((sum, each) => sum + (each - mean) ** 2, 0)
  const half = studentPoint(0.975, means.length - 1) * Math.sqrt(squares / (means.length * (means.length - 1)))
  return { low: mean - half, high: mean + half }
}

/** Of so many simulated campaigns, the share whose interval holds the truth. */
const coverage = (
  intervalOf: IntervalOf,
  { alike, mean, repetitions, tasks }: {
    readonly tasks: number
    readonly mean: number
    readonly alike: number
    readonly repetitions: ReadonlyArray<number>
  },
  campaigns: number
) => {
  const random = make(8)
  let held = 0
  for (let campaign = 0; campaign < campaigns; campaign++) {
    const scores = Array.from(
      { length: tasks },
      (_, task) => scoresOf(random, chanceOf(random, mean, alike), repetitions[task % repetitions.length]!)
    )
    const { high, low } = intervalOf(scores)
    if (low <= mean && mean <= high) held++
  }
  return held / campaigns
}

describe("effectiveCount", () => {
  it("is that of the variance, less for few clusters, and the clusters where nothing varied", () => {
    // The variance of 50 independent trials, and t with 9 degrees of freedom.
    const few = (1.959963984540054 / 2.262157162798205) ** 2
    assert.approximately(effectiveCount(0.3, 0.3 * 0.7 / 50, 10, 0.95), 50 * few, 1e-6)
    assert.approximately(effectiveCount(0.3, 0.3 * 0.7 / 50, 1_000_000, 0.95), 50, 1e-3)
    for (const [share, variance] of [[0, 0], [1, 0], [0.3, 0], [1e-20, 1e-25]] as const) {
      assert.strictEqual(effectiveCount(share, variance, 10, 0.95), 10)
    }
  })
})

describe("clusteredMean", () => {
  it("is what one computes by hand", () => {
    // Residuals of the tasks from 0.6: (1 + 1) - 1.2 = 0.8, (1 + 0 + 0) - 1.8 = -0.8.
    // Their squares: 1.28, times 2/1, by 5^2: a variance of 0.1024. Correction: (1.959964 / 12.706205)^2.
    const { effective, ...mean } = clusteredMean([[1, 1], [1, 0, 0]], 0.95)!
    assert.approximately(effective!, 0.24 / 0.1024 * (1.959963984540054 / 12.706204736174694) ** 2, 1e-9)
    const { high, low } = exactInterval(0.6 * effective!, effective!, 0.95)!
    assert.deepStrictEqual(mean, { value: 0.6, interval: { low, high }, count: 5, clusters: 2 })
  })

  it("is the exact interval of a proportion, but for the few degrees of freedom, where nothing is repeated", () => {
    const { effective, interval } = clusteredMean(
      Array.from({ length: 1000 }, (_, task) => [task < 300 ? 1 : 0]),
      0.95
    )!
    const exact = exactInterval(300, 1000, 0.95)!
    assert.approximately(effective!, 1000, 5)
    assert.approximately(interval!.low, exact.low, 2e-4)
    assert.approximately(interval!.high, exact.high, 2e-4)
  })

  it("counts tasks, not repetitions, where all repetitions of a task are alike", () => {
    const once = clusteredMean([[1], [0], [1], [1], [0], [1], [0], [1]], 0.95)!
    const often = clusteredMean([[1, 1, 1], [0, 0, 0], [1, 1, 1], [1, 1, 1], [0, 0, 0], [1, 1, 1], [0, 0, 0], [
      1,
      1,
      1
    ]], 0.95)!
    assert.approximately(often.effective!, once.effective!, 1e-9)
    assert.approximately(often.interval!.low, once.interval!.low, 1e-9)
  })

  it("does not take tasks for surer than their scores are, where chance made them alike", () => {
    // Every task has the mean 0.5; six scores of 0 and 1 alone have a variance of 6 * 0.25 / (6 * 5) = 0.05.
    const { effective } = clusteredMean([[1, 0], [1, 0], [1, 0]], 0.95)!
    assert.approximately(effective!, 0.25 / 0.05 * (1.959963984540054 / 4.302652729749462) ** 2, 1e-6)
  })

  it("is not certain of anything where all passed, or all scores are the same", () => {
    // The lower end of 5 passes of 5: 0.025^(1/5).
    const passed = clusteredMean([[1, 1], [1], [1, 1, 1], [1], [1]], 0.95)!
    assert.deepStrictEqual([passed.effective, passed.interval!.high], [5, 1])
    assert.approximately(passed.interval!.low, 0.025 ** (1 / 5), 1e-12)
    assert.strictEqual(clusteredMean([[0.3], [0.3], [0.3]], 0.95)!.effective, 3)
  })

  it("has no interval of a single task, leaves out tasks without a score, and is none of none", () => {
    assert.deepStrictEqual(clusteredMean([[], [1, 0]], 0.95), {
      value: 0.5,
      interval: null,
      count: 2,
      clusters: 1,
      effective: null
    })
    assert.isNull(clusteredMean([[], []], 0.95))
    assert.isNull(clusteredMean([], 0.95))
  })

  it("holds the truth as often as it says, with few tasks, high scores and repetitions that are alike", () => {
    for (
      const campaigns of [
        { tasks: 5, mean: 0.8, alike: 0.5, repetitions: [2, 3, 4] },
        { tasks: 10, mean: 0.95, alike: 0.3, repetitions: [1] },
        { tasks: 20, mean: 0.5, alike: 0.2, repetitions: [5] },
        { tasks: 20, mean: 0.9, alike: 0.9, repetitions: [2, 3, 4] }
      ]
    ) assert.isAtLeast(coverage(ours, campaigns, 400), 0.94, JSON.stringify(campaigns))
    // It is not safe by saying nothing: where there is much to know it does not hold the truth always.
    assert.isAtMost(coverage(ours, { tasks: 60, mean: 0.5, alike: 0.2, repetitions: [5] }, 400), 0.985)
  })

  it("holds it where the usual interval misses it in a third of all campaigns", () => {
    const campaigns = { tasks: 10, mean: 0.95, alike: 0.3, repetitions: [2, 3, 4] }
    assert.isBelow(coverage(byStudent, campaigns, 400), 0.75)
    assert.isAtLeast(coverage(ours, campaigns, 400), 0.94)
  })

  const score = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
  const tasks = Schema.Array(Schema.Array(score).check(Schema.isMinLength(1))).check(Schema.isMinLength(2))

  it.prop("lies in its interval within 0 and 1, which widens, is mirrored, and is nothing of the order", [tasks], (
    [scores]
  ) => {
    const { clusters, count, effective, interval, value } = clusteredMean(scores, 0.9)!
    const { high, low } = interval!
    assert.isTrue(0 <= low && low <= value + 1e-12 && value <= high + 1e-12 && high <= 1, `${low} ${value} ${high}`)
    assert.strictEqual(clusters, scores.length)
    assert.strictEqual(count, scores.flat().length)
    assert.isTrue(Number.isFinite(effective) && effective! > 0)
    const wider = clusteredMean(scores, 0.99)!.interval!
    assert.isTrue(wider.low <= low + 1e-9 && high <= wider.high + 1e-9)
    const turned = clusteredMean(scores.map((task) => task.toReversed()).toReversed(), 0.9)!.interval!
    assert.approximately(turned.low, low, 1e-6)
    const mirrored = clusteredMean(scores.map((task) => task.map((one) => 1 - one)), 0.9)!.interval!
    assert.approximately(mirrored.high, 1 - low, 1e-6)
  }, { arbitrary: { runs: 200 } })
})
