// Times of tokens: constant without jitter, of the right mean and deviation with it, the same for the same seed.
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { LatencyDistribution } from "../../src/simulator/LatencyOptions.ts"
import * as Pacing from "../../src/simulator/Pacing.ts"
import * as SeededRandom from "../../src/simulator/SeededRandom.ts"
import { seedOf } from "../../src/simulator/SeededRandom.ts"

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
    assert.deepStrictEqual([pace.timeToFirstToken(7), pace.gap(), pace.gap()], [400, 20, 20])
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
  const drawn = (latencyDistribution: LatencyDistribution, seed = 1) => {
    const pace = Pacing.make({ ...means, latencyDistribution }, SeededRandom.make(seed))
    return { first: pace.timeToFirstToken(7), gaps: Array.from({ length: 50_000 }, pace.gap) }
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

  const deviationOf = (values: ReadonlyArray<number>) => {
    const mean = meanOf(values)
    return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)))
  }
  const firstTokens = (
    options: Partial<Pacing.PacingOptions>,
    { count = 20_000, remotePrefill = false, seed = 1, tokens = 100 } = {}
  ) =>
    Array.from(
      { length: count },
      (_, index) =>
        Pacing.make({ ...means, ...options }, SeededRandom.make(seedOf(seed, index)), remotePrefill)
          .timeToFirstToken(tokens)
    )
  const shapes = Schema.Literals(["Normal", "LogNormal"])
  const size = Schema.Finite.check(Schema.isBetween({ minimum: 0.001, maximum: 100_000 }))
  // Beyond it a normal time is cut too often to keep its deviation.
  const part = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.4 }))

  it.prop(
    "has each mean and deviation it is given, whatever the jitter of the others",
    [Schema.Int, shapes, size, size, part],
    ([seed, _tag, first, gap, coefficient]) => {
      const pace = Pacing.make({
        ...means,
        jitterCoefficient: 3,
        latencyDistribution: { _tag },
        timeToFirstTokenMillis: first,
        timeToFirstTokenDeviationMillis: first * coefficient,
        interTokenMillis: gap,
        interTokenDeviationMillis: gap * coefficient / 2
      }, SeededRandom.make(seed))
      for (
        const [values, mean, deviation] of [
          [Array.from({ length: 20_000 }, () => pace.timeToFirstToken(9)), first, first * coefficient],
          [Array.from({ length: 20_000 }, pace.gap), gap, gap * coefficient / 2]
        ] as const
      ) {
        assert.closeTo(meanOf(values) / mean, 1, 0.02)
        assert.closeTo(deviationOf(values) / mean, deviation / mean, 0.03)
      }
    },
    { arbitrary: { runs: 20 } }
  )

  const anyDistribution = Schema.Union([
    Schema.Struct({ _tag: Schema.Literals(["Constant", "Normal", "LogNormal"]) }),
    Schema.TaggedStruct("ParetoTail", { shape: Schema.Literal(1.5), share: Schema.Literal(0.2) })
  ])
  const anyTime = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1e12 }))

  it.prop(
    "is finite and never negative, stays 0 for a mean of 0, and follows from the seed, with any settings",
    [
      Schema.Int,
      anyDistribution,
      Schema.Struct({
        timeToFirstTokenMillis: anyTime,
        timeToFirstTokenDeviationMillis: anyTime,
        interTokenMillis: anyTime,
        interTokenDeviationMillis: anyTime,
        jitterCoefficient: anyTime,
        latencyCalculator: Schema.Literals(["constant", "per-token"]),
        prefillOverheadMillis: anyTime,
        prefillMillisPerToken: anyTime,
        prefillDeviationMillis: anyTime,
        kvCacheTransferMillis: anyTime,
        kvCacheTransferDeviationMillis: anyTime,
        kvCacheTransferMillisPerToken: anyTime,
        kvCacheTransferPerTokenDeviationMillis: anyTime
      }),
      Schema.Boolean
    ],
    ([seed, latencyDistribution, options, remotePrefill]) => {
      const draw = () => {
        const pace = Pacing.make(
          { ...options, latencyDistribution: latencyDistribution as LatencyDistribution },
          SeededRandom.make(seed),
          remotePrefill
        )
        return Array.from({ length: 20 }, () => [pace.timeToFirstToken(5), pace.gap()]).flat()
      }
      const times = draw()
      assert.isTrue(times.every((time) => time >= 0 && time < Infinity), times.join())
      if (options.interTokenMillis === 0) assert.isTrue(times.every((time, index) => index % 2 === 0 || time === 0))
      assert.deepStrictEqual(times, draw())
    }
  )

  it("stays 0 for a mean of 0, with a deviation of 0 or without", () => {
    for (const _tag of ["Normal", "LogNormal", "Constant"] as const) {
      for (const deviation of [0, 5]) {
        const options = { interTokenMillis: 0, interTokenDeviationMillis: deviation, latencyDistribution: { _tag } }
        const pace = Pacing.make({ ...means, ...options }, SeededRandom.make(1))
        assert.deepStrictEqual([pace.gap(), pace.gap(), pace.gap()], [0, 0, 0])
      }
    }
  })

  it("lets a deviation win over the jitter for its own time only, and 0 mean none", () => {
    const pace = Pacing.make({ ...means, interTokenDeviationMillis: 0 }, SeededRandom.make(1))
    assert.isTrue(Array.from({ length: 10 }, pace.gap).every((gap) => gap === 20))
    const first = Array.from({ length: 5000 }, () => pace.timeToFirstToken(1))
    assert.closeTo(deviationOf(first), 120, 6)
  })

  const perToken = {
    latencyCalculator: "per-token",
    prefillOverheadMillis: 30,
    prefillMillisPerToken: 0.25,
    kvCacheTransferMillisPerToken: 0.003,
    kvCacheTransferMillis: 5
  } as const
  const exact = { prefillDeviationMillis: 0, kvCacheTransferPerTokenDeviationMillis: 0 }

  it("grows with the tokens to compute if calculated per token, with one deviation for overhead and tokens", () => {
    for (const tokens of [1, 4, 4000]) {
      assert.deepStrictEqual(firstTokens({ ...perToken, ...exact }, { tokens, count: 1 }), [30 + tokens * 0.25])
    }
    const values = firstTokens({ ...perToken, prefillDeviationMillis: 5 }, { tokens: 280 })
    assert.closeTo(meanOf(values), 100, 0.2)
    assert.closeTo(deviationOf(values), 5, 0.2)
    // The settings of the other calculator are not read.
    assert.deepStrictEqual(
      firstTokens({ ...perToken, jitterCoefficient: 0, latencyCalculator: "constant" }, { count: 1 }),
      [
        400
      ]
    )
  })

  it("transfers what was computed elsewhere, once; what a preemption took away is computed here", () => {
    const pace = Pacing.make({ ...means, ...perToken, ...exact }, SeededRandom.make(1), true)
    assert.deepStrictEqual([pace.timeToFirstToken(1000), pace.isTransfer?.()], [3, true])
    assert.deepStrictEqual([pace.timeToFirstToken(1000), pace.isTransfer?.()], [280, false])
    const values = firstTokens({ kvCacheTransferMillis: 5, kvCacheTransferDeviationMillis: 1 }, { remotePrefill: true })
    assert.closeTo(meanOf(values), 5, 0.05)
    assert.closeTo(deviationOf(values), 1, 0.05)
    const recorded = { _tag: "Recorded", gapsMillis: [1], timesToFirstTokenMillis: [7] } as const
    assert.deepStrictEqual(
      firstTokens({ latencyDistribution: recorded }, { remotePrefill: true, count: 1 }),
      [0],
      "a record is about prefills"
    )
  })
})
