import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { describeLimit } from "../../src/liveness/describeLimit.ts"
import { type Learning, LimitInForce, type LimitOrigin } from "../../src/liveness/LimitInForce.ts"
import { runs } from "../support/propertyRuns.ts"

const phrase = (millis: number, origin: LimitOrigin, learning: Learning | null = null) =>
  describeLimit({ name: "silent", millis, origin, learning })

const units = { h: 3_600_000, min: 60_000, s: 1000 }

describe("a limit, described", () => {
  it("says why it is so long, for every origin", () => {
    const learning = { runs: 412, needed: 199 }
    assert.deepStrictEqual([
      phrase(30_000, "default"),
      phrase(60_000, "floor"),
      phrase(900_000, "ceiling", learning),
      phrase(40_000, "own-gaps"),
      phrase(8000, "engine-latency"),
      phrase(100_000, "engine-steps"),
      phrase(130_000, "learned", learning),
      phrase(130_000, "learned", { runs: 1, needed: 1 }),
      phrase(130_000, "learned"),
      phrase(900_000, "not-learned", { runs: 12, needed: 199 }),
      phrase(900_000, "not-learned", { runs: 0, needed: 1 }),
      phrase(900_000, "not-learned"),
      phrase(900_000, "unbounded", learning),
      phrase(900_000, "unbounded"),
      phrase(180_000, "first-run"),
      phrase(180_000, "preparing")
    ], [
      "30 s, default",
      "60 s, floor",
      "15 min, ceiling",
      "40 s, from the gaps of this run",
      "8 s, from the engine's own latency",
      "100 s, from the engine's longest step",
      "2 min 10 s, learned from 412 runs",
      "2 min 10 s, learned from 1 run",
      "2 min 10 s, learned from finished runs",
      "15 min, not learned yet (12 of 199 runs)",
      "15 min, not learned yet (0 of 1 run)",
      "15 min, nothing learned",
      "15 min, not learned (too many of 412 runs were given up)",
      "15 min, not learned",
      "3 min, first run of a new engine",
      "3 min, the request may still be prepared"
    ])
  })

  it("says how long as briefly as it can", () => {
    const long = (millis: number) => phrase(millis, "default").split(",")[0]
    assert.deepStrictEqual([0, 40, 300, 5000, 7250, 9949, 9950, 119_499, 119_500, 1_800_000].map(long), [
      "0 s",
      "0 s",
      "0.3 s",
      "5 s",
      "7.3 s",
      "9.9 s",
      "10 s",
      "119 s",
      "2 min",
      "30 min"
    ])
    assert.deepStrictEqual([3_600_000, 3_601_000, 5_400_000, 90_061_000].map(long), [
      "1 h",
      "1 h 1 s",
      "1 h 30 min",
      "25 h 1 min 1 s"
    ])
  })

  it.prop("is one line, and the time in it is the limit's to half of its last digit", [LimitInForce], ([limit]) => {
    const millis = Math.abs(limit.millis) % 1e8
    const text = describeLimit({ ...limit, millis })
    assert.match(text, /^\d[^,\n]*, [^\n]+[^.\n]$/)
    const told = text.slice(0, text.indexOf(",")).split(" ")
    let sum = 0
    for (let at = 0; at < told.length; at += 2) sum += Number(told[at]) * units[told[at + 1] as keyof typeof units]
    assert.closeTo(sum, millis, (millis < 9950 ? 50 : 500) + 1e-6)
  }, runs)

  it("is decoded from what was stored before limits told how much they rest on", () => {
    const stored = { name: "silent", millis: 900_000, origin: "not-learned" } as const
    const limit = Schema.decodeSync(LimitInForce)(stored)
    assert.deepStrictEqual(limit, { ...stored, learning: null })
    assert.strictEqual(describeLimit(limit), "15 min, nothing learned")
  })
})
