/**
 * What a green agent needs of a grader, in the one place that calls it: whether a task can be graded here at all, which is
 * asked before anything is played, and the grade of an answer.
 *
 * Law: what is wrong with the grader is an error of the green hop, and never a score.
 */
import * as Effect from "effect/Effect"
import type { Grade } from "../grading/Grade.ts"
import type { Grader } from "../grading/Grader.ts"
import type { Task } from "../grading/Task.ts"
import { Failed, FailReason } from "../liveness/Failed.ts"

export interface TaskGrading {
  /** Why the task cannot be graded here, whatever the answer; `undefined` if it can. */
  readonly refusal: (task: Task) => Effect.Effect<string | undefined>
  readonly grade: (task: Task, answer: string) => Effect.Effect<Grade, Failed>
}

/** By the grader. */
export const fromGrader = (grader: Grader["Service"]): TaskGrading => ({
  // Its one kind of task runs wherever this program does.
  refusal: () => Effect.succeed(undefined),
  grade: (task, answer) => Effect.mapError(grader.grade(task.grader, answer), graderFailed)
})

const graderFailed = (error: { readonly message: string }): Failed =>
  new Failed({
    hop: "green",
    tokens: 0,
    reason: FailReason.cases.ServerError.make({ status: 500, detail: `the grader failed: ${error.message}` })
  })
