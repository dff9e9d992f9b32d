import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { decode, encode } from "../../src/campaign/TokenTimings.ts"

const gaps = Schema.Array(Schema.Tuple([
  Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 10_000_000 })),
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 }))
]))

describe("TokenTimings", () => {
  it.prop("gives back times to a tenth of a millisecond, without drift, and exact tokens", [gaps], ([pairs]) => {
    let atMillis = 0
    const arrivals = pairs.map(([gap, tokens]) => ({ atMillis: atMillis += gap, tokens }))
    const decoded = decode(encode(arrivals))
    assert.deepStrictEqual(decoded.map(({ tokens }) => tokens), arrivals.map(({ tokens }) => tokens))
    for (const [index, arrival] of decoded.entries()) {
      assert.closeTo(arrival.atMillis, arrivals[index]!.atMillis, 0.0501)
    }
  })

  it("is small: 500 tokens 20 ms apart", () => {
    const arrivals = Array.from({ length: 500 }, (_, index) => ({ atMillis: 400 + index * 20, tokens: 1 }))
    assert.isAtMost(encode(arrivals).length, 1502)
  })

  it("reads what is left of a cut-off record", () => {
    const bytes = encode([{ atMillis: 1, tokens: 1 }, { atMillis: 500, tokens: 2 }])
    assert.deepStrictEqual(decode(bytes.slice(0, -1)), [{ atMillis: 1, tokens: 1 }])
    assert.deepStrictEqual(decode(new Uint8Array()), [])
  })
})
