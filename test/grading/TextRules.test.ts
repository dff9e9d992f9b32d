import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { lastNumber, whyWrong } from "../../src/grading/TextRules.ts"

const runs = { arbitrary: { runs: 1000 } }
const number = (text: string) => Option.getOrUndefined(lastNumber(text))
const isRight = (rule: Parameters<typeof whyWrong>[0], text: string) => whyWrong(rule, text) === undefined

describe("TextRules", () => {
  it.prop("reads a number back from prose", [Schema.Finite, Schema.Int], ([value, other]) => {
    assert.strictEqual(number(`First ${other}, and so the answer is ${value}.`), value === 0 ? 0 : value)
    assert.strictEqual(number(`${value}`), value === 0 ? 0 : value)
    assert.isTrue(isRight({ _tag: "Number", expected: value }, `It is **${value}** km`))
  }, runs)

  it.prop("reads thousands separators", [Schema.Int, Schema.Literals([",", "'", "_", "\u2019", "\u00a0", "\u202f"])], (
    [value, separator]
  ) => {
    const written = Math.abs(value).toLocaleString("en-US").replaceAll(",", separator)
    assert.strictEqual(number(`about $${written}.50 in all`), Number(`${Math.abs(value)}.50`))
  }, runs)

  it.each(
    [
      ["It is 42.", 42],
      ["-7", -7],
      ["\u22125 degrees", -5],
      ["5-3", 3],
      ["(1)-4", 4],
      ["x = -.5e3", -500],
      ["1e999", undefined],
      ["3 and 1e999", 3],
      ["H2O and x2", undefined],
      ["v1.2.3", undefined],
      ["between 1 and 2", 2],
      ["1,2345", 2345],
      ["12,34", 34],
      ["100%", 100],
      ["no number", undefined],
      ["", undefined]
    ] as const
  )("reads %j as %s", (text, expected) => {
    assert.strictEqual(number(text), expected)
  })

  it("takes little time for whatever text", () => {
    const began = performance.now()
    for (const text of ["1,111".repeat(100_000), "1".repeat(500_000), "-".repeat(500_000), "1,".repeat(200_000)]) {
      number(text)
    }
    assert.isBelow(performance.now() - began, 2_000)
  })

  it("knows how near is near enough", () => {
    assert.isTrue(isRight({ _tag: "Number", expected: 3.14, tolerance: 0.01 }, "3.15"))
    assert.isFalse(isRight({ _tag: "Number", expected: 3.14, tolerance: 0.01 }, "3.1501"))
    assert.isTrue(isRight({ _tag: "Number", expected: 0.3 }, "0.3"))
    assert.isFalse(isRight({ _tag: "Number", expected: 0.3 }, "0.30000000000000004"))
    assert.strictEqual(whyWrong({ _tag: "Number", expected: 1 }, "maybe"), "there is no number")
    assert.strictEqual(whyWrong({ _tag: "Number", expected: 1 }, "2"), "2 is not the expected number")
  })

  it.prop("a text is exactly itself, and contains itself", [Schema.NonEmptyString, Schema.Boolean], (
    [expected, ignoreCase]
  ) => {
    assert.isTrue(isRight({ _tag: "Exact", expected, ignoreCase }, ` ${expected}\n`))
    assert.isTrue(isRight({ _tag: "Contains", expected, ignoreCase }, `It is ${expected}, I think`))
  }, runs)

  it("looks at case unless told not to, and never at how a letter is composed", () => {
    assert.isFalse(isRight({ _tag: "Exact", expected: "Paris" }, "paris"))
    assert.isTrue(isRight({ _tag: "Exact", expected: "Paris", ignoreCase: true }, "PARIS"))
    assert.isTrue(isRight({ _tag: "Exact", expected: "caf\u00e9" }, "cafe\u0301"))
    assert.isFalse(isRight({ _tag: "Contains", expected: "Paris" }, "in paris"))
    assert.isTrue(isRight({ _tag: "Contains", expected: "Paris", ignoreCase: true }, "in paris"))
  })

  it("does not tell what was expected", () => {
    for (
      const reason of [
        whyWrong({ _tag: "Exact", expected: "secret" }, "x"),
        whyWrong({ _tag: "Contains", expected: "secret" }, "x"),
        whyWrong({ _tag: "Number", expected: 12345 }, "1")
      ]
    ) assert.notMatch(reason ?? "", /secret|12345/)
  })
})
