/**
 * How far every task has come with every agent: a row a task, a column an agent.
 *
 *                    agent-one       agent-two
 *   roman-numerals   12/40 0.61 ○2   40/40 0.93
 *
 * A cell is battles done of those planned, the mean score, and ○ with the number of battles that ended without one. What
 * is not done yet comes first where not everything fits; the rest is counted.
 */
import { score } from "../terminal/Quantities.ts"
import { type Piece, piece } from "../terminal/StyledLine.ts"
import { clipMiddle, fit, singleLine, widthOf } from "../terminal/TextWidth.ts"
import type { StatusView } from "./statusView.ts"

type Cell = StatusView["cells"][number]

const MOST_TASKS = 24
/** Columns of an agent. */
const LEAST_AGENT = 8
const LONGEST_AGENT = 24
const LONGEST_TASK = 40
const GAP = 3

const textOf = ({ meanScore, planned, scored, unscored }: Cell): string =>
  [
    `${scored + unscored}/${planned}`,
    ...meanScore === null ? [] : [score(meanScore)],
    ...unscored === 0 ? [] : [`○${unscored}`]
  ].join(" ")

/** The lines of the matrix, for a terminal of `columns`. */
export const renderCoverage = (
  cells: ReadonlyArray<Cell>,
  columns: number
): ReadonlyArray<ReadonlyArray<Piece>> => {
  if (cells.length === 0) return []
  const byTask = Map.groupBy(cells, ({ task }) => task)
  const byAgent = Map.groupBy(cells, ({ agent }) => agent)
  const pendingOf = (some: ReadonlyArray<Cell>) => some.reduce((sum, { pending }) => sum + pending, 0)
  const unfinishedFirst = (entries: Iterable<[string, Array<Cell>]>) =>
    Array.from(entries).toSorted(([, a], [, b]) => Number(pendingOf(a) === 0) - Number(pendingOf(b) === 0))

  const tasks = byTask.size <= MOST_TASKS ? Array.from(byTask) : unfinishedFirst(byTask)
  const shownTasks = tasks.slice(0, MOST_TASKS)
  const longest = Math.max(...shownTasks.map(([task]) => widthOf(singleLine(task))))
  const taskWidth = Math.max(4, Math.min(longest, LONGEST_TASK, Math.floor(columns * 0.4)))

  // What the cells need; then the names get what is left.
  const widths = new Map(
    Array.from(byAgent, ([agent, of]) => [agent, Math.max(LEAST_AGENT, ...of.map((cell) => widthOf(textOf(cell))))])
  )
  const all = Array.from(widths.values()).reduce((sum, width) => sum + GAP + width, 2 + taskWidth)
  const agents = (all <= columns ? Array.from(byAgent) : unfinishedFirst(byAgent)).map(([agent]) => agent)
  let left = columns - 2 - taskWidth
  const shownAgents: Array<string> = []
  for (const agent of agents) {
    const width = widths.get(agent)! + GAP
    if (width > left) break
    left -= width
    shownAgents.push(agent)
  }
  for (const [index, agent] of shownAgents.entries()) {
    const wanted = Math.min(LONGEST_AGENT, widthOf(singleLine(agent))) - widths.get(agent)!
    const more = Math.max(0, Math.min(wanted, Math.floor(left / (shownAgents.length - index))))
    left -= more
    widths.set(agent, widths.get(agent)! + more)
  }

  const row = (name: string, textFor: (agent: string, width: number) => string, style: "bold" | "plain") => [
    piece(`  ${fit(clipMiddle(singleLine(name), taskWidth), taskWidth)}`),
    piece(
      shownAgents.map((agent) => {
        const width = widths.get(agent)!
        return " ".repeat(GAP) + fit(textFor(agent, width), width)
      }).join(""),
      style
    )
  ]
  const lines: Array<ReadonlyArray<Piece>> = [
    row("", (agent, width) => clipMiddle(singleLine(agent), width), "bold"),
    ...shownTasks.map(([task, of]) => {
      const cellOf = new Map(of.map((cell) => [cell.agent, textOf(cell)]))
      return row(task, (agent) => cellOf.get(agent) ?? "–", "plain")
    })
  ]
  const hiddenTasks = tasks.slice(MOST_TASKS).flatMap(([, of]) => of)
  if (hiddenTasks.length > 0) lines.push(hidden(tasks.length - MOST_TASKS, "task", hiddenTasks))
  const hiddenAgents = agents.slice(shownAgents.length)
  if (hiddenAgents.length > 0) {
    lines.push(hidden(hiddenAgents.length, "agent", hiddenAgents.flatMap((agent) => byAgent.get(agent)!)))
  }
  return lines
}

const hidden = (count: number, what: string, cells: ReadonlyArray<Cell>): ReadonlyArray<Piece> => {
  const done = cells.reduce((sum, { scored, unscored }) => sum + scored + unscored, 0)
  const planned = cells.reduce((sum, cell) => sum + cell.planned, 0)
  return [piece(`  + ${count} ${what}${count === 1 ? "" : "s"} not shown: ${done}/${planned} done`, "dim")]
}
