import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { conformalBound, runsNeeded } from "../../src/liveness/ConformalBound.ts"
import { runs } from "../support/propertyRuns.ts"
import { randomOf } from "./Worlds.ts"

const Share = Schema.Literals([0.005, 0.01, 0.02, 0.05, 0.07, 0.1, 0.2, 0.29, 0.3, 0.5, 0.9, 1])
/** Many of few values, so that there are ties; some censored. */
const oneMillis = Arbitrary.map(
  Arbitrary.schema(Schema.Union([
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 })),
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })),
    Schema.Null
  ])),
  (millis) => millis ?? Infinity
)
const someMillis = Arbitrary.array(oneMillis, { maxLength: 60 })
const Index = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))

/** The bound as a limit: none is the longest limit there is. */
const limit = (observations: ReadonlyArray<number>, share: number): number => {
  const bound = conformalBound(observations, share)
  return bound._tag === "Bound" ? bound.millis : Infinity
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

describe("the conformal bound", () => {
  it("is the ceil((K + 1)(1 - a))-th smallest, once K is enough for that", () => {
    assert.deepStrictEqual(conformalBound(upTo(99), 0.01), { _tag: "Bound", millis: 99, runs: 99, needed: 99 })
    assert.deepStrictEqual(conformalBound(upTo(98), 0.01), { _tag: "NotLearned", runs: 98, needed: 99 })
    assert.deepStrictEqual(conformalBound(upTo(199), 0.01), { _tag: "Bound", millis: 198, runs: 199, needed: 99 })
    assert.deepStrictEqual(conformalBound(upTo(198), 0.005), { _tag: "NotLearned", runs: 198, needed: 199 })
    assert.strictEqual(limit(upTo(199), 0.005), 199)
    assert.strictEqual(limit(upTo(399), 0.005), 398)
    assert.strictEqual(limit(upTo(1999), 0.005), 1990)
    assert.strictEqual(limit(upTo(99), 0.29), 71)
    assert.strictEqual(limit(upTo(99), 0.07), 93)
  })

  it("is none where the censored reach it, and says so", () => {
    const censored = [...upTo(198), Infinity]
    assert.deepStrictEqual(conformalBound(censored, 0.005), { _tag: "Unbounded", runs: 199, needed: 199 })
    assert.strictEqual(limit([...upTo(398), Infinity], 0.005), 398)
    assert.strictEqual(conformalBound([...upTo(98), Number.NaN], 0.01)._tag, "Unbounded")
    assert.strictEqual(limit([...upTo(198), Number.NaN], 0.01), 198)
  })

  it("is never learned for a share of nothing, and is the least for a share of all", () => {
    for (const share of [0, -1, Number.NaN]) {
      assert.deepStrictEqual(conformalBound(upTo(500), share), { _tag: "NotLearned", runs: 500, needed: Infinity })
    }
    for (const share of [1, 7, Infinity]) assert.strictEqual(limit(upTo(500), share), 1)
    assert.deepStrictEqual(conformalBound([], 1), { _tag: "NotLearned", runs: 0, needed: 1 })
  })

  it.prop("needs the smallest K that the formula allows", [Share], ([share]) => {
    const needed = runsNeeded(share)
    // In whole thousandths, which are exact.
    const enough = (count: number) => Math.ceil((count + 1) * (1000 - Math.round(1000 * share)) / 1000) <= count
    assert.isTrue(enough(needed))
    assert.isTrue(needed === 1 || !enough(needed - 1))
  }, runs)

  it("is learned from one run less than one over the share, whatever that is as a binary fraction", () => {
    for (let runs = 2; runs <= 3000; runs++) {
      assert.strictEqual(runsNeeded(1 / runs), runs - 1)
      assert.strictEqual(limit(upTo(runs - 1), 1 / runs), runs - 1)
    }
  })

  it.prop("is the formula's, counted in whole thousandths", [someMillis, Share], ([observations, share]) => {
    const rank = Math.ceil((observations.length + 1) * (1000 - Math.round(1000 * share)) / 1000)
    const sorted = observations.toSorted((one, other) => one === other ? 0 : one - other)
    assert.strictEqual(
      limit(observations, share),
      rank > sorted.length ? Infinity : sorted[Math.max(0, rank - 1)] ?? Infinity
    )
  }, runs)

  it.prop("covers: leave any one of K + 1 out, and at most (K + 1) a of them exceed what the others say", [
    Arbitrary.array(oneMillis, { minLength: 1, maxLength: 60 }),
    Share
  ], ([observations, share]) => {
    const exceeding = (some: ReadonlyArray<number>) =>
      some.filter((one, index) => one > limit(some.toSpliced(index, 1), share)).length
    const most = Math.floor(observations.length * Math.round(1000 * share) / 1000)
    assert.isAtMost(exceeding(observations), most)
    // Without ties it is exactly as many as it may be, if there are enough of them.
    const distinct = observations.map((one, index) => Math.min(one, 1e6) * 100 + index)
    const expected = distinct.length <= runsNeeded(share) ? 0 : Math.min(most, distinct.length - 1)
    assert.strictEqual(exceeding(distinct), expected)
  }, runs)

  it("covers the next of exchangeable draws: by chance, from a seed, with a heavy tail and a common fate", () => {
    const trials = 20_000
    for (const [count, share, seed] of [[19, 0.05, 1], [45, 0.05, 2], [99, 0.01, 3]] as const) {
      const random = randomOf(seed)
      let exceeded = 0
      for (let trial = 0; trial < trials; trial++) {
        // All draws of a trial share a scale: they are exchangeable, but not independent.
        const scale = 1 / (0.01 + random())
        const draws = Array.from({ length: count + 1 }, () => scale * (1 - random()) ** -1.5)
        if (draws[0]! > limit(draws.slice(1), share)) exceeded++
      }
      const expected = Math.floor((count + 1) * share) / (count + 1)
      const fourSigma = 4 * Math.sqrt(expected * (1 - expected) / trials)
      assert.isAtMost(expected, share)
      assert.isAtMost(exceeded / trials, expected + fourSigma)
      assert.isAtLeast(exceeded / trials, expected - fourSigma)
    }
  })

  it.prop("never falls when an observation grows or is censored", [someMillis, Index, oneMillis, Share], (
    [observations, at, more, share]
  ) => {
    const index = at % Math.max(1, observations.length)
    const before = limit(observations, share)
    const grown = observations.map((one, where) => where === index ? one + more : one)
    const censored = observations.map((one, where) => where === index ? Infinity : one)
    assert.isAtLeast(limit(grown, share), before)
    assert.isAtLeast(limit(censored, share), before)
    assert.isAtLeast(limit(censored, share), limit(grown, share))
  }, runs)

  it.prop(
    "never falls when a censored run is added to enough others",
    [someMillis, Share],
    ([observations, share]) => {
      assert.isAtLeast(limit([...observations, Infinity], share), limit(observations, share))
    },
    runs
  )

  it.prop("never rises with the share", [someMillis, Share, Share], ([observations, one, other]) => {
    const [less, more] = [Math.min(one, other), Math.max(one, other)]
    assert.isAtMost(limit(observations, more), limit(observations, less))
    assert.isAtMost(runsNeeded(more), runsNeeded(less))
  }, runs)

  it.prop("does not know the order, and is one of the observations", [someMillis, Index, Share], (
    [observations, seed, share]
  ) => {
    const random = randomOf(seed)
    const shuffled = observations
      .map((one) => ({ one, order: random() }))
      .toSorted((one, other) => one.order - other.order)
      .map(({ one }) => one)
    assert.deepStrictEqual(conformalBound(shuffled, share), conformalBound(observations, share))
    const bound = conformalBound(observations, share)
    if (bound._tag === "Bound") assert.include(observations, bound.millis)
    assert.strictEqual(bound.runs, observations.length)
    assert.strictEqual(bound._tag === "NotLearned", observations.length < bound.needed)
  }, runs)
})
