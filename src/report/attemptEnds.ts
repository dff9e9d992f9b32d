/**
 * What became of all attempts, and the hours and tokens that each kind of end took.
 */
import { Verdict } from "../campaign/AttemptVerdict.ts"
import { attemptsOf, type BattleRow, MILLIS_PER_HOUR } from "./CampaignRows.ts"
import type { AttemptEnds } from "./LatencyReport.ts"

export const attemptEndsOf = (rows: ReadonlyArray<BattleRow>): AttemptEnds => {
  const attempts = attemptsOf(rows)
  const inTime = Map.groupBy(attempts.filter(({ superseded }) => !superseded), ({ verdict }) => verdict)
  return {
    total: attempts.length,
    superseded: attempts.filter(({ superseded }) => superseded).length,
    byVerdict: Verdict.literals.map((verdict) => {
      const some = inTime.get(verdict) ?? []
      return {
        verdict,
        attempts: some.length,
        hours: some.reduce((sum, { durationMillis }) => sum + durationMillis, 0) / MILLIS_PER_HOUR,
        tokens: some.reduce((sum, { tokenBasis, tokens }) => tokenBasis === "pieces" ? sum : sum + tokens, 0)
      }
    }),
    inFlight: rows.reduce((sum, { inFlight }) => sum + inFlight.length, 0)
  }
}
