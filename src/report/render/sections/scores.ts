/** Scores in three columns, by agent, task and pair, and what repetitions say: pass@k. */
import { drawChart } from "../../figures/drawChart.ts"
import { estimateChart, MOST_ROWS } from "../../figures/rowFigures.ts"
import type { PassAtK, PassAtKRow, Report, ScoreCut } from "../../Report.ts"
import { type Block, type Figure, paragraph, type Section, type Table, unknown } from "../Document.ts"
import { counted, estimateCell, integer, methodNames, score, share } from "../words.ts"
import { restsOn } from "./restsOn.ts"

export const columnNames = ["scored only", "unscored as 0", "unscored as 1"] as const

export const scoresSection = ({ header, passAtK, scores }: Report): Section => {
  const { byAgent, byTask, cells, overall } = scores
  return {
    id: "scores",
    title: "Scores",
    blocks: [
      paragraph(
        "Three columns, because a battle that ended without a score says nothing of its agent: the mean over scored battles " +
          "only; the mean if every unscored one counts as 0, the lowest that it can be; and as 1, the highest. The truth of " +
          "the whole plan lies between the last two. Pending battles are in none of them."
      ),
      ...overall.scored === 0
        ? [unknown("There is no score: no battle has been scored.")]
        : [
          ...scoreFigure("scores-by-agent", "agent", byAgent.length > 1 ? [...byAgent, overall] : [overall]),
          ...byTask.length > 1 ? scoreFigure("scores-by-task", "task", byTask) : [],
          ...byTask.length > 1 && byAgent.length > 1 ? [scoreTable("pair of task and agent", cells, true)] : []
        ],
      restsOn(scores.query),
      ...passBlocks(passAtK, header.repetitions)
    ]
  }
}

const scoreFigure = (id: string, what: "agent" | "task", cuts: ReadonlyArray<ScoreCut>): ReadonlyArray<Block> => {
  const drawn = cuts.filter(({ scored }) => scored > 0)
  const chart = estimateChart({
    id,
    title: `Mean score by ${what}`,
    description: `For each ${what} three dots with their intervals: the mean score over scored battles only, with ` +
      "unscored ones as 0, and as 1. The table below has the same numbers.",
    series: columnNames,
    rows: drawn.map(({ name, score: { bestCase, infrastructureAsFailure, scoredOnly } }) => ({
      name,
      estimates: [scoredOnly, infrastructureAsFailure, bestCase]
    })),
    label: "mean score",
    quantity: "number",
    domain: [0, 1],
    text: score
  })
  const first = drawn[0]
  const figure: Figure = {
    _tag: "Figure",
    id,
    title: chart.title,
    description: chart.description,
    caption: `${
      first === undefined ? "" : `Lines are ${intervalOf(first)}. `
    }A hollow mark has too few samples for one.${missing(cuts, drawn, what)}`,
    draw: (width) => drawChart(chart, width),
    table: scoreTable(what, cuts, true)
  }
  return [figure]
}

const intervalOf = ({ score: { scoredOnly: { level, method } } }: ScoreCut): string =>
  method === null ? "intervals, where there are enough samples" : `${share(level)} intervals ${methodNames[method]}`

const missing = (all: ReadonlyArray<unknown>, drawn: ReadonlyArray<unknown>, what: string): string => {
  const without = all.length - drawn.length
  const hidden = Math.max(0, drawn.length - MOST_ROWS)
  return [
    ...without === 0
      ? []
      : [` ${counted(without, what)} without a scored battle ${without === 1 ? "is" : "are"} not drawn.`],
    ...hidden === 0 ? [] : [` ${counted(hidden, what)} more ${hidden === 1 ? "is" : "are"} in the table only.`]
  ].join("")
}

const scoreTable = (
  what: string,
  cuts: ReadonlyArray<ScoreCut & { readonly task?: string; readonly agent?: string }>,
  folded: boolean
): Table => ({
  _tag: "Table",
  folded,
  caption: `Scores by ${what}`,
  columns: [
    { title: what },
    { title: "scored", numeric: true },
    { title: "unscored", numeric: true },
    { title: "pending", numeric: true },
    ...columnNames.map((title) => ({ title, numeric: true })),
    { title: "passed", numeric: true },
    { title: "pass rate", numeric: true }
  ],
  rows: cuts.map((cut) => [
    cut.task === undefined ? cut.name : `${cut.task} × ${cut.agent}`,
    `${integer(cut.scored)}/${integer(cut.planned)}`,
    integer(cut.unscored),
    integer(cut.pending),
    estimateCell(cut.score.scoredOnly),
    estimateCell(cut.score.infrastructureAsFailure),
    estimateCell(cut.score.bestCase),
    integer(cut.passed),
    estimateCell(cut.passRate.scoredOnly, share)
  ])
})

const passBlocks = ({ byAgent, query }: PassAtK, repetitions: number): ReadonlyArray<Block> => {
  if (repetitions < 2) {
    return [unknown("Each task was played once, so nothing can be said of pass@k beyond k = 1, the pass rate.")]
  }
  const agents = byAgent.filter(({ rows }) => rows.some(({ passAtK }) => passAtK.value !== null))
  if (agents.length === 0) return [unknown("pass@k: no pair of task and agent has enough scored battles.")]
  const several = agents.length > 1
  const first = agents[0]!
  const series = several ? ["pass@k, k = all repetitions", "pass@1"] : ["pass@k", "all of k pass"]
  const last = (rows: ReadonlyArray<PassAtKRow>) => rows.findLast(({ passAtK }) => passAtK.value !== null)
  const rows = several
    ? agents.map(({ agent, rows: of }) => ({
      name: agent,
      estimates: [last(of)?.passAtK ?? null, of[0]?.passAtK ?? null]
    }))
    : first.rows.map(({ k, passAllK, passAtK }) => ({ name: `k = ${k}`, estimates: [passAtK, passAllK] }))
  const chart = estimateChart({
    id: "pass-at-k",
    title: several ? "pass@k by agent" : "pass@k",
    description: "Mean over tasks of the chance that at least one of k repetitions passes, with its interval.",
    series,
    rows,
    label: "chance",
    quantity: "share",
    domain: [0, 1],
    text: share
  })
  return [
    {
      _tag: "Figure",
      id: "pass-at-k",
      title: chart.title,
      description: chart.description,
      caption:
        "The unbiased estimator of Chen et al. (2021) within each task, then the mean over tasks. A task with fewer " +
        "than k scored battles has no part in that k.",
      draw: (width) => drawChart(chart, width),
      table: {
        _tag: "Table",
        caption: "pass@k: the chance that one of k passes; and that all of k pass",
        columns: [
          { title: "agent" },
          { title: "k", numeric: true },
          { title: "pass@k", numeric: true },
          { title: "all of k pass", numeric: true },
          { title: "tasks left out", numeric: true }
        ],
        rows: agents.flatMap(({ agent, rows: of }) =>
          of.map(({ cellsLeftOut, k, passAllK, passAtK }) => [
            agent,
            integer(k),
            estimateCell(passAtK, share),
            estimateCell(passAllK, share),
            integer(cellsLeftOut)
          ])
        )
      }
    },
    restsOn(query)
  ]
}
