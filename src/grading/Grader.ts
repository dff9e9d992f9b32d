/**
 * Grades an answer as its task says: the one service of this folder that the rest of the campaign uses.
 *
 * Laws: every answer has a grade, whatever it contains; only what is wrong with the grader, with the task or with this
 * machine is a `GradingError`, and never a score of 0. Equal answers get equal grades, as far as the answer's own code, the
 * judge model and the user's command are deterministic. What `check` refuses, `grade` refuses.
 *
 * Gotchas: `layer` neither asks a judge nor runs commands; whoever wants that gives `layerNoDeps` a `Judge` and a
 * `UserCommand`, and whoever has graders of their own gives `layerOwn`. A task for another green agent passes `check`, and has
 * no grade here.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { availableParallelism } from "node:os"
import type { AnswerPlace } from "./AnswerPlace.ts"
import { jsonAt, textAt } from "./AnswerText.ts"
import { fromScore, type Grade } from "./Grade.ts"
import { GradingError } from "./GradingError.ts"
import * as HiddenTests from "./HiddenTests.ts"
import { checkSchema, whyRefused } from "./JsonSchemas.ts"
import { Judge } from "./Judge.ts"
import * as OwnGrader from "./OwnGrader.ts"
import * as PatternSearch from "./PatternSearch.ts"
import { Sandbox } from "./Sandbox.ts"
import { GraderSpecification, type Task } from "./Task.ts"
import { whyWrong } from "./TextRules.ts"
import { UserCommand } from "./UserCommand.ts"

export { Grade } from "./Grade.ts"
export { GradingError } from "./GradingError.ts"
export { type Answered, type OwnGrade, type OwnGrader, type OwnGraderOptions } from "./OwnGrader.ts"
export { Task } from "./Task.ts"

/** What grades rest on, for reports. */
export const GradingEnvironment = Schema.Struct({
  /** Behind which walls answers ran, for people. */
  sandbox: Schema.String
})
export type GradingEnvironment = typeof GradingEnvironment.Type

type Service = Context.Service.Shape<typeof Grader>
type Cases = typeof GraderSpecification.cases

const wholeText: AnswerPlace = { _tag: "Text" }
const anyJson: AnswerPlace = { _tag: "Json" }
const fullScore = 1

const rightOrWrong = (reason: string | undefined): Grade =>
  fromScore(reason === undefined ? 1 : 0, fullScore, reason ?? "as expected")

const elsewhere = new GradingError({
  reason: { _tag: "InvalidSpecification", detail: "a green agent of its own grades it" }
})

const noGrader = new GradingError({
  reason: { _tag: "InvalidSpecification", detail: "this green agent has only graders of its own (`Own`)" }
})

/** No grader of that name; these there are. */
const unknownKind = (kind: string, kinds: ReadonlyArray<string>): GradingError =>
  new GradingError({
    reason: {
      _tag: "ToolMissing",
      detail: `no grader of its own named "${kind}"${kinds.length === 0 ? "" : `; there are ${kinds.join(", ")}`}`
    }
  })

/**
 * Grades answers. `Grader.layer` knows hidden tests, text and JSON Schema; a program gives a layer of its own to grade in another
 * way.
 *
 * @example
 * import { Grader } from "a2a-campaign/Grader"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const grader = yield* Grader
 *   const { score } = yield* grader.grade({
 *     id: "sum",
 *     prompt: "What is 17 + 25? Answer with the number.",
 *     grader: { _tag: "TextMatch", answer: { _tag: "Text" }, rule: { _tag: "Contains", expected: "42" } }
 *   }, "It is 42.")
 *   console.log(score)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, Grader.layer))
 * // prints: 1
 */
export class Grader extends Context.Service<Grader, {
  /** The grade of an answer. Fails with a `GradingError` where neither the answer nor the agent is to blame. */
  readonly grade: (task: Task, answer: string) => Effect.Effect<Grade, GradingError>
  /** Whether answers to the task can be graded here at all; nothing is asked of a judge, and no command is run. */
  readonly check: (task: Task) => Effect.Effect<void, GradingError>
  /** What grades rest on here, for reports. */
  readonly environment: GradingEnvironment
}>()("a2a-campaign/Grader") {
  /** With the sandbox, the judge and the commands of the context. */
  static readonly layerNoDeps = Layer.effect(
    Grader,
    Effect.gen(function*() {
      const sandbox = yield* Sandbox
      const judge = yield* Judge
      const commands = yield* UserCommand
      const validations = yield* Semaphore.make(availableParallelism())

      const textMatch = Effect.fnUntraced(
        function*({ answer: place, rule }: Cases["TextMatch"]["Type"], answer: string) {
          if (rule._tag === "Regex") yield* PatternSearch.check(rule)
          const text = textAt(place ?? wholeText, answer)
          if (Result.isFailure(text)) return rightOrWrong(text.failure)
          if (rule._tag !== "Regex") return rightOrWrong(whyWrong(rule, text.success))
          const isFound = yield* PatternSearch.finds(sandbox, rule, text.success)
          return rightOrWrong(isFound ? undefined : "the pattern does not occur")
        }
      )

      const jsonSchema = Effect.fnUntraced(
        function*({ answer: place, schema }: Cases["JsonSchema"]["Type"], answer: string) {
          const value = jsonAt(place ?? anyJson, answer)
          if (Result.isSuccess(value)) {
            return rightOrWrong(yield* validations.withPermit(whyRefused(schema, value.success)))
          }
          yield* checkSchema(schema)
          return rightOrWrong(value.failure)
        }
      )

      const modelGraded = Effect.fnUntraced(
        function*({ answer: place, passingScore, rubric }: Cases["ModelGraded"]["Type"], task: Task, answer: string) {
          yield* judge.check
          const text = textAt(place ?? wholeText, answer)
          if (Result.isFailure(text)) return rightOrWrong(text.failure)
          const { reason, score } = yield* judge.ask({
            taskId: task.id,
            prompt: task.prompt,
            answer: text.success,
            rubric
          })
          return fromScore(score, passingScore ?? fullScore, reason ?? `the judge gave ${score}`)
        }
      )

      const command = Effect.fnUntraced(
        function*(specification: Cases["Command"]["Type"], task: Task, answer: string) {
          yield* commands.check(specification)
          const text = textAt(specification.answer ?? wholeText, answer)
          if (Result.isFailure(text)) return rightOrWrong(text.failure)
          const { explanation, score } = yield* commands.run(specification, {
            task: task.id,
            prompt: task.prompt,
            answer: text.success
          })
          return fromScore(score, specification.passingScore ?? fullScore, explanation ?? `the command gave ${score}`)
        }
      )

      const grade = Effect.fn("Grader.grade")(function*(task: Task, answer: string) {
        return yield* GraderSpecification.match(task.grader, {
          JavaScriptTests: (specification) => HiddenTests.grade(sandbox, specification, answer),
          PythonTests: (specification) => HiddenTests.grade(sandbox, specification, answer),
          TextMatch: (specification) => textMatch(specification, answer),
          JsonSchema: (specification) => jsonSchema(specification, answer),
          ModelGraded: (specification) => modelGraded(specification, task, answer),
          Command: (specification) => command(specification, task, answer),
          Own: ({ kind }) => Effect.fail(unknownKind(kind, [])),
          Evaluator: () => Effect.fail(elsewhere)
        })
      })

      const check = Effect.fn("Grader.check")(function*(task: Task) {
        return yield* GraderSpecification.match(task.grader, {
          JavaScriptTests: (specification) => HiddenTests.check(sandbox, specification),
          PythonTests: (specification) => HiddenTests.check(sandbox, specification),
          TextMatch: ({ rule }) => rule._tag === "Regex" ? PatternSearch.check(rule) : Effect.void,
          JsonSchema: ({ schema }) => checkSchema(schema),
          ModelGraded: () => judge.check,
          Command: (specification) => commands.check(specification),
          Own: ({ kind }) => Effect.fail(unknownKind(kind, [])),
          Evaluator: () => Effect.void
        })
      })
      return Grader.of({ grade, check, environment: { sandbox: sandbox.description } })
    })
  )

  /** Without a judge and without commands; needs nothing. */
  static readonly layer = this.layerNoDeps.pipe(
    Layer.provide([Sandbox.layer, Judge.layerNone, UserCommand.layerNone])
  )

  /** Grades nothing: what `layerOwn` has no grader of its own for is refused. */
  static readonly layerNone = Layer.succeed(Grader, {
    grade: () => Effect.fail(noGrader),
    check: () => Effect.fail(noGrader),
    environment: { sandbox: "none" }
  })

  /**
   * A grader of one kind, for `layerOwn`: a function, and the schema of the settings that tasks give it. Its errors, and its
   * bugs, are a `GradingError`, so the battle is unscored.
   */
  static readonly own = OwnGrader.make

  /**
   * Graders of one's own, by the kind that tasks name in `{ "_tag": "Own", "kind": … }`. Other tasks are graded by `others`; they
   * are refused unless it is given, such as `Grader.layer`.
   *
   * @example
   * import { Grader } from "a2a-campaign/Grader"
   * import * as Effect from "effect/Effect"
   * import * as Schema from "effect/Schema"
   *
   * const words = Grader.own({
   *   settings: Schema.Struct({ least: Schema.Int }),
   *   grade: ({ answer, settings: { least } }) => {
   *     const count = answer.split(" ").length
   *     return Effect.succeed({ score: Math.min(1, count / least), explanation: `${count} of ${least} words` })
   *   }
   * })
   *
   * const program = Effect.gen(function*() {
   *   const grader = yield* Grader
   *   const task = { id: "story", prompt: "Tell.", grader: { _tag: "Own", kind: "words", settings: { least: 4 } } } as const
   *   const { explanation, score } = yield* grader.grade(task, "Once upon")
   *   console.log(`${score}: ${explanation}`)
   * })
   *
   * await Effect.runPromise(Effect.provide(program, Grader.layerOwn({ words })))
   * // prints: 0.5: 2 of 4 words
   */
  static readonly layerOwn = <R = never, E2 = never, R2 = never>(
    kinds: Readonly<Record<string, OwnGrader.OwnGrader<R>>>,
    others?: Layer.Layer<Grader, E2, R2>
  ): Layer.Layer<Grader, E2, R | R2> =>
    Layer.effect(
      Grader,
      Effect.gen(function*() {
        const inner = yield* Grader
        const services = yield* Effect.context<R>()
        const find = ({ kind }: Cases["Own"]["Type"]) => {
          const own = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
          return own === undefined ? Effect.fail(unknownKind(kind, Object.keys(kinds))) : Effect.succeed(own)
        }
        return Grader.of({
          environment: inner.environment,
          check: (task) => {
            const { grader } = task
            return grader._tag === "Own"
              ? Effect.flatMap(find(grader), (own) => own.check(grader.kind, grader.settings ?? {}))
              : inner.check(task)
          },
          grade: (task, answer) => {
            const { grader } = task
            return grader._tag === "Own"
              ? Effect.flatMap(find(grader), (own) => own.grade(grader.kind, task, grader.settings ?? {}, answer)).pipe(
                Effect.provideContext(services)
              )
              : inner.grade(task, answer)
          }
        })
      })
    ).pipe(Layer.provide(others ?? Grader.layerNone))

  /** A grader that decides by a function, for tests of what uses grades. */
  static readonly layerTest = (grade: Service["grade"]) =>
    Layer.succeed(Grader, { grade, check: () => Effect.void, environment: { sandbox: "none" } })
}
