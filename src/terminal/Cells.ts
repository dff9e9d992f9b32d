/**
 * How far the battles of each task with each agent are.
 *
 * Law: `scored`, `unscored` and `pending` of all cells add up to the battles of the campaign, whatever outcomes replace one
 * another.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { Battle, Outcome } from "../campaign/Battle.ts"

export interface Cell {
  readonly scored: number
  readonly unscored: number
  readonly pending: number
  /** Sum of the scores; the mean is `sum / scored`. */
  readonly sum: number
}

export type Cells = HashMap.HashMap<string, Cell>

/** What an outcome makes of its cell: how it is counted, and the score that goes into the sum. */
export interface Counted {
  readonly as: Exclude<keyof Cell, "sum">
  readonly score: number
}

const nothing: Cell = { scored: 0, unscored: 0, pending: 0, sum: 0 }

const keyOf = (task: string, agent: string): string => `${task}\n${agent}`

/** How far a task is with an agent. */
export const get = (cells: Cells, task: string, agent: string): Cell =>
  Option.getOrElse(HashMap.get(cells, keyOf(task, agent)), () => nothing)

export const countedOf = (outcome: Outcome): Counted => {
  switch (outcome._tag) {
    case "Scored":
      return { as: "scored", score: outcome.grade.score }
    case "Unscored":
      return { as: "unscored", score: 0 }
    case "Pending":
      return { as: "pending", score: 0 }
  }
}

/** With another outcome of a battle in the place of the one it had, if it had one. */
export const changed = (
  cells: Cells,
  { agent, task }: Battle,
  before: Counted | undefined,
  after: Counted
): Cells => {
  const cell = { ...get(cells, task, agent) }
  if (before !== undefined) {
    cell[before.as]--
    cell.sum -= before.score
  }
  cell[after.as]++
  cell.sum += after.score
  return HashMap.set(cells, keyOf(task, agent), cell)
}

/** Several cells as one. */
export const sumOf = (cells: ReadonlyArray<Cell>): Cell =>
  cells.reduce((sum, cell) => ({
    scored: sum.scored + cell.scored,
    unscored: sum.unscored + cell.unscored,
    pending: sum.pending + cell.pending,
    sum: sum.sum + cell.sum
  }), nothing)

/** Battles that are over. */
export const done = ({ scored, unscored }: Cell): number => scored + unscored

/** All battles. */
export const planned = (cell: Cell): number => done(cell) + cell.pending
