/** Where axes have their numbers. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { Axis } from "../../../src/report/figures/Chart.ts"
import { ticksOf, tickText } from "../../../src/report/figures/ticks.ts"

const positive = (minimum: number, maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
const pixels = 600

const axisOf = (low: number, high: number, log: boolean, quantity: Axis["quantity"]): Axis => ({
  label: "",
  quantity,
  log,
  domain: [low, high]
})

describe("ticksOf", () => {
  for (const quantity of ["number", "millis"] as const) {
    for (const log of [true, false]) {
      it.prop(
        `gives ${quantity} that stand within the axis, apart from each other, ${log ? "logarithmic" : "even"}`,
        [positive(0.2, 1e7), positive(4, 1e4)],
        ([low, factor]) => {
          const high = Math.min(low * factor, 3e9)
          const ticks = ticksOf(axisOf(low, high, log, quantity), pixels)
          const placeOf = (value: number) =>
            pixels * (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low))
          assert.isAtLeast(ticks.length, 2)
          for (const [index, tick] of ticks.entries()) {
            assert.isAtLeast(placeOf(tick), -1)
            assert.isAtMost(placeOf(tick), pixels + 1)
            if (index > 0) assert.isAtLeast(placeOf(tick) - placeOf(ticks[index - 1]!), 40)
          }
        },
        { arbitrary: { runs: 1000 } }
      )
    }
  }

  it("takes round times, minutes by sixty", () => {
    const texts = ticksOf(axisOf(900, 4_000_000, true, "millis"), pixels).map((value) => tickText(value, "millis"))
    assert.deepStrictEqual(texts, ["1 s", "3 s", "10 s", "1 min", "3 min", "10 min", "1 h"])
    const even = ticksOf(axisOf(0, 400_000, false, "millis"), pixels).map((value) => tickText(value, "millis"))
    assert.deepStrictEqual(even, ["0", "1 min", "2 min", "3 min", "4 min", "5 min", "6 min"])
  })
})

describe("tickText", () => {
  it("writes each kind of quantity", () => {
    assert.deepStrictEqual(
      [
        tickText(0.25, "share"),
        tickText(2.5, "hours"),
        tickText(12_500, "number"),
        tickText(0.30000000000000004, "number"),
        tickText(1500, "millis"),
        tickText(5_400_000, "millis")
      ],
      ["25 %", "2.5 h", "12.5k", "0.3", "1.5 s", "1.5 h"]
    )
  })
})
