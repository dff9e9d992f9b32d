/** How numbers are written. */
import { assert, describe, it } from "@effect/vitest"
import {
  counted,
  estimate,
  estimateCell,
  hours,
  integer,
  listed,
  millis,
  moment,
  percentile,
  rate,
  score,
  share,
  signed
} from "../../../src/report/render/words.ts"

const known = { value: 0.725, lower: 0.61, upper: 0.834, level: 0.95, n: 24, clusters: 6, method: "clustered" } as const

describe("words", () => {
  it("write times with three digits in the unit that people use", () => {
    assert.deepStrictEqual(
      [0, 0.31, 48.24, 99.96, 412.4, 1500, 119_949, 120_000, 3_600_000, 7_200_000, 90_000_000].map(millis),
      ["0", "0.3 ms", "48.2 ms", "100 ms", "412 ms", "1.50 s", "120 s", "2.00 min", "60.0 min", "2.00 h", "25.0 h"]
    )
    assert.deepStrictEqual([hours(0.5), hours(3.21), hours(0)], ["30.0 min", "3.21 h", "0"])
  })

  it("write shares so that only nothing is 0 % and only all is 100 %", () => {
    assert.deepStrictEqual(
      [0, 0.0001, 0.0005, 0.125, 0.5, 0.9994, 0.99999, 1].map(share),
      ["0 %", "< 0.1 %", "0.1 %", "12.5 %", "50 %", "99.9 %", "> 99.9 %", "100 %"]
    )
  })

  it("write an estimate with its interval, or alone where there is none", () => {
    assert.strictEqual(estimate(known), "0.72 [0.61, 0.83]")
    assert.strictEqual(estimate({ ...known, lower: null, upper: null, method: null }), "0.72")
    assert.strictEqual(
      estimate({ ...known, value: -0.2, lower: -0.3, upper: 0 }, signed(score)),
      "−0.20 [−0.30, ±0.00]"
    )
    assert.deepStrictEqual(estimateCell(known, share), { text: "72.5 %", detail: "[61 %, 83.4 %]" })
  })

  it("write a percentile with its bounds, or how many samples it lacks", () => {
    const of = {
      share: 0.99,
      value: 4000,
      lower: 3500,
      upper: 5000,
      level: 0.95,
      needed: 368,
      method: "order-statistics"
    } as const
    assert.deepStrictEqual(percentile(of, 400, millis), { text: "4.00 s", detail: "[3.50 s, 5.00 s]" })
    assert.deepStrictEqual(percentile({ ...of, value: null, lower: null, upper: null }, 144, millis, "attempts"), {
      text: "not enough:",
      detail: "144 of 368 attempts"
    })
    assert.deepStrictEqual(percentile({ ...of, value: null, lower: null, upper: null }, 0, millis), { text: "–" })
  })

  it("write what is not known as a dash, and never as a number", () => {
    assert.deepStrictEqual([millis, hours, score, share, rate].map((text) => text(null)), ["–", "–", "–", "–", "–"])
    assert.strictEqual(estimate({ ...known, value: null, lower: null, upper: null }), "–")
  })

  it("count, list and date", () => {
    assert.deepStrictEqual([counted(1, "battle"), counted(2, "battle"), integer(9999), integer(1_234_567)], [
      "1 battle",
      "2 battles",
      "9999",
      "1\u202f234\u202f567"
    ])
    assert.deepStrictEqual([listed([]), listed(["a"]), listed(["a", "b", "c"])], ["", "a", "a, b and c"])
    assert.strictEqual(moment(Date.UTC(2026, 10, 23, 6, 45, 59)), "2026-11-23 06:45 UTC")
  })
})
