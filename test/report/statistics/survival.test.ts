/**
 * Kaplan and Meier's estimator against the example that every textbook has: weeks of remission of 21 children under 6-MP
 * and of 21 under a placebo (Freireich and others 1963; Gehan 1965). Expected numbers are those of lifelines 0.30.3
 * (KaplanMeierFitter), which are those of R's survfit with conf.type = "log-log"; the errors of the restricted mean are
 * what R prints for rmean = 35 (2.83 and 1.38).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { nearestRank } from "../../../src/campaign/nearestRank.ts"
import { restrictedMean, survivalCurve, survivalQuantile } from "../../../src/report/statistics/survival.ts"

const given = (weeks: string) =>
  weeks.split(" ").map((text) => ({ time: Number.parseInt(text, 10), done: !text.endsWith("+") }))

const treated = given("6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+")
const placebo = given("1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23")

describe("survivalCurve", () => {
  it("is what R and lifelines make of Freireich's data", () => {
    const curve = survivalCurve(treated, 0.95)!
    const expected = [
      [6, 21, 3, 0.857142857142857, 0.6197179552659838, 0.9515517476469969],
      [7, 17, 1, 0.8067226890756299, 0.5631465646222333, 0.9228090192028802],
      [10, 15, 1, 0.7529411764705878, 0.5031995107999564, 0.8893618351692655],
      [13, 12, 1, 0.6901960784313722, 0.4316102224861839, 0.8490659633494505],
      [16, 11, 1, 0.6274509803921566, 0.36751085598750194, 0.8049121894718411],
      [22, 7, 1, 0.5378151260504199, 0.26777893676713493, 0.7467907176353943],
      [23, 6, 1, 0.44817927170868327, 0.18805200595923233, 0.6801426284952412]
    ]
    assert.strictEqual(curve.steps.length, expected.length)
    curve.steps.forEach(({ atRisk, done, high, low, survival, time }, index) =>
      [time, atRisk, done, survival, low!, high!].forEach((number, column) =>
        assert.approximately(number, expected[index]![column]!, 1e-12)
      )
    )
    assert.deepStrictEqual([curve.count, curve.censored, curve.longest], [21, 12, 35])
  })

  it("ends at 0, with no interval there, where nobody was given up", () => {
    const { steps } = survivalCurve(placebo, 0.95)!
    assert.deepStrictEqual(steps.at(-1), { time: 23, atRisk: 1, done: 1, survival: 0, low: null, high: null })
    const at8 = steps.find(({ time }) => time === 8)!
    assert.approximately(at8.survival, 0.3809523809523809, 1e-12)
    assert.approximately(at8.low!, 0.1830665488203943, 1e-12)
    assert.approximately(at8.high!, 0.5777886777458309, 1e-12)
  })

  it("has no steps where everybody was given up, and is none of nobody", () => {
    assert.deepStrictEqual(survivalCurve(given("5+ 9+"), 0.95), {
      steps: [],
      confidence: 0.95,
      count: 2,
      censored: 2,
      longest: 9
    })
    assert.isNull(survivalCurve([], 0.95))
  })

  const observations = Schema.Array(
    Schema.Struct({ time: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 })), done: Schema.Boolean })
  ).check(Schema.isMinLength(1))

  it.prop("falls, lies in its intervals, which widen, and is nothing of the order", [observations], ([drawn]) => {
    const curve = survivalCurve(drawn, 0.9)!
    const wide = survivalCurve(drawn, 0.99)!
    let before = 1
    curve.steps.forEach(({ high, low, survival }, index) => {
      assert.isTrue(survival < before && survival >= 0)
      before = survival
      if (low === null || high === null) return assert.strictEqual(survival, 0)
      assert.isTrue(0 <= low && low < survival && survival < high && high <= 1)
      assert.isTrue(wide.steps[index]!.low! <= low && high <= wide.steps[index]!.high!)
    })
    assert.deepStrictEqual(survivalCurve(drawn.toReversed(), 0.9), curve)
    assert.strictEqual(curve.censored, drawn.filter(({ done }) => !done).length)
  })

  it.prop("is 1 - ECDF, with the nearest rank for a quantile, where nobody is given up", [
    observations,
    Schema.Literals([0.25, 0.5, 0.9, 0.95])
  ], ([drawn, share]) => {
    const times = drawn.map(({ time }) => time).toSorted((one, other) => one - other)
    const curve = survivalCurve(times.map((time) => ({ time, done: true })), 0.95)!
    for (const { survival, time } of curve.steps) {
      assert.approximately(survival, times.filter((other) => other > time).length / times.length, 1e-12)
    }
    assert.strictEqual(survivalQuantile(curve, share).value, times[nearestRank(times.length, share) - 1])
  })

  it.prop("never falls faster for somebody being given up instead of done", [
    observations,
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 29 }))
  ], ([drawn, chosen]) => {
    const at = chosen % drawn.length
    const fewer = drawn.map((observed, index) => index === at ? { ...observed, done: false } : observed)
    const after = (all: typeof drawn, time: number) =>
      survivalCurve(all, 0.95)!.steps.findLast((step) => step.time <= time)?.survival ?? 1
    for (const { time } of drawn) assert.isAtLeast(after(fewer, time), after(drawn, time) - 1e-12)
  })
})

describe("survivalQuantile", () => {
  it("is the median of Freireich's data, with the bounds of Brookmeyer and Crowley", () => {
    // lifelines: median_survival_times(confidence_interval_) is 13 and infinity, and 4 and 11.
    assert.deepStrictEqual(survivalQuantile(survivalCurve(treated, 0.95)!, 0.5), { value: 23, low: 13, high: null })
    assert.deepStrictEqual(survivalQuantile(survivalCurve(placebo, 0.95)!, 0.5), { value: 8, low: 4, high: 11 })
  })

  it("is unknown where too many were given up to see it", () => {
    const few = survivalCurve(given("5 9+ 9+ 9+ 9+ 9+ 9+ 9+"), 0.95)!
    assert.deepStrictEqual(survivalQuantile(few, 0.5), { value: null, low: 5, high: null })
    assert.deepStrictEqual(survivalQuantile(survivalCurve(given("9+"), 0.95)!, 0.5), {
      value: null,
      low: null,
      high: null
    })
  })

  it("has no bounds from fewer than a percentile takes", () => {
    assert.deepStrictEqual(survivalQuantile(survivalCurve(given("1 2 3 4 5"), 0.95)!, 0.5), {
      value: 3,
      low: null,
      high: null
    })
    assert.strictEqual(survivalQuantile(survivalCurve(given("1 2 3 4 5 6"), 0.95)!, 0.5).low, 1)
    // The curve's interval falls below 0.9, but 36 would be needed for the 10th percentile.
    assert.deepStrictEqual(survivalQuantile(survivalCurve(given("1 2 3 4 5 6 7 8 9 10"), 0.95)!, 0.1), {
      value: 1,
      low: null,
      high: null
    })
    assert.deepStrictEqual(survivalQuantile(survivalCurve(given("9 9 9 9 9 9 9"), 0.95)!, 0.5), {
      value: 9,
      low: null,
      high: null
    })
  })

  it("is the nearest rank, whatever becomes of the last digit", () => {
    for (let count = 1; count <= 60; count++) {
      const times = Array.from({ length: count }, (_, index) => ({ time: index + 1, done: true }))
      const curve = survivalCurve(times, 0.95)!
      for (const share of [0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95]) {
        assert.strictEqual(survivalQuantile(curve, share).value, nearestRank(count, share), `${share} of ${count}`)
      }
    }
  })
})

describe("restrictedMean", () => {
  it("is the area below the curve, with the error that R prints", () => {
    for (
      const [times, mean, error] of [[treated, 23.287394957983185, 2.83], [placebo, 8.666666666666666, 1.38]] as const
    ) {
      const { high, value } = restrictedMean(survivalCurve(times, 0.95)!, 35)!
      assert.approximately(value, mean, 1e-12)
      assert.approximately((high - value) / 1.959963984540054, error, 0.005)
    }
    assert.approximately(restrictedMean(survivalCurve(treated, 0.95)!, 20)!.value, 16.116526610644254, 1e-12)
    assert.approximately(restrictedMean(survivalCurve(treated, 0.95)!, 12)!.value, 10.78319327731092, 1e-12)
  })

  it("is unknown before anybody is done, and beyond what was seen", () => {
    const curve = survivalCurve(treated, 0.95)!
    assert.isNull(restrictedMean(curve, 6))
    assert.approximately(restrictedMean(curve, 7)!.value, 6 + 0.857142857142857, 1e-12)
    assert.isNull(restrictedMean(curve, 36))
    assert.isNotNull(restrictedMean(survivalCurve(placebo, 0.95)!, 36))
  })
})
