/**
 * The coverage of a campaign by task and agent, as the page shows it: what became of the battles of each cell.
 *
 * Law: the cells' battles are the campaign's, each in one cell, and their results are those of the `CampaignView`.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { attemptOf, type CampaignView, keyOf } from "../terminal/CampaignView.ts"
import type { Result } from "../terminal/Ended.ts"
import type { BattleSummary } from "./BattlePage.ts"
import type { Cell, Counts } from "./Frame.ts"
import type { Plan } from "./Plan.ts"

/** What a view knows of a battle, by its key. */
export const standingOf = (
  { standings }: CampaignView,
  key: string
): { readonly result: Result; readonly score: number | undefined } =>
  Option.match(HashMap.get(standings, key), {
    onNone: () => ({ result: "pending" as const, score: undefined }),
    onSome: ({ counted, result }) => ({ result, score: counted.as === "scored" ? counted.score : undefined })
  })

/** The cell as it is now; `stalls` are the attempts of it that have stalled. */
export const cellAt = (view: CampaignView, plan: Plan, cell: number, stalls: number): Cell => {
  const places = plan.cells.get(cell) ?? []
  const counts: { -readonly [result in keyof Counts]: number } = {
    passed: 0,
    partial: 0,
    failed: 0,
    unscored: 0,
    pending: 0
  }
  let [active, scored, sum] = [0, 0, 0]
  for (const place of places) {
    const key = keyOf(plan.battleAt(place)!)
    const { result, score } = standingOf(view, key)
    counts[result]++
    if (attemptOf(view, key) !== undefined) active++
    if (score !== undefined) {
      scored++
      sum += score
    }
  }
  const { agent, task } = plan.battles[places[0]!]!
  return { task, agent, ...counts, active, stalls, meanScore: scored === 0 ? null : sum / scored }
}

/** The battles of a cell; `attemptsOf` says how many attempts one has begun. */
export const battlesOf = (
  view: CampaignView,
  plan: Plan,
  cell: number,
  attemptsOf: (place: number) => number
): ReadonlyArray<BattleSummary> =>
  (plan.cells.get(cell) ?? []).map((place) => {
    const { result, score } = standingOf(view, keyOf(plan.battleAt(place)!))
    return { ...plan.battles[place]!, result, score: score ?? null, attempts: attemptsOf(place) }
  })
