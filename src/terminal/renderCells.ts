/**
 * How far each task is with each agent, in as many lines as can be spared: the whole table, a line for each agent, or one
 * line. It never takes lines from the battles in flight, but for that one.
 *
 *                      agent-one       agent-two            table
 *     roman-numerals   12/40 0.61 ○2   40/40 0.93
 *
 *     agent-one  34/100 0.71  ▁▃█▅▂▁····                    agents: one sign a task, in the order of the plan
 *
 *     agent-one 34/100  agent-two 12/100  ▁▃█▅▂▁····        one line: a sign is a task with all agents
 *
 * A cell is battles done of those planned, their mean score, and ○ with the number of battles that ended without one. A
 * sign is the share that is done: · none, ▁ the least, █ all. Amber: some ended without a score.
 */
import { type CampaignView } from "./CampaignView.ts"
import * as Cells from "./Cells.ts"
import { score } from "./Quantities.ts"
import { type Piece, piece, type Style } from "./StyledLine.ts"
import { clipMiddle, fit, singleLine, widthOf } from "./TextWidth.ts"

type Pieces = ReadonlyArray<Piece>

const INDENT = "  "
const GAP = 3
const LONGEST_TASK = 32
const LONGEST_AGENT = 24
const LEAST_CELL = 8
/** A table that shows less of a name than this says too little. */
const LEAST_NAME = 6
/** Less than this of a name says nothing. */
const LEAST_OF_ONE = 4

/** The lines, in the form with the most of them that is not more than `most`. */
export const renderCells = (view: CampaignView, columns: number, most: number): ReadonlyArray<Pieces> => {
  const tasks = view.definition?.tasks.map(({ id }) => id) ?? []
  const agents = view.definition?.agents.map(({ name }) => name) ?? []
  if (most < 1 || tasks.length * agents.length < 2) return []
  const only = agents[0]!
  const forms = agents.length === 1
    ? [
      () => tasks.length * (LEAST_CELL + GAP) > most * columns ? undefined : flow(view, tasks, only, columns),
      () => onlyLine(view, tasks, only, columns)
    ]
    : [
      () => tasks.length + 1 > most ? undefined : table(view, tasks, agents, columns),
      () => agentLines(view, tasks, agents, columns),
      () => [oneLine(view, tasks, agents, columns)]
    ]
  for (const form of forms) {
    const lines = form()
    if (lines !== undefined && lines.length <= most) return lines
  }
  return []
}

const textOf = (cell: Cells.Cell): string =>
  [
    `${Cells.done(cell)}/${Cells.planned(cell)}`,
    ...cell.scored === 0 ? [] : [score(cell.sum / cell.scored)],
    ...cell.unscored === 0 ? [] : [`○${cell.unscored}`]
  ].join(" ")

const styleOf = (cell: Cells.Cell): Style => cell.unscored > 0 ? "amber" : Cells.done(cell) === 0 ? "dim" : "plain"

/** A row a task, a column an agent; undefined where the columns would be too narrow. */
const table = (
  view: CampaignView,
  tasks: ReadonlyArray<string>,
  agents: ReadonlyArray<string>,
  columns: number
): ReadonlyArray<Pieces> | undefined => {
  const rows = tasks.map((task) => agents.map((agent) => Cells.get(view.cells, task, agent)))
  const widths = agents.map((agent, column) => {
    const widest = Math.max(LEAST_CELL, ...rows.map((row) => widthOf(textOf(row[column]!))))
    return { least: widest, wanted: Math.max(widest, Math.min(LONGEST_AGENT, widthOf(singleLine(agent)))) }
  })
  const longest = Math.min(LONGEST_TASK, Math.max(...tasks.map((task) => widthOf(singleLine(task)))))
  const sum = (of: "least" | "wanted") => widths.reduce((total, width) => total + GAP + width[of], INDENT.length)
  const of = sum("wanted") + longest <= columns ? "wanted" as const : "least" as const
  const taskWidth = Math.min(longest, columns - sum(of))
  if (taskWidth < Math.min(longest, LEAST_NAME)) return undefined
  const row = (name: string, cells: ReadonlyArray<Piece>): Pieces => [
    piece(`${INDENT}${fit(clipMiddle(singleLine(name), taskWidth), taskWidth)}`),
    ...cells.flatMap(({ style, text }, column) => [
      piece(" ".repeat(GAP)),
      piece(fit(clipMiddle(text, widths[column]![of]), widths[column]![of]), style)
    ])
  ]
  return [
    row("", agents.map((agent) => piece(singleLine(agent), "bold"))),
    ...tasks.map((task, index) => row(task, rows[index]!.map((cell) => piece(textOf(cell), styleOf(cell)))))
  ]
}

/** The tasks of an only agent, as many side by side as fit. */
const flow = (
  view: CampaignView,
  tasks: ReadonlyArray<string>,
  agent: string,
  columns: number
): ReadonlyArray<Pieces> => {
  const cells = tasks.map((task) => Cells.get(view.cells, task, agent))
  const cellWidth = Math.max(...cells.map((cell) => widthOf(widestOf(cell))))
  const longest = Math.min(LONGEST_TASK, Math.max(...tasks.map((task) => widthOf(singleLine(task)))))
  const taskWidth = Math.max(1, Math.min(longest, columns - INDENT.length - 1 - cellWidth))
  const width = taskWidth + 1 + cellWidth + GAP
  const across = Math.max(1, Math.floor((columns - INDENT.length + GAP) / width))
  const items = tasks.map((task, index): Pieces => [
    piece(fit(clipMiddle(singleLine(task), taskWidth), taskWidth)),
    piece(` ${fit(textOf(cells[index]!), cellWidth)}`, styleOf(cells[index]!))
  ])
  return Array.from({ length: Math.ceil(items.length / across) }, (_, line) => [
    piece(INDENT),
    ...items.slice(line * across, (line + 1) * across)
      .flatMap((item, column) => column === 0 ? item : [piece(" ".repeat(GAP)), ...item])
  ])
}

/** As wide as the text of the cell may become. */
const widestOf = (cell: Cells.Cell): string => {
  const all = Cells.planned(cell)
  return `${all}/${all} 0.00${cell.unscored === 0 ? "" : ` ○${cell.unscored}`}`
}

const agentLines = (
  view: CampaignView,
  tasks: ReadonlyArray<string>,
  agents: ReadonlyArray<string>,
  columns: number
): ReadonlyArray<Pieces> => {
  const width = Math.min(LONGEST_AGENT, Math.max(...agents.map((agent) => widthOf(singleLine(agent)))))
  const rows = agents.map((agent) => ({
    head: `${INDENT}${fit(clipMiddle(singleLine(agent), width), width)}`,
    cells: tasks.map((task) => Cells.get(view.cells, task, agent))
  }))
  return lined(rows, columns)
}

/** All tasks of the only agent, which needs no name. */
const onlyLine = (
  view: CampaignView,
  tasks: ReadonlyArray<string>,
  agent: string,
  columns: number
): ReadonlyArray<Pieces> =>
  lined([{ head: `${INDENT}tasks`, cells: tasks.map((task) => Cells.get(view.cells, task, agent)) }], columns)

/** Rows with what their cells come to, and a sign for each. */
const lined = (
  rows: ReadonlyArray<{ readonly head: string; readonly cells: ReadonlyArray<Cells.Cell> }>,
  columns: number
): ReadonlyArray<Pieces> => {
  const sums = rows.map(({ cells }) => Cells.sumOf(cells))
  const width = Math.max(...sums.map((sum) => widthOf(widestOf(sum))))
  return rows.map(({ cells, head }, index) => [
    piece(head),
    piece(`  ${fit(textOf(sums[index]!), width)}  `, styleOf(sums[index]!)),
    ...signs(cells, columns - widthOf(head) - width - 4)
  ])
}

/** All agents, and a sign for each task. */
const oneLine = (
  view: CampaignView,
  tasks: ReadonlyArray<string>,
  agents: ReadonlyArray<string>,
  columns: number
): Pieces => {
  const room = Math.min(tasks.length, Math.floor(columns / 3))
  const sums = agents.map((agent) => Cells.sumOf(tasks.map((task) => Cells.get(view.cells, task, agent))))
  const counted = sums.map((sum) => `${Cells.done(sum)}/${Cells.planned(sum)}`)
  const left = columns - INDENT.length - room - 2
  const widthFor = (count: number) => {
    const rest = count === agents.length ? 0 : widthOf(moreText(agents.length - count))
    const numbers = counted.slice(0, count).reduce((sum, text) => sum + widthOf(text) + 3, 0)
    return Math.floor((left - rest - numbers) / count)
  }
  let shown = agents.length
  while (shown > 0 && widthFor(shown) < LEAST_OF_ONE) shown--
  const width = Math.min(LONGEST_AGENT, shown === 0 ? 0 : widthFor(shown))
  const pieces: ReadonlyArray<Piece> = [
    piece(INDENT),
    ...agents.slice(0, shown).flatMap((agent, index) => [
      piece(`${clipMiddle(singleLine(agent), width)} `),
      piece(`${counted[index]!}  `, styleOf(sums[index]!))
    ]),
    ...shown === agents.length ? [] : [piece(moreText(agents.length - shown), "dim")]
  ]
  const together = tasks.map((task) => Cells.sumOf(agents.map((agent) => Cells.get(view.cells, task, agent))))
  return [...pieces, ...signs(together, room)]
}

const moreText = (agents: number): string => `+${agents} ${agents === 1 ? "agent" : "agents"}  `

const levels = "▁▂▃▄▅▆▇"

const signOf = (cell: Cells.Cell): string => {
  const share = Cells.done(cell) / Math.max(1, Cells.planned(cell))
  return share >= 1 ? "█" : share <= 0 ? "·" : levels[Math.min(levels.length - 1, Math.floor(share * levels.length))]!
}

/** A sign for each cell, or for neighbours together where there are more of them than columns. */
const signs = (cells: ReadonlyArray<Cells.Cell>, columns: number): Pieces => {
  if (columns < 1) return []
  const each = Math.ceil(cells.length / columns)
  const groups = each === 1
    ? cells
    : Array.from(
      { length: Math.ceil(cells.length / each) },
      (_, index) => Cells.sumOf(cells.slice(index * each, (index + 1) * each))
    )
  return groups.map((cell) =>
    piece(signOf(cell), cell.unscored > 0 ? "amber" : Cells.done(cell) === 0 ? "dim" : "plain")
  )
}
