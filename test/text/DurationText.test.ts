// Times as users write them: units, plain milliseconds, and what is refused.
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Millis, millisOf, textOf, TimeFromText, timeOf } from "../../src/text/DurationText.ts"

const decode = Schema.decodeUnknownResult(Millis)

describe("DurationText", () => {
  it("reads units, several of them, words and plain milliseconds", () => {
    const texts = {
      "100ms": 100,
      "1.5s": 1500,
      "2m": 120_000,
      "1m30s": 90_000,
      "1h": 3_600_000,
      "250us": 0.25,
      "3µs": 0.003,
      "500ns": 0.0005,
      ".5s": 500,
      "1.s": 1000,
      "0": 0,
      "0.1": 0.1,
      "1e3": 1000,
      " 20 ": 20,
      "90 seconds": 90_000,
      "2 minutes": 120_000,
      "1.5 s": 1500,
      "2min": 120_000,
      "2 min 10 s": 130_000,
      "1 h 1 s": 3_601_000,
      "1e3 ms": 1000
    }
    for (const [text, millis] of Object.entries(texts)) {
      assert.closeTo(millisOf(text) ?? NaN, millis, 1e-9, text)
      assert.deepStrictEqual(decode(text), Result.succeed(millisOf(text) ?? NaN), text)
    }
    assert.deepStrictEqual(decode(12.5), Result.succeed(12.5))
  })

  it("refuses what is no time, or negative, or endless", () => {
    for (
      const text of [
        "",
        " ",
        "soon",
        "-1",
        "-5ms",
        "5 mi",
        "2 mins ago",
        "10x",
        "ms",
        "s5",
        "Infinity",
        "NaN",
        "-1 seconds"
      ]
    ) {
      assert.strictEqual(millisOf(text), undefined, text)
      assert.isTrue(Result.isFailure(decode(text)), text)
    }
    for (const value of [-1, NaN, Infinity, null, {}]) assert.isTrue(Result.isFailure(decode(value)), String(value))
  })

  it("says what was expected and what it got", () => {
    const failure = Result.getOrThrow(Result.flip(decode("soon")))
    assert.match(failure.message, /Expected a time such as 100ms, 1\.5s, 2m or 250us.*; got "soon"/)
  })

  it.prop("means the same with a unit as without", [
    Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1e9 }))
  ], ([
    millis
  ]) => {
    assert.strictEqual(millisOf(String(millis)), millis)
    assert.closeTo(millisOf(`${millis.toFixed(6)}ms`)!, millis, 1e-6)
    assert.closeTo(millisOf(`${(millis / 1000).toFixed(9)}s`)!, millis, 1e-6)
  })
  it("takes no number without a unit where a person waits, except nothing at all", () => {
    const read = Schema.decodeUnknownResult(TimeFromText)
    for (const text of ["90", "1e3", " 5.5 ", ".5"]) {
      assert.strictEqual(timeOf(text), undefined, text)
      assert.match(Result.getOrThrow(Result.flip(read(text))).message, /Expected a time such as 90s.*; got/)
    }
    assert.deepStrictEqual(["0", "0.0", "90s", "1e3 ms"].map(timeOf), [0, 0, 90_000, 1000])
  })

  it("is written as briefly as it can be read", () => {
    assert.deepStrictEqual([0, 250, 1500, 60_000, 119_000, 120_000, 130_000, 130_500, 900_000, 5_400_000].map(textOf), [
      "0 s",
      "250 ms",
      "1.5 s",
      "60 s",
      "119 s",
      "2 min",
      "2 min 10 s",
      "130500 ms",
      "15 min",
      "1 h 30 min"
    ])
  })

  it.prop("is read as it was written", [
    Schema.Union([
      Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1e12 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e12 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 })),
      Schema.Literals([1e-9, 1001, 3_600_000, 3_661_000])
    ])
  ], ([millis]) => {
    assert.strictEqual(millisOf(textOf(millis)), millis)
    assert.strictEqual(timeOf(textOf(millis)), millis)
  }, { arbitrary: { runs: 1000 } })
})
