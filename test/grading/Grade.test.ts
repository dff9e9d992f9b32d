import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { detailLimit, fromTests, Grade, oneLine, TestOutcome, unusable } from "../../src/grading/Grade.ts"
import { GradingError, GradingFailure } from "../../src/grading/GradingError.ts"
import { sameJson } from "../../src/grading/JsonEquality.ts"

const isGrade = Schema.is(Grade)

describe("Grade", () => {
  it.prop("the score is the share of tests that passed", [Schema.NonEmptyArray(TestOutcome)], ([outcomes]) => {
    const grade = fromTests(outcomes.map((outcome) => ({ outcome })))
    const passed = outcomes.filter((outcome) => outcome === "passed").length
    assert.isTrue(isGrade(grade))
    assert.strictEqual(grade.score, passed / outcomes.length)
    assert.strictEqual(grade.passed, grade.score === 1)
    assert.isTrue(grade.explanation.startsWith(`${passed} of ${outcomes.length} hidden tests passed`))
  })

  it.prop("any text becomes one short, well-formed line", [Schema.String, Schema.Int], ([text, count]) => {
    const line = oneLine(text.repeat(Math.abs(count) % 300), detailLimit)
    assert.isAtMost(line.length, detailLimit)
    assert.isTrue(line.isWellFormed())
    assert.notMatch(line, /[\p{Cc}\u2028\u2029]/u)
  })

  it("cuts no character in two", () => {
    assert.strictEqual(oneLine("ab😀cd", 4), "ab…")
    assert.strictEqual(oneLine(" a\r\n\tb ", 10), "a b")
    assert.isTrue(oneLine("\ud800", 10).isWellFormed())
  })

  it("explains the first failure", () => {
    const grade = fromTests([{ outcome: "passed" }, { outcome: "wrong-value", detail: "returned \"IIII\"" }])
    assert.strictEqual(grade.explanation, "1 of 2 hidden tests passed; test 2 wrong-value: returned \"IIII\"")
    assert.isFalse(grade.passed)
  })

  it("gives 0 with a reason to what cannot be run", () => {
    const grade = unusable(3, "the answer contains\nno code")
    assert.isTrue(isGrade(grade))
    assert.strictEqual(grade.score, 0)
    assert.deepStrictEqual(grade.tests.map(({ outcome }) => outcome), ["not-run", "not-run", "not-run"])
    assert.strictEqual(grade.explanation, "the answer contains no code")
  })

  it.prop("a grading error survives its encoding and says what happened", [GradingFailure], ([reason]) => {
    const error = new GradingError({ reason })
    const decoded = Schema.decodeUnknownSync(GradingError)(
      JSON.parse(JSON.stringify(Schema.encodeSync(GradingError)(error)))
    )
    assert.strictEqual(decoded.message, error.message)
    assert.isTrue(sameJson(decoded.reason, reason))
  })
})
