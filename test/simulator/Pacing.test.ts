// Times of tokens: constant without jitter, of the right mean and deviation with it, the same for the same seed.
import { assert, describe, it } from "@effect/vitest"
import * as Pacing from "../../src/simulator/Pacing.ts"
import * as SeededRandom from "../../src/simulator/SeededRandom.ts"

const gaps = (jitterCoefficient: number, seed: number, interTokenMillis = 20) => {
  const pace = Pacing.make(
    { timeToFirstTokenMillis: 400, interTokenMillis, jitterCoefficient },
    SeededRandom.make(seed)
  )
  return Array.from({ length: 20_000 }, pace.gap)
}

describe("Pacing", () => {
  it("is constant with coefficient 0 and flat out with mean 0", () => {
    const pace = Pacing.make(
      { timeToFirstTokenMillis: 400, interTokenMillis: 20, jitterCoefficient: 0 },
      SeededRandom.make(1)
    )
    assert.deepStrictEqual([pace.timeToFirstToken(), pace.gap(), pace.gap()], [400, 20, 20])
    assert.isTrue(gaps(0.3, 1, 0).every((gap) => gap === 0))
  })

  it("has the mean and the coefficient of variation it is given", () => {
    const values = gaps(0.3, 1)
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
    assert.closeTo(mean, 20, 0.3)
    assert.closeTo(deviation / mean, 0.3, 0.02)
    assert.isTrue(values.every((value) => value > 0))
  })

  it("follows from the seed", () => {
    assert.deepStrictEqual(gaps(0.3, 5), gaps(0.3, 5))
    assert.notDeepEqual(gaps(0.3, 5), gaps(0.3, 6))
  })

  const means = { timeToFirstTokenMillis: 400, interTokenMillis: 20, jitterCoefficient: 0.3 }
  const drawn = (latencyDistribution: Pacing.LatencyDistribution, seed = 1) => {
    const pace = Pacing.make({ ...means, latencyDistribution }, SeededRandom.make(seed))
    return { first: pace.timeToFirstToken(), gaps: Array.from({ length: 50_000 }, pace.gap) }
  }
  const meanOf = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length

  it("is constant if told so, whatever the jitter", () => {
    assert.isTrue(drawn({ _tag: "Constant" }).gaps.every((gap) => gap === 20))
  })

  it("is normal within twice the mean", () => {
    const { gaps } = drawn({ _tag: "Normal" })
    assert.closeTo(meanOf(gaps), 20, 0.1)
    assert.closeTo(Math.sqrt(meanOf(gaps.map((gap) => (gap - 20) ** 2))), 6, 0.1)
    assert.isTrue(gaps.every((gap) => gap >= 0 && gap <= 40))
  })

  it("has a Pareto tail of the given shape and share, and the same mean", () => {
    const { gaps } = drawn({ _tag: "ParetoTail", shape: 2.5, share: 0.1 })
    assert.closeTo(meanOf(gaps), 20, 0.5)
    // P(Pareto > 4) = 4^-2.5 = 1/32 of a tenth; a log-normal time of 4 means does not happen.
    const scale = 20 / (0.9 + 0.1 * 2.5 / 1.5)
    assert.closeTo(gaps.filter((gap) => gap > 4 * scale).length, 50_000 / 320, 40)
  })

  it("replays a record in its order from a place of its own for each seed", () => {
    const record = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as const
    const { first, gaps } = drawn({ _tag: "Recorded", gapsMillis: record, timesToFirstTokenMillis: [7] })
    assert.strictEqual(first, 7)
    assert.isTrue(gaps.every((gap, index) => index === 0 || gap === gaps[index - 1]! % 10 + 1))
    const starts = [1, 2, 3, 4, 5].map((seed) => drawn({ _tag: "Recorded", gapsMillis: record }, seed).gaps[0])
    assert.isAbove(new Set(starts).size, 1)
  })
})
