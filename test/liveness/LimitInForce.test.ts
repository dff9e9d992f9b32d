import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Gaps from "../../src/liveness/Gaps.ts"
import * as Limit from "../../src/liveness/LimitInForce.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { runs } from "../support/propertyRuns.ts"

const summary = (count: number, quantile: number, largest = quantile): Gaps.GapSummary => ({ count, quantile, largest })
const short = ({ millis, origin }: Limit.LimitInForce) => [millis, origin]

describe("the limits in force", () => {
  it("suspect: 8 x Q95 of at least 16 gaps, between 5 and 60 s; before that the engine's p99, or 30 s", () => {
    const suspect = (gaps: Gaps.GapSummary, p99?: number | null) => short(Limit.suspect(defaults, gaps, p99))
    assert.deepStrictEqual(suspect(summary(16, 2000)), [16_000, "own-gaps"])
    assert.deepStrictEqual(suspect(summary(15, 2000)), [30_000, "default"])
    assert.deepStrictEqual(suspect(summary(15, 2000), 1000), [8000, "engine-latency"])
    assert.deepStrictEqual(suspect(summary(0, 0), 1000), [30_000, "default"])
    assert.deepStrictEqual(suspect(summary(16, 10)), [5000, "floor"])
    assert.deepStrictEqual(suspect(summary(16, 9000)), [60_000, "ceiling"])
  })

  it("frozen: 3 x the largest gap or 2 x the longest step, between 60 and 300 s, longer at a start", () => {
    const frozen = (largest: number, longestStepMillis: number, firstRun = false, preparing = false) =>
      short(Limit.frozen(defaults, summary(99, 1, largest), { longestStepMillis, firstRun, preparing }))
    assert.deepStrictEqual(frozen(100, 0), [60_000, "floor"])
    assert.deepStrictEqual(frozen(30_000, 40_000), [90_000, "own-gaps"])
    assert.deepStrictEqual(frozen(30_000, 50_000), [100_000, "engine-steps"])
    assert.deepStrictEqual(frozen(200_000, 0), [300_000, "ceiling"])
    assert.deepStrictEqual(frozen(100, 0, true), [180_000, "first-run"])
    assert.deepStrictEqual(frozen(100, 0, false, true), [180_000, "preparing"])
    assert.deepStrictEqual(frozen(70_000, 0, true, true), [210_000, "own-gaps"])
    // A limit that the gaps give exactly is theirs; and where nothing is asked for, nothing is added.
    assert.deepStrictEqual(frozen(20_000, 0), [60_000, "own-gaps"])
    const none = { ...defaults, frozenFloorMillis: 0 }
    const context = { longestStepMillis: 0, firstRun: false, preparing: false }
    assert.strictEqual(Limit.frozen(none, summary(0, 0), context).millis, 0)
  })

  it("silent: what was learned or 16 x the largest gap, between 2 and 15 min; the ceiling while nothing is learned", () => {
    const silent = (gapMillis: number | null, largest: number, hops = 0) =>
      short(Limit.silent(defaults, summary(99, 1, largest), { gapMillis, firstTokenMillis: 5 }, true, hops))
    assert.deepStrictEqual(silent(null, 100), [900_000, "not-learned"])
    assert.deepStrictEqual(silent(1000, 100), [120_000, "floor"])
    assert.deepStrictEqual(silent(200_000, 100), [200_000, "learned"])
    assert.deepStrictEqual(silent(1000, 10_000), [160_000, "own-gaps"])
    assert.deepStrictEqual(silent(160_000, 10_000), [160_000, "learned"])
    assert.deepStrictEqual(silent(1000, 100_000), [900_000, "ceiling"])
    assert.deepStrictEqual(silent(1000, 100, 2), [150_000, "floor"])
  })

  it("first-token: what was learned, between 2 and 30 min; the ceiling while nothing is learned", () => {
    const first = (firstTokenMillis: number | null) =>
      short(Limit.silent(defaults, summary(0, 0), { gapMillis: 5, firstTokenMillis }, false, 0))
    assert.deepStrictEqual(first(null), [1_800_000, "not-learned"])
    assert.deepStrictEqual(first(1000), [120_000, "floor"])
    assert.deepStrictEqual(first(200_000), [200_000, "learned"])
    assert.deepStrictEqual(first(9_000_000), [1_800_000, "ceiling"])
  })

  it("can be stored, and so can what was learned", () => {
    const count = { runs: 3, needed: 199 }
    const learned: Limit.LearnedLimits = { gapMillis: 1, firstTokenMillis: null }
    for (const limits of [learned, { ...learned, learning: { gap: count, firstToken: { runs: 4, needed: 5 } } }]) {
      assert.deepStrictEqual(Schema.decodeUnknownSync(Limit.LearnedLimits)(limits), limits)
    }
    assert.throws(() => Schema.decodeUnknownSync(Limit.LearnedLimits)({ gapMillis: 1 }))
    const isLimit = (name: string, origin: string) =>
      Schema.is(Limit.LimitInForce)({ name, millis: 1, origin, learning: null })
    for (const name of ["dead", "restarted", "deferred", "agent-heartbeat", "headers", "budget", "rate"]) {
      assert.isTrue(isLimit(name, "default"), name)
    }
    for (const origin of ["engine-latency", "engine-steps", "learned", "unbounded", "first-run", "preparing"]) {
      assert.isTrue(isLimit("silent", origin), origin)
    }
  })

  it("headers: the setting, and longer at each hop further out", () => {
    assert.deepStrictEqual([0, 2].map((hops) => Limit.headers(defaults, hops)), [
      { name: "headers", millis: 900_000, origin: "default", learning: null },
      { name: "headers", millis: 930_000, origin: "default", learning: null }
    ])
  })

  it("tell what they rest on: how many runs of how many there must be, wherever experience has a say", () => {
    const learning = { gap: { runs: 300, needed: 199 }, firstToken: { runs: 12, needed: 199 } }
    const limit = (gapMillis: number | null, begun: boolean, hops = 0) =>
      Limit.silent(defaults, summary(99, 1, 100), { gapMillis, firstTokenMillis: null, learning }, begun, hops)
    const { firstToken, gap } = learning
    assert.deepStrictEqual(
      [limit(200_000, true), limit(1000, true), limit(null, true), limit(null, true, 1), limit(7, false)],
      [
        { name: "silent", millis: 200_000, origin: "learned", learning: gap },
        { name: "silent", millis: 120_000, origin: "floor", learning: gap },
        { name: "silent", millis: 900_000, origin: "unbounded", learning: gap },
        { name: "silent", millis: 915_000, origin: "unbounded", learning: gap },
        { name: "first-token", millis: 1_800_000, origin: "not-learned", learning: firstToken }
      ]
    )
    const exact = { gapMillis: null, firstTokenMillis: null, learning: { gap: { runs: 199, needed: 199 }, firstToken } }
    assert.strictEqual(Limit.silent(defaults, summary(0, 0), exact, true, 0).origin, "unbounded")
    const nobody = Limit.silent(defaults, summary(0, 0), Limit.nothingLearned, true, 0)
    assert.deepStrictEqual([nobody.origin, nobody.learning], ["not-learned", null])
    assert.isNull(Limit.suspect(defaults, summary(16, 2000), undefined).learning)
    assert.isNull(Limit.agentHeartbeat(defaults, 5000).learning)
  })
})

describe("Gaps", () => {
  const lengths = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 700 }))
  it.prop(
    "holds exactly the last of them, in order",
    [lengths, Schema.Literals([1, 31, 32, 33, 100, 256])],
    ([length, window]) => {
      const all = Array.from({ length }, (_, index) => 1 + (index * 7919) % 1000)
      const gaps = all.reduce(Gaps.append, Gaps.empty(window))
      assert.deepStrictEqual(Gaps.values(gaps), all.slice(-window))
      assert.strictEqual(Gaps.count(gaps), Math.min(window, all.length))
      const sorted = all.slice(-window).toSorted((one, other) => one - other)
      assert.deepStrictEqual(Gaps.summarize(gaps, 0.95), {
        count: sorted.length,
        quantile: sorted[Math.ceil(0.95 * sorted.length) - 1] ?? 0,
        largest: sorted.at(-1) ?? 0
      })
      assert.isAtMost(gaps.blocks.length * 32, window + 32)
      assert.isBelow(gaps.open.length, 32)
    },
    runs
  )

  it("has a window of whole gaps, and of one at least", () => {
    const held = (window: number) => Gaps.values([1, 2, 3, 4].reduce(Gaps.append, Gaps.empty(window)))
    assert.deepStrictEqual([held(0), held(-1), held(2.5)], [[4], [4], [3, 4]])
  })

  it("takes the nearest rank", () => {
    const gaps = Array.from({ length: 20 }, (_, index) => index + 1).reduce(Gaps.append, Gaps.empty(256))
    assert.strictEqual(Gaps.summarize(gaps, 0.95).quantile, 19)
    assert.strictEqual(Gaps.summarize(gaps, 0).quantile, 1)
    assert.strictEqual(Gaps.summarize(gaps, 1).quantile, 20)
  })

  it("are summed up once for each share, as a silent run is asked with every tick", () => {
    const gaps = [3, 1, 2].reduce(Gaps.append, Gaps.empty(256))
    const summary = Gaps.summarize(gaps, 0.5)
    assert.strictEqual(Gaps.summarize(gaps, 0.5), summary)
    assert.deepStrictEqual(Gaps.summarize(gaps, 1), { count: 3, quantile: 3, largest: 3 })
    assert.deepStrictEqual(Gaps.summarize(gaps, 0.5), { count: 3, quantile: 2, largest: 3 })
    assert.deepStrictEqual(Gaps.summarize(Gaps.append(gaps, 9), 0.5), { count: 4, quantile: 2, largest: 9 })
  })
})
