/**
 * What a green agent is asked for a battle, and the grade in what it answers: our own answers with rows of a shape that we
 * know, somebody else's with whatever it likes (AssessmentOutcome.ts).
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { TaskEvent } from "../a2a/TaskEvent.ts"
import * as AssessmentOutcome from "../agents/AssessmentOutcome.ts"
import * as AssessmentRequest from "../agents/AssessmentRequest.ts"
import { AssessmentResult } from "../agents/AssessmentResult.ts"
import type { Grade } from "../grading/Grade.ts"
import type { Task } from "../grading/Task.ts"
import { Failed, FailReason } from "../liveness/Failed.ts"
import type { Battle } from "./Battle.ts"
import type { Definition } from "./Definition.ts"
import type { Seat } from "./Seat.ts"

/** One assessment: asked, followed, read. */
export interface Assessment {
  /** The request, as JSON text. */
  readonly request: string
  /** Takes what comes. */
  readonly receive: (events: ReadonlyArray<TaskEvent>) => void
  /** The grade, once everything has come. `tokens` have come with it. */
  readonly grade: (tokens: number) => Effect.Effect<Grade, Failed>
  /** What the grade rests on, where no answer of an agent is seen. */
  readonly evidence: () => string
}

export const make = (definition: Pick<Definition, "tasks">, { participants }: Seat, battle: Battle): Assessment => {
  const task = definition.tasks.find(({ id }) => id === battle.task)!
  return task.grader._tag === "Evaluator"
    ? bySomebodyElse(participants, task.grader)
    : byOurs(participants, task)
}

const decodeResult = Schema.decodeUnknownResult(AssessmentResult)

const byOurs = (participants: Seat["participants"], task: Task): Assessment => {
  let result: unknown
  return {
    request: AssessmentRequest.encode({ participants, config: { tasks: [task] } }),
    receive: (events) => {
      for (const event of events) {
        if (event._tag === "Artifact") result = event.parts.find((part) => part._tag === "Data")?.data ?? result
      }
    },
    grade: (tokens) => {
      const decoded = decodeResult(result)
      const grade = Result.isSuccess(decoded) ? decoded.success.results[0]?.grade : undefined
      const detail = "the green agent completed its task without a result artifact that holds a grade"
      return grade === undefined || grade === null
        ? Effect.fail(new Failed({ hop: "green", tokens, reason: FailReason.cases.Malformed.make({ detail }) }))
        : Effect.succeed(grade)
    },
    evidence: () => ""
  }
}

const bySomebodyElse = (
  participants: Seat["participants"],
  { config, score }: Extract<Task["grader"], { readonly _tag: "Evaluator" }>
): Assessment => {
  let finished = AssessmentOutcome.begin
  const outcome = () => AssessmentOutcome.outcomeOf(finished, { score, roles: Object.keys(participants) })
  return {
    request: AssessmentRequest.assessmentMessage(participants, config),
    receive: (events) => {
      for (const event of events) finished = AssessmentOutcome.step(finished, event)
    },
    // The same result would be as unreadable the next time.
    grade: (tokens) =>
      Effect.mapError(
        Effect.fromResult(outcome().grade),
        (detail) =>
          new Failed({
            hop: "green",
            tokens,
            reason: FailReason.cases.AgentFailed.make({ state: "completed", detail })
          })
      ),
    evidence: () => outcome().evidence
  }
}
