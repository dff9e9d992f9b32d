/**
 * Graders of one's own, by the kind that tasks name: `{ "_tag": "Own", "kind": "words", "settings": { "least": 50 } }`.
 *
 * Laws: the settings of a task are checked before anything is played, by the grader's own schema. Whatever goes wrong in such
 * a grader (an error, a bug, a score that is none) leaves the battle unscored, with the reason, and never is a score of 0.
 *
 * Gotcha: a green agent that serves others gets its tasks, and so these settings, from the network.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Grade } from "./Grade.ts"
import { fromJudgement } from "./Grade.ts"
import { GradingError } from "./GradingError.ts"
import type { Task } from "./Task.ts"

/** What a grader of one's own says of an answer. */
export interface OwnGrade {
  /** From 0 to 1. */
  readonly score: number
  /** One line for people, which everybody may see. */
  readonly explanation: string
  /** Whether that is enough; only a score of 1 is unless given. */
  readonly passed?: boolean | undefined
}

/** An answer, and what it answers. */
export interface Answered<Settings> {
  /** The settings of the task, as the grader's schema reads them. */
  readonly settings: Settings
  /** The task. */
  readonly task: Task
  /** All that the agent said. */
  readonly answer: string
}

/** One kind of grader. `R`: the services that it needs. Made by `Grader.own`. */
export interface OwnGrader<R = never> {
  /** Whether a task with these settings can be graded. */
  readonly check: (kind: string, settings: unknown) => Effect.Effect<void, GradingError>
  /** The grade of an answer. */
  readonly grade: (kind: string, task: Task, settings: unknown, answer: string) => Effect.Effect<Grade, GradingError, R>
}

/** How answers to tasks of one kind are graded. */
export interface OwnGraderOptions<Settings, E extends { readonly message: string }, R> {
  /** What the `settings` of a task must be; `Schema.Unknown` for anything. */
  readonly settings: Schema.ConstraintDecoder<Settings>
  /** Grades. Its errors leave the battle unscored; their `message` says why. */
  readonly grade: (answered: Answered<Settings>) => Effect.Effect<OwnGrade, E, R>
}

/** See `Grader.own`. */
export const make = <Settings, E extends { readonly message: string } = never, R = never>(
  { grade, settings: schema }: OwnGraderOptions<Settings, E, R>
): OwnGrader<R> => {
  const decode = Schema.decodeUnknownEffect(schema)

  const settingsOf = (kind: string, settings: unknown): Effect.Effect<Settings, GradingError> =>
    Effect.mapError(decode(settings), ({ message }) =>
      new GradingError({
        reason: {
          _tag: "InvalidSpecification",
          detail: `the settings of its grader "${kind}" are not right: ${message}`
        }
      }))

  return {
    check: (kind, settings) => Effect.asVoid(settingsOf(kind, settings)),
    grade: Effect.fnUntraced(function*(kind, task, raw, answer) {
      const broken = (detail: string) => new GradingError({ reason: { _tag: "OwnGraderFailed", kind, detail } })
      const settings = yield* settingsOf(kind, raw)
      const given = yield* Effect.suspend(() => grade({ settings, task, answer })).pipe(
        Effect.mapError((error) => error instanceof GradingError ? error : broken(error.message)),
        Effect.catchCauseIf(Cause.hasDies, (cause) => Effect.fail(broken(Cause.pretty(cause).split("\n")[0]!)))
      )
      const made = fromJudgement(given)
      return made ?? (yield* broken(`it gave a score of ${given.score}, and scores are from 0 to 1`))
    })
  }
}
