/** Buckets against Effect's own histogram, which is another reading of the same rules. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import { Histogram } from "../../src/telemetry/Histogram.ts"

const boundaries = [0.001, 0.01, 0.02, 1, 81.92]
/** On the bounds, too. */
const Value = Schema.Union([
  Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 100 })),
  Schema.Literals([0, ...boundaries])
])

describe("Histogram", () => {
  it.prop("counts as Effect's does", [Schema.NonEmptyArray(Value)], ([values]) => {
    const ours = new Histogram(boundaries)
    const context = Context.make(Metric.MetricRegistry, new Map())
    const theirs = Metric.histogram("h", { boundaries })
    for (const value of values) {
      ours.record(value)
      theirs.updateUnsafe(value, context)
    }
    const state = theirs.valueUnsafe(context)
    assert.deepStrictEqual(ours.state, { ...state, sum: ours.state.sum })
    assert.closeTo(ours.state.sum, state.sum, 1e-9)
  }, { arbitrary: { runs: 300 } })

  it("has neither a least nor a most before anything came, where Effect's has the largest number there is", () => {
    const { max, min } = new Histogram([1, 2]).state
    assert.deepStrictEqual({ min, max }, { min: 0, max: 0 })
  })

  it("leaves out what is no time", () => {
    const histogram = new Histogram([1])
    for (const value of [NaN, -1, -Infinity]) histogram.record(value)
    assert.strictEqual(histogram.state.count, 0)
    histogram.record(Infinity)
    assert.deepStrictEqual(histogram.state.buckets, [[1, 0]])
    assert.strictEqual(histogram.state.count, 1)
  })
})
