/** Two campaigns beside each other: what differs, with its interval, and what cannot be compared. */
import type { Compared, Comparison } from "../../Comparison.ts"
import type { Estimate } from "../../Estimate.ts"
import { drawChart } from "../../figures/drawChart.ts"
import { estimateChart } from "../../figures/rowFigures.ts"
import type { Header } from "../../Report.ts"
import { beware, type Block, type Cell, items, paragraph, type Section, strong, unknown } from "../Document.ts"
import { counted, estimateCell, integer, millis, moment, none, rate, score, share, signed } from "../words.ts"
import { columnNames } from "./scores.ts"

export const comparisonSection = (comparison: Comparison): Section => {
  const { byTask, cautions, first, latencies, notCompared, rates, scores, second } = comparison
  return {
    id: "comparison",
    title: "Compared with another campaign",
    blocks: [
      paragraph(
        "First: ",
        strong(first.campaign),
        ` (${describe(first)}). Second: `,
        strong(second.campaign),
        ` (${describe(second)}).`
      ),
      paragraph(
        "Differences are the second less the first, ratios the second by the first. Scores are compared over the tasks that " +
          "both have, each task's mean once. An interval that holds 0 (of a difference) or 1 (of a ratio) is no difference " +
          "that these campaigns can show."
      ),
      ...scores.length === 0 ? [unknown("No scores can be compared.")] : scoreBlocks(comparison),
      ...latencies.length === 0 ? [] : [changeTable("Medians of latencies and rates", latencies)],
      ...rates.length === 0 ? [] : [changeTable("Shares of attempts and battles", rates)],
      ...byTask.length < 2 ? [] : [taskTable(byTask)],
      ...cautions.length === 0
        ? []
        : [
          beware("The campaigns differ in more than what is compared; it may be why their figures do:"),
          items(cautions)
        ],
      ...notCompared.length === 0 ? [] : [unknown("What cannot be compared, and why:"), items(notCompared)]
    ]
  }
}

const describe = ({ agents, firstAttemptAt, repetitions, tasks }: Header): string =>
  `${counted(agents.length, "agent")}, ${counted(tasks.length, "task")}, ${counted(repetitions, "repetition")}${
    firstAttemptAt === null ? "" : `, ${moment(firstAttemptAt)}`
  }`

const scoreBlocks = ({ scores }: Comparison): ReadonlyArray<Block> => {
  const chart = estimateChart({
    id: "score-differences",
    title: "Differences of scores",
    description:
      "For each agent that both campaigns have, the second's mean score less the first's, with its interval.",
    series: columnNames,
    rows: scores.map(({ difference: { bestCase, infrastructureAsFailure, scoredOnly }, name }) => ({
      name,
      estimates: [scoredOnly, infrastructureAsFailure, bestCase]
    })),
    label: "second less first",
    quantity: "number",
    reference: { at: 0, label: "no difference" },
    text: signed(score)
  })
  return [{
    _tag: "Figure",
    id: "score-differences",
    title: chart.title,
    description: chart.description,
    caption: "Lines are 95 % intervals, paired by task. A hollow mark has too few tasks for one.",
    draw: (width) => drawChart(chart, width),
    table: {
      _tag: "Table",
      caption: "Mean scores over scored battles, and their differences",
      columns: [
        { title: "agent" },
        { title: "tasks", numeric: true },
        { title: "first", numeric: true },
        { title: "second", numeric: true },
        ...columnNames.map((title) => ({ title: `difference, ${title}`, numeric: true }))
      ],
      rows: scores.map(({ difference, first, name, second, tasks }) => [
        name,
        integer(tasks),
        score(first.scoredOnly),
        score(second.scoredOnly),
        change(difference.scoredOnly),
        change(difference.infrastructureAsFailure),
        change(difference.bestCase)
      ])
    }
  }]
}

const change = (of: Estimate): Cell => estimateCell(of, signed(score))

const changeTable = (caption: string, rows: ReadonlyArray<Compared>): Block => ({
  _tag: "Table",
  caption,
  columns: [
    { title: "of" },
    { title: "first", numeric: true },
    { title: "second", numeric: true },
    { title: "change", numeric: true }
  ],
  rows: rows.map(({ change: of, first, kind, name, second }) => {
    const text = kind === "difference" ? share : name.includes("tokens/s") ? rate : millis
    return [
      name,
      first === null ? none : text(first),
      second === null ? none : text(second),
      kind === "difference" ? estimateCell(of, signed(share)) : estimateCell(of, (value) => `× ${value.toFixed(2)}`)
    ]
  })
})

const taskTable = (byTask: Comparison["byTask"]): Block => ({
  _tag: "Table",
  folded: true,
  caption: "Mean scores task by task",
  columns: [
    { title: "task" },
    { title: "first", numeric: true },
    { title: "second", numeric: true },
    { title: "difference", numeric: true }
  ],
  rows: byTask.map(({ difference, first, second, task }) => [
    task,
    score(first),
    score(second),
    difference === null ? none : signed(score)(difference)
  ])
})
