/** How far every task has come with every agent, and the mean score of each pair. */
import type { CoverageCell, Report } from "../../Report.ts"
import { type Block, type Cell, paragraph, type Section } from "../Document.ts"
import { counted, integer, none, score } from "../words.ts"
import { restsOn } from "./restsOn.ts"

/** Agents that a table has a column for; with more, each pair has a row. */
const MOST_COLUMNS = 12
/** Rows that stand open; more are folded, because what comes after them is wanted, too. */
const MOST_OPEN = 60

export const coverageSection = ({ coverage, header }: Report): Section => ({
  id: "coverage",
  title: "Coverage",
  blocks: [
    paragraph(
      `${integer(coverage.cellsWithScore)} of ${counted(coverage.cells.length, "pair")} of task and agent ${
        coverage.cellsWithScore === 1 ? "has" : "have"
      } at least ` +
        "one scored battle. A cell is the battles that ended with a score of those planned, and their mean score; ○ counts " +
        "those that ended without one, … those that are pending."
    ),
    header.agents.length <= MOST_COLUMNS ? matrix(coverage.cells, header) : list(coverage.cells),
    restsOn(coverage.query)
  ]
})

const textOf = ({ meanScore, pending, planned, scored, unscored }: CoverageCell): string =>
  [
    `${integer(scored)}/${integer(planned)}`,
    ...meanScore === null ? [] : [score(meanScore)],
    ...unscored === 0 ? [] : [`○${integer(unscored)}`],
    ...pending === 0 ? [] : [`…${integer(pending)}`]
  ].join(" ")

const cellOf = (cell: CoverageCell | undefined): Cell | string =>
  cell === undefined
    ? none
    : cell.meanScore === null
    ? { text: textOf(cell) }
    : { text: textOf(cell), shade: cell.meanScore }

const matrix = (cells: Report["coverage"]["cells"], { agents, tasks }: Report["header"]): Block => {
  const byPair = new Map(cells.map((cell) => [`${cell.task}\n${cell.agent}`, cell]))
  return {
    _tag: "Table",
    caption: "Scored battles and mean score, by task and agent; darker is higher",
    folded: tasks.length > MOST_OPEN,
    columns: [{ title: "task" }, ...agents.map(({ name }) => ({ title: name, numeric: true }))],
    rows: tasks.map(({ id: task }) => [task, ...agents.map(({ name }) => cellOf(byPair.get(`${task}\n${name}`)))])
  }
}

const list = (cells: Report["coverage"]["cells"]): Block => ({
  _tag: "Table",
  caption: "Scored battles and mean score, by task and agent; darker is higher",
  folded: cells.length > MOST_OPEN,
  columns: [{ title: "task" }, { title: "agent" }, { title: "scored and score", numeric: true }],
  rows: cells.map((cell) => [cell.task, cell.agent, cellOf(cell)])
})
