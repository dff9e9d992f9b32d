/** Where the bars of a strip stand. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { Mark } from "../../src/web/Frame.ts"
import { BUCKET_MILLIS, PITCH, stripShape } from "../../src/web/page/stripShape.ts"

const now = 100_000
const shape = (marks: ReadonlyArray<Mark>, width = 300) =>
  stripShape({ marks, ends: [], silentSinceMillis: undefined }, now, width)

describe("stripShape", () => {
  it("has one bar for each quarter of a second, in octaves of tokens", () => {
    const levels = [1, 2, 3, 4, 127, 128, 5_000].map((tokens) => shape([[99_900, tokens, 0]]).bars[0]?.level)
    assert.deepStrictEqual(levels, [1, 2, 2, 3, 7, 8, 8])
    assert.lengthOf(shape([[99_000, 1, 0], [99_100, 1, 0], [99_249, 1, 0], [99_250, 1, 0]]).bars, 2)
  })

  it("tells channels apart within a quarter", () => {
    const { bars } = shape([[99_000, 4, 1], [99_100, 1, 0]])
    assert.deepStrictEqual(bars.map(({ channel, level }) => [channel, level]), [[0, 1], [1, 3]])
  })

  it("moves to the left as time goes on, and no further than the strip is wide", () => {
    const marks: ReadonlyArray<Mark> = [[99_000, 1, 0]]
    const at = (time: number, width: number) =>
      stripShape({ marks, ends: [], silentSinceMillis: undefined }, time, width).bars[0]?.fromRight
    assert.strictEqual(at(100_000, 300), 4 * PITCH)
    assert.strictEqual(at(101_000, 300), 8 * PITCH)
    assert.isUndefined(at(100_000, 11))
  })

  it("shows silence from its beginning to now, and an end where an attempt was given up", () => {
    const end = { atMillis: 95_000, verdict: "stalled" as const, silentSinceMillis: 90_000 }
    const { stretches } = stripShape({ marks: [], ends: [end], silentSinceMillis: 97_000 }, now, 300)
    const pixels = (millis: number) => millis / BUCKET_MILLIS * PITCH
    assert.deepStrictEqual(stretches, [
      { fromRight: pixels(10_000), toRight: pixels(5_000), kind: "stalled" },
      { fromRight: pixels(3_000), toRight: 0, kind: "quiet" }
    ])
    assert.deepStrictEqual(stripShape({ marks: [], ends: [], silentSinceMillis: 99_500 }, now, 300).stretches, [])
    assert.deepStrictEqual(
      stripShape({ marks: [], ends: [end], silentSinceMillis: undefined }, 400_000, 300).stretches,
      []
    )
  })

  const Gap = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3_000 }))

  it.prop(
    "has a bar for every quarter in sight in which a token came, and for no other",
    [Schema.Array(Gap)],
    ([gaps]) => {
      let at = now
      const marks = gaps.map((gap): Mark => [at -= gap, 1, 0]).toReversed()
      const { bars } = shape(marks)
      const oldest = now - 300 / PITCH * BUCKET_MILLIS
      const quarters = new Set(
        marks.filter(([time]) => time >= oldest).map(([time]) => Math.floor(time / BUCKET_MILLIS))
      )
      assert.strictEqual(bars.length, quarters.size)
      assert.strictEqual(new Set(bars.map(({ fromRight }) => fromRight)).size, bars.length)
    },
    { arbitrary: { runs: 300 } }
  )
})
