/**
 * The battles without a score: why each has none, and how the attempt ended that left it so.
 */
import type { BattleRow } from "./CampaignRows.ts"
import type { Unscored } from "./OutcomeReport.ts"

export const unscoredOf = (rows: ReadonlyArray<BattleRow>): Unscored => {
  const battles = rows.filter(({ state }) => state === "unscored").map((row) => ({
    battle: row.battle,
    reason: row.reason ?? "no reason stored",
    verdict: row.attempts.find(({ number }) => number === row.countedAttempt)?.verdict ?? null,
    attempts: row.attempts.length
  }))
  return {
    query: "unscored",
    battles,
    byVerdict: Array.from(
      Map.groupBy(battles, ({ verdict }) => verdict),
      ([verdict, some]) => ({ verdict, battles: some.length })
    ).toSorted((left, right) => right.battles - left.battles)
  }
}
