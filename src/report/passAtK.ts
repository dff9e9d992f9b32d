/**
 * pass@k and pass^k of every agent, for each k up to the repetitions: over tasks, from the scored battles of each.
 */
import type { BattleRow } from "./CampaignRows.ts"
import type { Estimate } from "./Estimate.ts"
import { estimateOf } from "./estimates.ts"
import type { PassAtK, PassAtKRow } from "./Report.ts"
import { CONFIDENCE } from "./sampled.ts"
import type { Planned } from "./scores.ts"
import type { ClusteredMean } from "./statistics/clusteredMean.ts"
import { meanPassAllK, meanPassAtK, type Repetitions } from "./statistics/passAtK.ts"

/** Beyond it a table says nothing that a person would read: 1 to 10, then rounder and rounder, and all. */
const told = (repetitions: number): ReadonlyArray<number> =>
  Array.from({ length: repetitions }, (_, index) => index + 1)
    .filter((k) => k <= 10 || k === repetitions || (k <= 100 ? k % 10 === 0 : k % 100 === 0))

export const passAtKOf = (
  rows: ReadonlyArray<BattleRow>,
  { agents, repetitions, tasks }: Planned & { readonly repetitions: number }
): PassAtK => {
  const byAgent = Map.groupBy(rows, ({ battle }) => battle.agent)
  return {
    query: "pass-at-k",
    byAgent: agents.map((agent) => {
      const byTask = Map.groupBy(byAgent.get(agent) ?? [], ({ battle }) => battle.task)
      const cells = tasks.map((task) => repetitionsOf(byTask.get(task) ?? []))
      return {
        agent,
        rows: told(repetitions).map((k): PassAtKRow => ({
          k,
          passAtK: asEstimate(meanPassAtK(cells, k, CONFIDENCE)),
          passAllK: asEstimate(meanPassAllK(cells, k, CONFIDENCE)),
          cellsLeftOut: cells.filter(({ trials }) => trials < k).length
        }))
      }
    })
  }
}

const repetitionsOf = (rows: ReadonlyArray<BattleRow>): Repetitions => ({
  trials: rows.filter(({ state }) => state === "scored").length,
  passed: rows.filter(({ passed }) => passed).length
})

const asEstimate = (mean: ClusteredMean | null): Estimate =>
  estimateOf(
    { value: mean?.value ?? null, n: mean?.count ?? 0, clusters: mean?.clusters ?? 0 },
    mean?.interval ?? null,
    "clustered"
  )
