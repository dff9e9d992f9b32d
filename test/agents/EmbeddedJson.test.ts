import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { jsonIn } from "../../src/agents/EmbeddedJson.ts"

const objects = Schema.Record(Schema.String, Schema.Json)

describe("JSON in text", () => {
  it.prop("is found as it was written, between words", [
    Schema.Array(objects),
    Schema.Literals(["", " ", "\n", " and: "])
  ], ([
    values,
    between
  ]) => {
    const text = values.map((value) => JSON.stringify(value)).join(`${between}then `)
    assert.deepStrictEqual(jsonIn(`so ${text} done`), JSON.parse(JSON.stringify(values)))
    for (const value of values) {
      assert.deepStrictEqual(jsonIn(JSON.stringify(value, null, 2)), [JSON.parse(JSON.stringify(value))])
    }
  }, { arbitrary: { runs: 500 } })

  it("is not a number, a word, or what only begins like it", () => {
    for (const text of ["", "5", "true", "null", "\"{}\"", "{x}", "[1, 2", "a ] } b", "{\"a\": }"]) {
      assert.deepStrictEqual(jsonIn(text), [])
    }
  })

  it("goes on behind what is none", () => assert.deepStrictEqual(jsonIn("{x} [y] {\"a\": 1}"), [{ a: 1 }]))

  it("may be what Python writes", () => {
    assert.deepStrictEqual(jsonIn("{\"a\": NaN, \"b\": [-Infinity,Infinity], \"c\": \"NaN\"}"), [
      { a: null, b: [null, null], c: "NaN" }
    ])
  })

  it("takes no longer than it may", () => {
    const began = process.hrtime.bigint()
    for (const text of ["{".repeat(2e6), "[\"".repeat(1e6), "{\"a\":".repeat(4e5)]) jsonIn(text)
    assert.isBelow(Number(process.hrtime.bigint() - began) / 1e6, 1000)
  })
})
