/**
 * What a view makes of attempts that had ended before its first event: what it would know of them, had it been there.
 *
 * Law: tokens, stalls, costs and the last verdicts are those of a view that has seen those attempts begin and end.
 */
import * as HashMap from "effect/HashMap"
import type { Battle } from "../campaign/Battle.ts"
import type { Earlier, Standing } from "../campaign/CampaignEvent.ts"
import { type Ended, ENDED_KEPT, isWorthTelling, resultOf, STALLS_KEPT } from "./Ended.ts"
import * as Lane from "./Lane.ts"

/** The time of attempts that ended without an outcome. */
export interface Spent {
  readonly battle: Battle
  readonly millis: number
}

/** What becomes of a view that begins with those lanes and battles; `keyOf` is how it names a battle. */
export const withEarlier = (
  lanesBefore: ReadonlyArray<Lane.Lane>,
  battles: ReadonlyArray<Standing>,
  { attempts, ended }: Earlier,
  keyOf: (battle: Battle) => string
) => {
  const counted = new Map(battles.map(({ battle, outcome }) => [
    keyOf(battle),
    outcome._tag === "Pending" ? undefined : outcome.attempt
  ]))
  const spent = new Map<string, Spent>()
  let lanes = lanesBefore
  for (const { battle, durationMillis, number } of attempts) {
    const key = keyOf(battle)
    const millis = (spent.get(key)?.millis ?? 0) + durationMillis
    spent.set(key, { battle, millis })
    if (counted.get(key) === number) lanes = Lane.withCost(lanes, battle.agent, millis)
  }
  const news = ended.map(({ atMillis, record }): Ended => ({ atMillis, record, result: resultOf(record.outcome) }))
    .toReversed()
  return {
    lanes,
    tokens: attempts.reduce((sum, { tokens }) => sum + tokens, 0),
    stalled: attempts.filter(({ verdict }) => verdict === "stalled").length,
    spent: HashMap.fromIterable([...spent].filter(([key]) => counted.get(key) === undefined)),
    ended: news.filter(isWorthTelling).slice(0, ENDED_KEPT),
    stalls: news.filter(({ record }) => record.verdict === "stalled").slice(0, STALLS_KEPT)
  }
}
