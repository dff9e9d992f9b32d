/**
 * What is asked of an agent under test, with the way its answer is graded.
 *
 * A task is plain data: it is written in files, sent to a green agent inside an assessment request and stored with
 * its campaign, so everything here is encoded by its schema. The grader inside a task is chosen by its tag; see
 * `Grader.ts` for what a grade means.
 *
 * Gotcha: the expected values of hidden tests travel from the campaign runner to the green agent. They never reach
 * the purple agent, nor the process that runs the answer.
 */
import * as Schema from "effect/Schema"

/** One hidden test: the function is called with `arguments` and must return a value equal (as JSON) to `expected`. */
export const HiddenTest = Schema.Struct({
  arguments: Schema.Array(Schema.Unknown),
  expected: Schema.Unknown
})
export type HiddenTest = typeof HiddenTest.Type

/** The name of a JavaScript function: an identifier (a dotted path or an expression is not one). */
export const FunctionName = Schema.String.check(
  Schema.isPattern(/^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u, {
    expected: "the name of a JavaScript function"
  })
)

/** How an answer becomes a score. */
export const GraderSpecification = Schema.TaggedUnion({
  /** Runs the JavaScript function `functionName` of the answer against hidden tests in a sandbox. */
  JavaScriptTests: {
    functionName: FunctionName,
    tests: Schema.NonEmptyArray(HiddenTest)
  }
})
export type GraderSpecification = typeof GraderSpecification.Type

export const Task = Schema.Struct({
  id: Schema.NonEmptyString,
  prompt: Schema.NonEmptyString,
  grader: GraderSpecification
})
export type Task = typeof Task.Type
