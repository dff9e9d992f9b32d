import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { isJson, sameJson } from "../../src/grading/JsonEquality.ts"

const reversedKeys = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversedKeys)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).toReversed().map(([key, item]) => [key, reversedKeys(item)]))
}

/** An independent reading of equality: canonical texts. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`)
  return `{${fields.toSorted().join()}}`
}

describe("JsonEquality", () => {
  it.prop(
    "a value equals itself after a trip through JSON, with its keys in another order",
    [Schema.Json],
    ([value]) => {
      assert.isTrue(sameJson(value, JSON.parse(JSON.stringify(value))))
      assert.isTrue(sameJson(reversedKeys(value), value))
    }
  )

  it.prop("agrees with canonical texts, both ways", [Schema.Json, Schema.Json], ([left, right]) => {
    assert.strictEqual(sameJson(left, right), canonical(left) === canonical(right))
    assert.strictEqual(sameJson(right, left), sameJson(left, right))
  })

  it("knows the hard cases", () => {
    assert.isTrue(sameJson(-0, 0))
    assert.isFalse(sameJson(0.1 + 0.2, 0.3))
    assert.isFalse(sameJson(1, "1"))
    assert.isFalse(sameJson(null, {}))
    assert.isFalse(sameJson([], {}))
    assert.isFalse(sameJson({}, []))
    assert.isFalse(sameJson([1], [1, 2]))
    assert.isFalse(sameJson({ a: 1 }, { b: 1 }))
    assert.isFalse(sameJson({ a: 1 }, { a: 1, b: 2 }))
    assert.isFalse(sameJson({}, JSON.parse("{\"__proto__\":1}")))
    assert.isFalse(sameJson({ toString: 1 }, {}))
    assert.isTrue(sameJson(JSON.parse("{\"__proto__\":1}"), JSON.parse("{\"__proto__\":1}")))
  })

  it("says what is not JSON", () => {
    const cyclic: Array<unknown> = []
    cyclic.push(cyclic)
    for (const value of [cyclic, Number.NaN, Infinity, undefined, 1n, [undefined], { a: undefined }, new Map()]) {
      assert.isFalse(isJson(value))
    }
    assert.isTrue(isJson({ a: [1, "b", null, true] }))
  })
})
