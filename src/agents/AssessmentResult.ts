/**
 * What a green agent of ours gives back: a row for every battle in the order of the plan, and a summary, as the one data
 * part of one artifact.
 *
 * Laws: what could not be graded has no score and a reason, and is never a score of 0; the mean is that of the graded rows
 * alone, and nothing where there are none. The result is never larger than an event may be: where it would be, first the
 * details of hidden tests go, then the tests, then the words, and never a row or a score.
 *
 * Gotcha: what is read may come from an older green agent, whose rows know neither repetitions nor tokens.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { MOST_EVENT_CHARACTERS } from "../a2a/EventSize.ts"
import { Grade, oneLine } from "../grading/Grade.ts"
import { TokenCount } from "../token/TokenEvent.ts"
import type { PlannedBattle } from "./AssessmentPlan.ts"

const Millis = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
const none = Effect.succeed(null)

/** One battle: a grade, or why there is none. */
export const BattleResult = Schema.Struct({
  task: Schema.String,
  /** Its role. */
  participant: Schema.String,
  /** From 1. */
  repetition: Schema.Int.check(Schema.isGreaterThan(0)).pipe(Schema.withDecodingDefault(Effect.succeed(1))),
  grade: Schema.NullOr(Grade),
  reason: Schema.NullOr(Schema.String),
  tokens: TokenCount.pipe(Schema.withDecodingDefault(Effect.succeed(0))),
  /** From the request to the end of the participant's task, without grading; `null` where nobody told. */
  durationMillis: Schema.NullOr(Millis).pipe(Schema.withDecodingDefault(none)),
  /** `null` where no token came. */
  timeToFirstTokenMillis: Schema.NullOr(Millis).pipe(Schema.withDecodingDefault(none))
})
export type BattleResult = typeof BattleResult.Type

const Summary = Schema.Struct({
  scored: Schema.Int,
  unscored: Schema.Int,
  /** Of the scored ones; `null` where there are none. */
  meanScore: Schema.NullOr(Schema.Finite)
})

/** The data part of the result artifact. */
export const AssessmentResult = Schema.Struct({
  /** A row for every battle, in the order of the plan. */
  results: Schema.Array(BattleResult),
  /** What they are together; `null` from agents that tell none. */
  summary: Schema.NullOr(Summary).pipe(Schema.withDecodingDefault(none))
})
export type AssessmentResult = typeof AssessmentResult.Type

/** The characters of a row at its smallest, without its names. */
const ROW_CHARACTERS = 280
const SHORTEST_REASON = 60

/** Why no result of so many battles could be sent, at its smallest; `undefined` if it can. */
export const largestResult = (battles: ReadonlyArray<PlannedBattle>): string | undefined => {
  let characters = 200
  for (const { role, task } of battles) {
    characters += JSON.stringify(task.id).length + JSON.stringify(role).length + ROW_CHARACTERS
  }
  return characters <= MOST_EVENT_CHARACTERS
    ? undefined
    : `expected a result of at most ${MOST_EVENT_CHARACTERS} characters; found ${battles.length} battles with such long ` +
      `names that it may have ${characters}`
}

const encode = Schema.encodeSync(AssessmentResult)

/** The data part of the rows; they stand in the order of the plan. */
export const dataOf = (rows: ReadonlyArray<BattleResult>, mostCharacters = MOST_EVENT_CHARACTERS): Schema.Json => {
  const scores = rows.flatMap(({ grade }) => grade === null ? [] : [grade.score])
  const summary = {
    scored: scores.length,
    unscored: rows.length - scores.length,
    meanScore: scores.length === 0 ? null : scores.reduce((sum, score) => sum + score, 0) / scores.length
  }
  let result: AssessmentResult = { results: rows, summary }
  for (const shorten of shortenings) {
    if (JSON.stringify(result).length <= mostCharacters) break
    result = { results: rows.map(shorten), summary }
  }
  return encode(result) as Schema.Json
}

const withGrade = (row: BattleResult, change: (grade: Grade) => Partial<Grade>): BattleResult =>
  row.grade === null ? row : { ...row, grade: { ...row.grade, ...change(row.grade) } }

/** Each one leaves out more than the one before it. */
const shortenings: ReadonlyArray<(row: BattleResult) => BattleResult> = [
  (row) => withGrade(row, ({ tests }) => ({ tests: tests.map(({ outcome }) => ({ outcome })) })),
  (row) => withGrade(row, () => ({ tests: [] })),
  (row) => ({
    ...withGrade(row, () => ({ tests: [], explanation: "" })),
    reason: row.reason === null ? null : oneLine(row.reason, SHORTEST_REASON)
  })
]
