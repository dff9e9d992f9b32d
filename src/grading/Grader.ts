/**
 * Grades an answer as its task says: the one service of this folder that the rest of the campaign uses.
 *
 * Laws: every answer has a grade, whatever it contains; only what is wrong with the grader or with the task is a
 * `GradingError`. Equal answers get equal grades (as far as the answer's own code is deterministic).
 *
 * Gotcha: expected values are compared here, in this process; they are never sent to the sandbox.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as AnswerCode from "./AnswerCode.ts"
import { detailLimit, fromTests, type Grade, oneLine, type TestResult, unusable } from "./Grade.ts"
import { GradingError } from "./GradingError.ts"
import { isJson, sameJson } from "./JsonEquality.ts"
import { Sandbox } from "./Sandbox.ts"
import { SandboxOutcome } from "./SandboxOutcome.ts"
import { FunctionName, GraderSpecification } from "./Task.ts"

/** Code beyond this is not run; in UTF-16 units. Nobody writes that much for one function. */
export const codeLimit = 200_000

type Service = Context.Service.Shape<typeof Grader>
type JavaScriptTests = typeof GraderSpecification.cases.JavaScriptTests.Type

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

/** Why the task cannot be graded, whatever the answer; a specification made in code has passed no schema. */
const whyInvalid = ({ functionName, tests }: JavaScriptTests): string | undefined => {
  if (!isFunctionName(functionName)) return `"${functionName}" cannot be the name of a function`
  const badTest = tests.findIndex((test) => !isJson(test.expected) || !isJson(test.arguments))
  return badTest === -1 ? undefined : `test ${badTest + 1} is not JSON`
}

export class Grader extends Context.Service<Grader, {
  /** The grade of an answer. Fails with a `GradingError` where neither the answer nor the agent is to blame. */
  readonly grade: (specification: GraderSpecification, answer: string) => Effect.Effect<Grade, GradingError>
}>()("a2a-campaign/Grader") {
  static readonly layerNoDeps = Layer.effect(
    Grader,
    Effect.gen(function*() {
      const sandbox = yield* Sandbox

      const javaScriptTests = Effect.fnUntraced(function*(specification: JavaScriptTests, answer: string) {
        const { functionName, tests } = specification
        const detail = whyInvalid(specification)
        if (detail !== undefined) {
          return yield* new GradingError({ reason: { _tag: "InvalidSpecification", detail } })
        }
        const found = AnswerCode.fromAnswer(answer, functionName)
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

      const grade = Effect.fn("Grader.grade")(function*(specification: GraderSpecification, answer: string) {
        return yield* GraderSpecification.match(specification, {
          JavaScriptTests: (javaScript) => javaScriptTests(javaScript, answer)
        })
      })
      return Grader.of({ grade })
    })
  )

  static readonly layer = this.layerNoDeps.pipe(Layer.provide(Sandbox.layer))

  /** A grader that decides by a function, for tests of what uses grades. */
  static readonly layerTest = (grade: Service["grade"]) => Layer.succeed(Grader, { grade })
}
