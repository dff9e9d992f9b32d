import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { clockTime, count, duration, rate, score } from "../../src/terminal/Quantities.ts"

const from0To = (maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum }))

describe("Quantities", () => {
  it("reads well", () => {
    assert.deepStrictEqual([0, 65_000, 3_723_000].map(clockTime), ["0:00", "1:05", "1:02:03"])
    assert.deepStrictEqual([1_250, 9_990, 47_900, 999_999, 1_000_000].map(duration), [
      "1.2 s",
      "9.9 s",
      "47 s",
      "999 s",
      "16 min"
    ])
    assert.deepStrictEqual([134, 99_999, 123_456, 999_999, 12_345_678].map(count), [
      "134",
      "99999",
      "123.5k",
      "1.0M",
      "12.3M"
    ])
    assert.deepStrictEqual([0, 0.4, 9.96, 1_234, 12_345].map(rate), ["0", "0.4", "10", "1234", "12k"])
    assert.deepStrictEqual([0, 0.001, 0.6, 0.999, 1].map(score), ["0.00", "0.01", "0.60", "0.99", "1.00"])
  })

  it.prop(
    "never outgrows its column",
    [from0To(500 * 3_600_000), from0To(9e9), from0To(900_000)],
    ([millis, tokens, perSecond]) => {
      assert.isAtMost(duration(millis).length, 9)
      assert.isAtMost(duration(Math.min(millis, 50_000_000)).length, 7)
      assert.isAtMost(count(Math.round(tokens)).length, 7)
      assert.isAtMost(rate(perSecond).length, 4)
    }
  )
})
