/**
 * What a grader says about an answer: a score with the outcome of every hidden test and one line for people.
 *
 * Laws: where there are hidden tests, `score` is the share of those that passed, `passed` means all of them, and `tests`
 * stand in their order; graders without tests leave `tests` empty, and `passed` means the score that the task asks for. An answer without code, with a syntax error, without the function, that never ends or crashes has
 * a grade (it is the agent's answer that fails); what the grader itself cannot do is a `GradingError`.
 *
 * Gotcha: neither details nor the explanation contain an expected value or the arguments of a hidden test, so a grade
 * may be shown to anyone. They do contain what the answer returned or threw: escape it before it goes into a page.
 */
import * as Schema from "effect/Schema"

/** The longest detail, in UTF-16 units. */
export const detailLimit = 200
/** The longest explanation, in UTF-16 units. */
export const explanationLimit = 300

export const TestOutcome = Schema.Literals(["passed", "wrong-value", "threw", "timed-out", "not-run"])
export type TestOutcome = typeof TestOutcome.Type

export const TestResult = Schema.Struct({
  outcome: TestOutcome,
  detail: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(detailLimit)))
})
export type TestResult = typeof TestResult.Type

/** What a grader says about an answer. */
export const Grade = Schema.Struct({
  /** From 0 to 1. */
  score: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  /** Whether that is enough. */
  passed: Schema.Boolean,
  /** The outcomes of hidden tests, in their order; empty where there are none. */
  tests: Schema.Array(TestResult),
  /** One line for people, which everybody may see. */
  explanation: Schema.String.check(Schema.isMaxLength(explanationLimit))
})
export type Grade = typeof Grade.Type

/** Makes one well-formed line of at most `limit` UTF-16 units out of any text. */
export const oneLine = (text: string, limit: number): string => {
  // The text may be huge, and the part that is kept shrinks by at most the white space at its ends.
  const line = text.slice(0, limit * 4).replace(/[\s\p{Cc}]+/gu, " ").trim().toWellFormed()
  return line.length <= limit ? line : `${line.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, "")}…`
}

const countOf = (tests: ReadonlyArray<TestResult>, outcome: TestOutcome): number =>
  tests.reduce((count, test) => test.outcome === outcome ? count + 1 : count, 0)

const firstFailure = (tests: ReadonlyArray<TestResult>): string => {
  const index = tests.findIndex((test) => test.outcome !== "passed")
  const test = tests[index]
  if (test === undefined) return ""
  return `; test ${index + 1} ${test.outcome}${test.detail === undefined ? "" : `: ${test.detail}`}`
}

/** The grade that follows from the outcomes of the hidden tests (at least one). */
export const fromTests = (tests: ReadonlyArray<TestResult>): Grade => {
  const passed = countOf(tests, "passed")
  return {
    score: passed / tests.length,
    passed: passed === tests.length,
    tests,
    explanation: oneLine(`${passed} of ${tests.length} hidden tests passed${firstFailure(tests)}`, explanationLimit)
  }
}

/**
 * The grade that a score from 0 to 1 makes, for graders without hidden tests; it passes with `passingScore` or more.
 */
export const fromScore = (score: number, passingScore: number, reason: string): Grade => ({
  score,
  passed: score >= passingScore,
  tests: [],
  explanation: oneLine(reason, explanationLimit)
})

/**
 * The grade that somebody else's judgement makes: it passes if it says so, or else with the full score. `undefined` if its
 * score is none.
 */
export const fromJudgement = (given: {
  readonly score: number
  readonly explanation: string
  readonly passed?: boolean | undefined
}): Grade | undefined =>
  given.score >= 0 && given.score <= 1
    ? { ...fromScore(given.score, 1, given.explanation), passed: given.passed ?? given.score === 1 }
    : undefined

/** The grade of an answer of which no hidden test could be run: a score of 0, with the reason. */
export const unusable = (testCount: number, reason: string): Grade => ({
  score: 0,
  passed: false,
  tests: Array.from({ length: testCount }, () => ({ outcome: "not-run" as const })),
  explanation: oneLine(reason, explanationLimit)
})
