/**
 * Scores, coverage and passes of a campaign, cut by agent, by task and by both.
 *
 * Overall and by agent, tasks are what was sampled: repetitions of a task are alike (clustered intervals). Within a task,
 * and within a cell, battles count as independent: there the figure is of that very task.
 *
 * Laws: in every cut planned is scored, unscored and pending together; infrastructure as failure <= scored only <= best case.
 */
import type { BattleRow } from "./CampaignRows.ts"
import type { Columns, Estimate } from "./Estimate.ts"
import { clusteredEstimate, independentEstimate, proportionEstimate } from "./estimates.ts"
import type { Coverage, ScoreCut, Scores } from "./Report.ts"

/** Who is planned against what. */
export interface Planned {
  readonly agents: ReadonlyArray<string>
  readonly tasks: ReadonlyArray<string>
}

/** What counts as one number of a battle, and how such numbers are estimated where battles are independent. */
interface Measure {
  readonly valueOf: (row: BattleRow) => number
  readonly independent: (values: ReadonlyArray<number>) => Estimate
}

const score: Measure = { valueOf: (row) => row.score ?? 0, independent: independentEstimate }

const passed: Measure = {
  valueOf: (row) => row.passed ? 1 : 0,
  independent: (values) => proportionEstimate(values.reduce((sum, value) => sum + value, 0), values.length)
}

/** What was sampled: tasks, with battles that are alike, or battles. */
type Sampled = "tasks" | "battles"

const estimate = (
  rows: ReadonlyArray<BattleRow>,
  sampled: Sampled,
  { independent, valueOf }: Measure
): Estimate =>
  sampled === "battles"
    ? independent(rows.map(valueOf))
    : clusteredEstimate(
      Array.from(Map.groupBy(rows, ({ battle }) => battle.task).values(), (some) => some.map(valueOf))
    )

/** The same figure three times; `isScored` says which battles have a score. */
const columnsOf = (
  rows: ReadonlyArray<BattleRow>,
  sampled: Sampled,
  measure: Measure,
  isScored: (row: BattleRow) => boolean = hasScore
): Columns<Estimate> => {
  const done = rows.filter(({ state }) => state !== "pending")
  const otherwise = (other: 0 | 1): Measure => ({
    ...measure,
    valueOf: (row) => isScored(row) ? measure.valueOf(row) : other
  })
  return {
    scoredOnly: estimate(done.filter(isScored), sampled, measure),
    infrastructureAsFailure: estimate(done, sampled, otherwise(0)),
    bestCase: estimate(done, sampled, otherwise(1))
  }
}

const hasScore = ({ state }: BattleRow): boolean => state === "scored"

/** The scores of these battles over their tasks; `isScored` says which of them count as scored. */
export const taskScores = (
  rows: ReadonlyArray<BattleRow>,
  isScored: (row: BattleRow) => boolean = hasScore
): Columns<Estimate> => columnsOf(rows, "tasks", score, isScored)

/** The mean score of these battles over their tasks, and the share that passed. */
export const meanScoreOf = (rows: ReadonlyArray<BattleRow>): Estimate => estimate(rows, "tasks", score)
export const passRateOf = (rows: ReadonlyArray<BattleRow>): Estimate => estimate(rows, "tasks", passed)

const cutOf = (name: string, rows: ReadonlyArray<BattleRow>, sampled: Sampled): ScoreCut => {
  const count = (state: BattleRow["state"]) => rows.filter((row) => row.state === state).length
  return {
    name,
    planned: rows.length,
    scored: count("scored"),
    unscored: count("unscored"),
    pending: count("pending"),
    score: columnsOf(rows, sampled, score),
    passed: rows.filter((row) => row.passed).length,
    passRate: columnsOf(rows, sampled, passed)
  }
}

export const scoresOf = (rows: ReadonlyArray<BattleRow>, { agents, tasks }: Planned): Scores => {
  const byAgent = Map.groupBy(rows, ({ battle }) => battle.agent)
  const byTask = Map.groupBy(rows, ({ battle }) => battle.task)
  return {
    query: "scores",
    overall: cutOf("all", rows, "tasks"),
    byAgent: agents.map((agent) => cutOf(agent, byAgent.get(agent) ?? [], "tasks")),
    byTask: tasks.map((task) => cutOf(task, byTask.get(task) ?? [], "battles")),
    cells: tasks.flatMap((task) => {
      const ofTask = Map.groupBy(byTask.get(task) ?? [], ({ battle }) => battle.agent)
      return agents.map((agent) => ({
        ...cutOf(`${task} × ${agent}`, ofTask.get(agent) ?? [], "battles"),
        task,
        agent
      }))
    })
  }
}

export const coverageOf = ({ cells }: Scores): Coverage => ({
  query: "battles",
  cells: cells.map(({ agent, passed, pending, planned, score, scored, task, unscored }) => ({
    task,
    agent,
    planned,
    scored,
    unscored,
    pending,
    meanScore: score.scoredOnly.value,
    passed
  })),
  cellsWithScore: cells.filter(({ scored }) => scored > 0).length
})
