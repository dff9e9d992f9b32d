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
})
