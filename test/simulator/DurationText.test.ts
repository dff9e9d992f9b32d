// Times as users write them: units, plain milliseconds, and what is refused.
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Millis, millisOf } from "../../src/simulator/DurationText.ts"

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
      "2 minutes": 120_000
    }
    for (const [text, millis] of Object.entries(texts)) {
      assert.closeTo(millisOf(text) ?? NaN, millis, 1e-9, text)
      assert.deepStrictEqual(decode(text), Result.succeed(millisOf(text) ?? NaN), text)
    }
    assert.deepStrictEqual(decode(12.5), Result.succeed(12.5))
  })

  it("refuses what is no time, or negative, or endless", () => {
    for (
      const text of ["", " ", "soon", "-1", "-5ms", "1.5 s", "5 m", "10x", "ms", "s5", "Infinity", "NaN", "-1 seconds"]
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
})
