/**
 * What stands in the columns of a store's tables, for all who read them: `Schema.Struct` takes these and what else a query
 * asks for. Who writes them is `storedAttempts.ts` and `storedBattles.ts`.
 */
import * as Schema from "effect/Schema"
import { DeliveryMode } from "../a2a/DeliveryMode.ts"
import { Grade } from "../grading/Grade.ts"
import { RunError } from "../liveness/RunError.ts"
import { TokenBasis, Verdict } from "./AttemptVerdict.ts"
import { Outcome } from "./Battle.ts"

/** SQLite's truth. */
export const Flag = Schema.Literals([0, 1])

/** Which battle it is. */
export const battleColumns = {
  task: Schema.String,
  agent: Schema.String,
  repetition: Schema.Int
}

/** What has become of a battle. */
export const outcomeColumns = {
  state: Schema.Literals(["pending", "scored", "unscored"]),
  grade: Schema.NullOr(Schema.fromJsonString(Grade)),
  reason: Schema.NullOr(Schema.String),
  counted_attempt: Schema.NullOr(Schema.Int)
}

const OutcomeRow = Schema.Struct(outcomeColumns)

/** The same as a value. A battle that is given up without an attempt is unscored by attempt 0. */
export const outcomeOf = ({ counted_attempt, grade, reason, state }: typeof OutcomeRow.Type): Outcome => {
  const attempt = counted_attempt ?? 0
  if (state === "scored" && grade !== null) return Outcome.cases.Scored.make({ grade, attempt })
  return state === "unscored"
    ? Outcome.cases.Unscored.make({ reason: reason ?? "no reason stored", attempt })
    : Outcome.cases.Pending.make({})
}

/** The figures of an attempt; those of one in flight are what they were when it began. */
export const attemptColumns = {
  number: Schema.Int,
  epoch_id: Schema.NullOr(Schema.Int),
  started_at: Schema.Finite,
  charged: Flag,
  mode: DeliveryMode,
  duration_ms: Schema.Finite,
  tokens: Schema.Int,
  token_basis: TokenBasis,
  ttft_ms: Schema.NullOr(Schema.Finite),
  tokens_per_second: Schema.NullOr(Schema.Finite)
}

/** All of an attempt but its texts and timings, which are large. */
export const wholeAttemptColumns = {
  ...attemptColumns,
  attempt_id: Schema.Int,
  /** `null` while it is in flight. */
  verdict: Schema.NullOr(Verdict),
  counted: Flag,
  superseded: Flag,
  prompt_tokens: Schema.NullOr(Schema.Int),
  finish_reason: Schema.NullOr(Schema.String),
  grading: Schema.NullOr(Schema.String),
  error: Schema.NullOr(Schema.fromJsonString(RunError))
}
