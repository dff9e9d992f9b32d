/**
 * Grades code by hidden tests: finds it in the answer, has the sandbox run it, and compares what it returned.
 *
 * Laws: every answer has a grade; what cannot be graded, whatever the answer, is told by `whyInvalid`.
 * Gotcha: expected values are compared here, in this process; they are never sent to the sandbox.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as AnswerCode from "./AnswerCode.ts"
import { detailLimit, fromTests, oneLine, type TestResult, unusable } from "./Grade.ts"
import { GradingError } from "./GradingError.ts"
import { isJson, sameJson } from "./JsonEquality.ts"
import type { Sandbox } from "./Sandbox.ts"
import { SandboxOutcome } from "./SandboxOutcome.ts"
import { FunctionName, type GraderSpecification, PythonFunctionName } from "./Task.ts"

/** Code beyond this is not run; in UTF-16 units. Nobody writes that much for one function. */
export const codeLimit = 200_000

type HiddenTests =
  | typeof GraderSpecification.cases.JavaScriptTests.Type
  | typeof GraderSpecification.cases.PythonTests.Type

const familyOf = ({ _tag }: HiddenTests): AnswerCode.CodeFamily => _tag === "PythonTests" ? "python" : "javascript"

const failedTest = (outcome: TestResult["outcome"], detail: string): TestResult => ({
  outcome,
  detail: oneLine(detail, detailLimit)
})

const passedTest: TestResult = { outcome: "passed" }

/** What was returned, as text; a value may be nested too deep for `JSON.stringify`. */
const preview = (value: unknown): string =>
  Result.getOrElse(Result.try(() => JSON.stringify(value)), () => "a deeply nested value")

const judge = (outcome: SandboxOutcome, expected: unknown): TestResult =>
  SandboxOutcome.match(outcome, {
    Returned: ({ value }) =>
      sameJson(value, expected)
        ? passedTest
        : failedTest("wrong-value", `returned ${preview(value)}`),
    NotJson: ({ detail }) => failedTest("wrong-value", `returned ${detail}`),
    Threw: ({ detail }) => failedTest("threw", detail),
    TimedOut: ({ detail }) => failedTest("timed-out", detail),
    NotRun: ({ detail }) => failedTest("not-run", detail)
  })

/** If no call was made at all, the reason, which is then the same for every call. */
const neverRun = (outcomes: ReadonlyArray<SandboxOutcome>): string | undefined => {
  const [first] = outcomes
  return first !== undefined && SandboxOutcome.guards.NotRun(first) ? first.detail : undefined
}

const isFunctionName = Schema.is(FunctionName)
const isPythonFunctionName = Schema.is(PythonFunctionName)

/** Why the task cannot be graded, whatever the answer; a specification made in code has passed no schema. */
const whyInvalid = (specification: HiddenTests): string | undefined => {
  const { functionName, tests } = specification
  const isName = familyOf(specification) === "python" ? isPythonFunctionName : isFunctionName
  if (!isName(functionName)) return `"${functionName}" cannot be the name of a function`
  const badTest = tests.findIndex((test) => !isJson(test.expected) || !isJson(test.arguments))
  return badTest === -1 ? undefined : `test ${badTest + 1} is not JSON`
}

const orInvalid = (specification: HiddenTests) =>
  Effect.suspend(() => {
    const detail = whyInvalid(specification)
    return detail === undefined
      ? Effect.void
      : Effect.fail(new GradingError({ reason: { _tag: "InvalidSpecification", detail } }))
  })

/** Fails if no answer could be graded by these tests on this machine. */
export const check = (sandbox: Sandbox["Service"], specification: HiddenTests): Effect.Effect<void, GradingError> =>
  Effect.andThen(orInvalid(specification), sandbox.check(familyOf(specification)))

export const grade = Effect.fnUntraced(function*(
  sandbox: Sandbox["Service"],
  specification: HiddenTests,
  answer: string
) {
  const { functionName, tests } = specification
  yield* check(sandbox, specification)
  const found = AnswerCode.fromAnswer(answer, functionName, familyOf(specification))
  if (Option.isNone(found)) return unusable(tests.length, "the answer contains no code")
  if (found.value.code.length > codeLimit) {
    return unusable(tests.length, `the answer's code is longer than ${codeLimit} characters`)
  }
  const outcomes = yield* sandbox.run({
    ...found.value,
    functionName,
    calls: tests.map((test) => test.arguments)
  })
  const reason = neverRun(outcomes)
  if (reason !== undefined) return unusable(tests.length, reason)
  return fromTests(outcomes.map((outcome, index) => judge(outcome, tests[index]?.expected)))
})
