/** Pooled gaps are counted exactly, and bounded by how many attempts they are of. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { nearestRank } from "../../src/campaign/nearestRank.ts"
import { PooledGaps } from "../../src/report/PooledGaps.ts"
import { runs } from "../support/propertyRuns.ts"

/** Tenths of a millisecond. */
const Gaps = Schema.Array(Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 }))))

const arrivalsOf = (gaps: ReadonlyArray<number>) => {
  let units = 0
  return [0, ...gaps].map((gap) => ({ atMillis: (units += gap) / 10, tokens: 1 }))
}

const pooled = (attempts: ReadonlyArray<ReadonlyArray<number>>): PooledGaps => {
  const gaps = new PooledGaps()
  for (const attempt of attempts) gaps.add(arrivalsOf(attempt))
  return gaps
}

const percentileOf = (gaps: PooledGaps, share: number) =>
  gaps.distribution([]).percentiles.find((percentile) => percentile.share === share)!

/** A fixed sequence of numbers between 0 and 1 (Mulberry32). */
const randomFrom = (seed: number) => {
  let state = seed
  return () => {
    state = state + 0x6d2b79f5 | 0
    let mixed = Math.imul(state ^ state >>> 15, 1 | state)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32
  }
}

describe("PooledGaps", () => {
  it.prop("counts what sorting all gaps gives, in one go or merged", [Gaps, Gaps], ([some, others]) => {
    const merged = pooled(some)
    merged.merge(pooled(others))
    const all = [...some, ...others]
    const distribution = merged.distribution([])
    assert.deepStrictEqual(distribution, pooled(all).distribution([]))
    const sorted = all.flat().toSorted((left, right) => left - right)
    assert.strictEqual(distribution.n, sorted.length)
    assert.strictEqual(distribution.clusters, all.filter(({ length }) => length > 0).length)
    assert.strictEqual(distribution.least, sorted.length === 0 ? null : sorted[0]! / 10)
    assert.strictEqual(distribution.most, sorted.length === 0 ? null : sorted.at(-1)! / 10)
    assert.strictEqual(distribution.bins.reduce((sum, { count }) => sum + count, 0), sorted.length)
    for (const { lower, share, upper, value } of distribution.percentiles) {
      if (value === null) continue
      assert.strictEqual(value, sorted[nearestRank(sorted.length, share) - 1]! / 10)
      assert.isAtMost(lower!, value)
      assert.isAtLeast(upper!, value)
    }
  }, { ...runs, arbitrary: { runs: Math.min(40, runs.arbitrary.runs) } })

  it("takes an arrival of several tokens for one gap, and says how often that was so", () => {
    const gaps = new PooledGaps()
    gaps.add([{ atMillis: 100, tokens: 1 }, { atMillis: 120, tokens: 3 }, { atMillis: 150, tokens: 1 }])
    gaps.add([{ atMillis: 90, tokens: 2 }])
    assert.deepStrictEqual(gaps.basis, { tokens: 7, arrivals: 4, coalesced: 0.5 })
    const { clusters, mean, most, n } = gaps.distribution([])
    assert.deepStrictEqual({ n, clusters, mean, most }, { n: 2, clusters: 1, mean: 25, most: 30 })
  })

  it("bounds nothing by one attempt, however many gaps it has", () => {
    const [median] = pooled([Array.from({ length: 1000 }, (_, index) => 100 + index)]).distribution([]).percentiles
    assert.deepInclude(median, { value: null, lower: null, upper: null })
  })

  it("bounds independent gaps about as order statistics would, and those of like attempts by far not so closely", () => {
    const random = randomFrom(7)
    const width = ({ lower, upper }: ReturnType<typeof percentileOf>) => upper! / lower!
    const independent = pooled(
      Array.from({ length: 400 }, () => Array.from({ length: 50 }, () => 100 + 900 * random() | 0))
    )
    const alike = pooled(Array.from({ length: 400 }, () => {
      const own = 100 + 900 * random() | 0
      return Array.from({ length: 50 }, () => own)
    }))
    // Of 20 000 independent gaps the 9860th and the 10 140th are the bounds: 1.3 % of 450, and the grid's 2.3 % twice.
    assert.isBelow(width(percentileOf(independent, 0.5)), 1.07)
    assert.isAbove(width(percentileOf(alike, 0.5)), 1.12)
    assert.isBelow(width(percentileOf(alike, 0.5)), 1.35)
  })

  it("holds the true percentile in nearly all of 30 campaigns where attempts differ", () => {
    const random = randomFrom(11)
    // Half of the gaps of such attempts are shorter than 50: exponential around a mean that is itself spread evenly.
    const attempt = () => {
      const scale = 20 + 180 * random()
      return Array.from({ length: 20 }, () => Math.round(-Math.log(1 - random()) * scale * 10))
    }
    const truth = Array.from({ length: 20_000 }, attempt).flat().toSorted((left, right) => left - right)
    const missed = new Map<number, number>()
    for (let campaign = 0; campaign < 30; campaign++) {
      const { percentiles } = pooled(Array.from({ length: 60 }, attempt)).distribution([])
      for (const { lower, share, upper } of percentiles) {
        const target = truth[Math.round(truth.length * share)]! / 10
        if (lower !== null && !(lower <= target && target <= upper!)) missed.set(share, (missed.get(share) ?? 0) + 1)
      }
    }
    for (const share of [0.5, 0.9]) assert.isAtMost(missed.get(share) ?? 0, 4, `missed the ${share} percentile`)
  })

  it("needs attempts enough for a high percentile", () => {
    const attempts = (count: number) => pooled(Array.from({ length: count }, () => [100, 110, 120, 130]))
    for (const share of [0.5, 0.9, 0.95, 0.99]) {
      const { needed } = percentileOf(attempts(1), share)
      assert.isNull(percentileOf(attempts(needed - 1), share).value)
      assert.isNotNull(percentileOf(attempts(needed), share).value)
    }
    assert.deepInclude(percentileOf(attempts(381), 0.99), { needed: 381, value: 13 })
  })

  it("bounds the percentile of gaps that are all nothing", () => {
    assert.deepInclude(percentileOf(pooled(Array.from({ length: 40 }, () => [0, 0])), 0.5), { value: 0, lower: 0 })
  })

  it("bounds a percentile from below by nothing where many gaps are nothing, instead of not at all", () => {
    // Nearly half of the tokens came together with the one before; it may be more than half in other attempts.
    const attempt = [0, 0, 0, 0, 0, 0, 0, 0, 0, 300, 300, 300, 300, 300, 300, 300, 300, 300, 300, 300]
    const other = attempt.toSpliced(0, 8, ...Array.from({ length: 8 }, () => 300))
    const more = attempt.toSpliced(-6, 6, 0, 0, 0, 0, 0, 0)
    const median = percentileOf(pooled([attempt, other, more, attempt, other, more, attempt, attempt]), 0.5)
    assert.deepInclude(median, { value: 30, lower: 0, needed: 4 })
    assert.isAtLeast(median.upper!, 30)
  })
})
