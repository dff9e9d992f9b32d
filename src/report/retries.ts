/**
 * What trying again did: who was scored at the first try and who later, and the scores as they would be without.
 *
 * A *first try* is a battle none of whose attempts before the one that counts stalled, was slow or failed. Attempts that
 * were interrupted, or whose process was gone, are no tries: nothing is known against them. Attempts of before a battle was
 * opened again (`campaign retry`) are tries like others.
 */
import { attemptsOf, type BattleRow, MILLIS_PER_HOUR, wentWrong } from "./CampaignRows.ts"
import { differenceEstimate } from "./estimates.ts"
import type { Retries, RetryGroup } from "./OutcomeReport.ts"
import { meanScoreOf, passRateOf, taskScores } from "./scores.ts"

/** It is scored, and nothing went wrong before. */
const isFirstTry = ({ attempts, countedAttempt, state }: BattleRow): boolean =>
  state === "scored" && !attempts.some((attempt) => attempt.number < (countedAttempt ?? 0) && wentWrong(attempt))

export const retriesOf = (rows: ReadonlyArray<BattleRow>): Retries => {
  const scored = rows.filter(({ state }) => state === "scored")
  const firstTry = groupOf(scored.filter(isFirstTry))
  const retried = groupOf(scored.filter((row) => !isFirstTry(row)))
  const counts = Map.groupBy(rows, ({ attempts, inFlight }) => attempts.length + inFlight.length)
  // The last one that went wrong was not tried again if nothing came after it.
  const triedAgain = rows.flatMap(({ attempts, inFlight }) =>
    attempts.filter((attempt, index) => wentWrong(attempt) && (index < attempts.length - 1 || inFlight.length > 0))
  )
  return {
    query: "retries",
    attemptsPerBattle: Array.from(counts, ([attempts, battles]) => ({ attempts, battles: battles.length }))
      .toSorted((left, right) => left.attempts - right.attempts),
    firstTry,
    retried,
    difference: differenceEstimate(firstTry.score, retried.score),
    withoutRetries: taskScores(rows, isFirstTry),
    withRetries: taskScores(rows),
    rescued: retried.battles,
    retries: triedAgain.length,
    hoursLost: attemptsOf(rows).filter(wentWrong).reduce(
      (sum, { durationMillis }) => sum + durationMillis / MILLIS_PER_HOUR,
      0
    )
  }
}

const groupOf = (rows: ReadonlyArray<BattleRow>): RetryGroup => ({
  battles: rows.length,
  score: meanScoreOf(rows),
  passed: rows.filter(({ passed }) => passed).length,
  passRate: passRateOf(rows)
})
