/**
 * What a green agent is asked for a battle, and the grade in what it answers.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as AssessmentRequest from "../agents/AssessmentRequest.ts"
import { AssessmentResult } from "../agents/GreenAgent.ts"
import type { Grade } from "../grading/Grade.ts"
import { Failed, FailReason } from "../liveness/Failed.ts"
import type { AttemptMeter } from "./AttemptMeter.ts"
import type { Battle } from "./Battle.ts"
import type { Definition } from "./Definition.ts"
import type { Seat } from "./Seat.ts"

/** The assessment request, as JSON text. */
export const askFor = (definition: Definition, { participants }: Seat, battle: Battle): string =>
  AssessmentRequest.encode({
    participants,
    config: { tasks: [definition.tasks.find((task) => task.id === battle.task)!] }
  })

const decodeResult = Schema.decodeUnknownResult(AssessmentResult)

/** The grade in the green agent's result. */
export const gradeIn = (
  _definition: Definition,
  _battle: Battle,
  { result, transcript: { tokens } }: AttemptMeter
): Effect.Effect<Grade, Failed> => {
  const decoded = decodeResult(result)
  const grade = Result.isSuccess(decoded) ? decoded.success.results[0]?.grade : undefined
  return grade === undefined || grade === null
    ? Effect.fail(
      new Failed({
        hop: "green",
        tokens,
        reason: FailReason.cases.Malformed.make({
          detail: "the green agent completed its task without a result artifact that holds a grade"
        })
      })
    )
    : Effect.succeed(grade)
}
