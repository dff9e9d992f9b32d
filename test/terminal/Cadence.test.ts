import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Cadence from "../../src/terminal/Cadence.ts"

const Arrivals = Schema.Array(Schema.Struct({
  afterMillis: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_500 })),
  tokens: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))
}))

describe("Cadence", () => {
  it.prop("every token is in the bucket of its time, and memory is bounded", [Arrivals], ([arrivals]) => {
    let cadence = Cadence.begin(0)
    let now = 0
    const expected = new Map<number, number>()
    for (const { afterMillis, tokens } of arrivals) {
      now += afterMillis
      cadence = Cadence.step(cadence, now, tokens)
      const index = Math.floor(now / Cadence.BUCKET_MILLIS)
      expected.set(index, (expected.get(index) ?? 0) + tokens)
      assert.isAtMost(cadence.past.length, Cadence.BUCKETS)
    }
    const complete = Math.floor(now / Cadence.BUCKET_MILLIS) + 1
    const shown = Cadence.recent(cadence, now + Cadence.BUCKET_MILLIS, Cadence.BUCKETS)
    const count = Math.min(complete, Cadence.BUCKETS)
    assert.deepStrictEqual(
      shown,
      Array.from({ length: count }, (_, index) => expected.get(complete - count + index) ?? 0)
    )
  })

  it("shows no bucket before it is complete", () => {
    const cadence = Cadence.step(Cadence.begin(1_010), 1_020, 5)
    assert.deepStrictEqual(Cadence.recent(cadence, 1_249, 10), [])
    assert.isUndefined(Cadence.rate(cadence, 1_249, 5_000))
    assert.deepStrictEqual(Cadence.recent(cadence, 1_250, 10), [5])
    assert.deepStrictEqual(Cadence.recent(cadence, 1_800, 10), [5, 0, 0])
    assert.deepStrictEqual(Cadence.recent(cadence, 1_800, 2), [0, 0])
    assert.deepStrictEqual(Cadence.recent(cadence, 1_800, 0), [])
  })

  it("takes the rate over the window, or since the beginning", () => {
    let cadence = Cadence.begin(0)
    for (let at = 0; at < 20_000; at += 50) cadence = Cadence.step(cadence, at, 2)
    assert.strictEqual(Cadence.rate(cadence, 20_000, 5_000), 40)
    assert.strictEqual(Cadence.rate(cadence, 22_500, 5_000), 20)
    assert.strictEqual(Cadence.rate(cadence, 60_000, 5_000), 0)
    assert.strictEqual(Cadence.rate(cadence, 20_000, 5_000, 19_500), 40)
    assert.isUndefined(Cadence.rate(cadence, 20_000, 5_000, 20_000))
  })

  it("stays right over a silence longer than it remembers, and takes late tokens as new ones", () => {
    const cadence = Cadence.step(Cadence.step(Cadence.begin(0), 10, 7), 3_600_000, 3)
    assert.strictEqual(cadence.past.length, Cadence.BUCKETS)
    assert.isTrue(cadence.past.every((tokens) => tokens === 0))
    assert.strictEqual(Cadence.step(cadence, 1_000, 4).tokens, 7)
  })
})
