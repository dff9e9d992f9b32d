/**
 * What a green agent needs of a grader, in the one place that calls it: whether a task can be graded here at all, which is
 * asked before anything is played, and the grade of an answer.
 *
 * Laws: what is wrong with the grader (an error, a bug, a grade that is none) is an error of the green hop, and never a score.
 * An answer is not thrown away for a machine that is busy or a judge that stalls: grading alone is tried again, because it
 * is cheap beside the answer.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { explanationLimit, Grade, oneLine } from "../grading/Grade.ts"
import type { Grader } from "../grading/Grader.ts"
import type { GradingError } from "../grading/GradingError.ts"
import type { Task } from "../grading/Task.ts"
import { Failed, FailReason } from "../liveness/Failed.ts"

export interface TaskGrading {
  /** Why the task cannot be graded here, whatever the answer; `undefined` if it can. */
  readonly refusal: (task: Task) => Effect.Effect<string | undefined>
  readonly grade: (task: Task, answer: string) => Effect.Effect<Grade, Failed>
}

/** After 1 s, 2 s and 4 s. */
const again = Schedule.exponential("1 second").pipe(Schedule.upTo({ times: 3 }))

/** Whether the next time may be another; a judge that cannot be read has been asked twice already. */
const isPassing = ({ reason: { _tag } }: GradingError): boolean => _tag.startsWith("Sandbox") || _tag === "JudgeFailed"

/** By the grader. */
export const fromGrader = (grader: Grader["Service"]): TaskGrading => ({
  refusal: (task) =>
    Effect.suspend(() => grader.check(task)).pipe(
      Effect.as(undefined),
      Effect.catch(({ message }) => Effect.succeed(message)),
      Effect.catchDefect((bug) => Effect.as(logged(bug), `the grader failed: ${textOf(bug)}`))
    ),
  grade: (task, answer) =>
    Effect.suspend(() => grader.grade(task, answer)).pipe(
      Effect.retry({ schedule: again, while: isPassing }),
      // A grader may be anybody's, and what is no grade would otherwise break the whole assessment.
      Effect.flatMap(({ explanation, ...grade }) =>
        asGrade({ ...grade, explanation: oneLine(explanation, explanationLimit) })
      ),
      Effect.mapError(graderFailed),
      Effect.catchDefect((bug) =>
        Effect.flatMap(logged(bug), () => Effect.fail(graderFailed({ message: textOf(bug) })))
      )
    )
})

const asGrade = Schema.decodeUnknownEffect(Grade)

/** Whoever wrote the grader wants to know where. */
const logged = (bug: unknown): Effect.Effect<void> => Effect.logError("grader failed", bug)

const textOf = (bug: unknown): string => oneLine(String(bug), explanationLimit)

const graderFailed = (error: { readonly message: string }): Failed =>
  new Failed({
    hop: "green",
    tokens: 0,
    reason: FailReason.cases.ServerError.make({
      status: 500,
      detail: oneLine(`the grader failed: ${error.message}`, 1000)
    })
  })
