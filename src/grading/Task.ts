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
import { AnswerPlace } from "./AnswerPlace.ts"

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

/** The name of a Python function: an identifier. */
export const PythonFunctionName = Schema.String.check(
  Schema.isPattern(/^[\p{ID_Start}_]\p{ID_Continue}*$/u, { expected: "the name of a Python function" })
)

/** When a text counts as right. Comparing looks at neither the white space at the ends nor, if so asked, at case. */
export const TextRule = Schema.TaggedUnion({
  /** The text is the expected one. */
  Exact: { expected: Schema.String, ignoreCase: Schema.optionalKey(Schema.Boolean) },
  /** The expected text occurs in it. */
  Contains: { expected: Schema.NonEmptyString, ignoreCase: Schema.optionalKey(Schema.Boolean) },
  /** The JavaScript regular expression finds something in it; `flags` of "imsuv", "" where absent. */
  Regex: { pattern: Schema.NonEmptyString, flags: Schema.optionalKey(Schema.String) },
  /** Its last number is within `tolerance` (absolute; 0 where absent) of the expected one. */
  Number: {
    expected: Schema.Finite,
    tolerance: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)))
  }
})
export type TextRule = typeof TextRule.Type

const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

/** How an answer becomes a score. */
export const GraderSpecification = Schema.TaggedUnion({
  /** Runs the JavaScript function `functionName` of the answer against hidden tests in a sandbox. */
  JavaScriptTests: {
    functionName: FunctionName,
    tests: Schema.NonEmptyArray(HiddenTest)
  },
  /** Runs the Python function `functionName` of the answer against hidden tests in a sandbox; needs `python3`. */
  PythonTests: {
    functionName: PythonFunctionName,
    tests: Schema.NonEmptyArray(HiddenTest)
  },
  /** Compares a text of the answer (the whole of it, where no place is given). 1 or 0. */
  TextMatch: {
    rule: TextRule,
    answer: Schema.optionalKey(AnswerPlace)
  },
  /** Holds the answer's JSON (the first value in it, where no place is given) against a JSON Schema (2020-12). 1 or 0. */
  JsonSchema: {
    schema: Schema.Unknown,
    answer: Schema.optionalKey(AnswerPlace)
  },
  /** Has a judge model score the answer by a rubric. It passes with `passingScore` (1 where absent) or more. */
  ModelGraded: {
    rubric: Schema.NonEmptyString,
    answer: Schema.optionalKey(AnswerPlace),
    passingScore: Schema.optionalKey(Share)
  },
  /**
   * Has a program of the user's score the answer: its executable and arguments, its working directory (absolute; that of
   * this process where absent) and how long it may take (60 000 ms where absent). `passingScore` as above.
   */
  Command: {
    command: Schema.NonEmptyArray(Schema.NonEmptyString),
    workingDirectory: Schema.optionalKey(Schema.NonEmptyString),
    timeLimitMillis: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThan(0))),
    answer: Schema.optionalKey(AnswerPlace),
    passingScore: Schema.optionalKey(Share)
  },
  /**
   * A grader that the program of the green agent brings with it under that name (`Grader.layerOwn`); `settings` (an empty
   * object where absent) are its own.
   */
  Own: {
    kind: Schema.NonEmptyString,
    settings: Schema.optionalKey(Schema.Json)
  },
  /**
   * Somebody else's green agent grades: it is asked with `config`, and `score` is a dotted path into its result. Only a
   * marker here, for the campaign runner.
   */
  Evaluator: {
    config: Schema.Unknown,
    score: Schema.NullOr(Schema.String)
  }
})
export type GraderSpecification = typeof GraderSpecification.Type

/** What is asked of an agent under test, with the way its answer is graded. */
export const Task = Schema.Struct({
  /** Names it in results; no two tasks of an assessment have the same. */
  id: Schema.NonEmptyString,
  /** What the agent is told, word for word. */
  prompt: Schema.NonEmptyString,
  /** How its answer becomes a score. */
  grader: GraderSpecification
})
export type Task = typeof Task.Type
