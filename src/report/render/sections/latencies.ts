/** How fast: TTFT, gaps, TPOT, E2E and tokens/s, with percentiles and the bounds that hold of them. */
import { drawChart } from "../../figures/drawChart.ts"
import { histogramChart } from "../../figures/histogramFigure.ts"
import { MOST_ROWS, percentileChart } from "../../figures/rowFigures.ts"
import type { Distribution, Latencies, LatencyGroup } from "../../LatencyReport.ts"
import type { Report } from "../../Report.ts"
import { type Block, type Cell, items, paragraph, type Section, type Table, type Text, unknown } from "../Document.ts"
import { counted, integer, listed, millis, none, percentile, rate, share } from "../words.ts"
import { restsOn } from "./restsOn.ts"

const measures = [
  { key: "ttft", id: "ttft", name: "TTFT", label: "time to the first token" },
  { key: "itl", id: "itl", name: "ITL", label: "gap between arrivals, pooled" },
  { key: "meanItl", id: "mean-itl", name: "mean ITL per request", label: "mean gap of a request" },
  { key: "tpot", id: "tpot", name: "TPOT", label: "time per output token" },
  { key: "e2e", id: "e2e", name: "E2E", label: "time to the last token" },
  { key: "duration", id: "duration", name: "attempt", label: "time to the end of the attempt, with grading" },
  { key: "tokensPerSecond", id: "tokens-per-second", name: "tokens/s", label: "tokens per second after the first" }
] as const

type Measure = typeof measures[number]

/** Those that have a figure; the others have their table. */
const drawn = new Set<Measure["key"]>(["ttft", "tpot", "e2e", "tokensPerSecond"])

const textOf = ({ unit }: Distribution) => unit === "ms" ? millis : rate

export const latenciesSection = ({ latencies }: Report): Section => ({
  id: "latencies",
  title: "Latencies and tokens per second",
  blocks: [
    ...latencies.overall.attempts === 0
      ? [unknown("No attempt has completed, so nothing of its speed is known.")]
      : [
        paragraph(
          `Of ${
            counted(latencies.overall.attempts, "attempt")
          } that completed in time to count, as their tokens arrived ` +
            "where the campaign runs, behind all hops. Runs that were given up are not among them, which makes what is here " +
            "look faster than it was: the next section shows both together. A percentile is a sample, by nearest rank; in " +
            "brackets are bounds that hold of it with 95 % confidence whatever the distribution. Where there are not enough " +
            "samples for bounds there is no percentile either: it says how many there are, of how many it takes."
        ),
        overallTable(latencies.overall),
        ...basisOf(latencies.overall),
        ...measures.filter(({ key }) => drawn.has(key)).flatMap((measure) => measureFigure(measure, latencies)),
        ...gapFigure(latencies),
        ...latencies.byAgent.length > 1
          ? measures.filter(({ key }) => !drawn.has(key)).map((measure) => byAgentTable(measure, latencies))
          : []
      ],
    restsOn("ttft", "itl", "tpot", "e2e", "tokens-per-second")
  ]
})

const columns: Table["columns"] = [
  { title: "samples", numeric: true },
  { title: "p50", numeric: true },
  { title: "p90", numeric: true },
  { title: "p95", numeric: true },
  { title: "p99", numeric: true },
  { title: "mean", numeric: true }
]

const cellsOf = (distribution: Distribution): ReadonlyArray<Cell | string> => {
  const { clusters, n } = distribution
  const text = textOf(distribution)
  return [
    integer(n),
    ...[0.5, 0.9, 0.95, 0.99].map((wanted) => {
      const found = distribution.percentiles.find((percentile) => percentile.share === wanted)
      return found === undefined
        ? none
        : percentile(found, clusters ?? n, text, clusters === null ? "samples" : "attempts")
    }),
    text(distribution.mean)
  ]
}

const overallTable = (group: LatencyGroup): Table => ({
  _tag: "Table",
  caption: "All agents together, with bounds at 95 % confidence",
  columns: [{ title: "measure" }, ...columns],
  rows: measures.map(({ key, name }) => [name, ...cellsOf(group[key])])
})

const byAgentTable = (measure: Measure, latencies: Latencies, folded = true): Table => ({
  _tag: "Table",
  folded,
  caption: `${measure.name} by agent: ${measure.label}`,
  columns: [{ title: "agent" }, ...columns],
  rows: groupsOf(latencies).map((group) => [group.name, ...cellsOf(group[measure.key])])
})

const groupsOf = ({ byAgent, overall }: Latencies): ReadonlyArray<LatencyGroup> =>
  byAgent.length > 1 ? [...byAgent, overall] : [overall]

const measureFigure = (measure: Measure, latencies: Latencies): ReadonlyArray<Block> => {
  const groups = groupsOf(latencies)
  const some = groups.filter((group) => group[measure.key].n > 0)
  const without = groups.filter((group) => group[measure.key].n === 0).map(({ name }) => name)
  if (some.length === 0) return [unknown(`${measure.name}: no attempt tells it.`)]
  if (groups.length === 1) return shapeFigure(measure, latencies.overall[measure.key])
  const text = textOf(some[0]![measure.key])
  const chart = percentileChart({
    id: measure.id,
    title: `${measure.name} by agent`,
    description: `Median, p95 and p99 of the ${measure.label} for each agent, with their bounds.`,
    rows: some.map((group) => ({ name: group.name, percentiles: group[measure.key].percentiles })),
    label: measure.key === "tokensPerSecond" ? measure.label : `${measure.label} (logarithmic)`,
    quantity: measure.key === "tokensPerSecond" ? "number" : "millis",
    text
  })
  return [{
    _tag: "Figure",
    id: measure.id,
    title: `${measure.name}: ${measure.label}`,
    description: chart.description,
    caption: [
      "Lines are bounds with 95 % confidence, free of any distribution. A percentile without enough samples is not drawn.",
      ...without.length === 0 ? [] : [` Not known of ${listed(without)}.`],
      ...leftOutOf(latencies.overall[measure.key]),
      ...some.length > MOST_ROWS ? [` ${counted(some.length - MOST_ROWS, "agent")} more in the table only.`] : []
    ],
    draw: (width) => drawChart(chart, width),
    table: byAgentTable(measure, latencies)
  }]
}

const leftOutOf = ({ leftOut }: Distribution): ReadonlyArray<string> => {
  const some = leftOut.filter(({ attempts }) => attempts > 0)
  return some.length === 0
    ? []
    : [` Left out: ${some.map(({ attempts, why }) => `${counted(attempts, "attempt")} (${why})`).join(", ")}.`]
}

/** What numbers of tokens rest on, and what an arrival of several tokens does to gaps. */
const basisOf = ({ basis, gapBasis }: LatencyGroup): ReadonlyArray<Block> => {
  const bases: ReadonlyArray<Text> = [
    ...basis.usage === 0 ? [] : [`${counted(basis.usage, "attempt")}: tokens as the engine counted them.`],
    ...basis.deltas === 0
      ? []
      : [`${counted(basis.deltas, "attempt")}: one token for each piece of text that came, because no usage was told.`],
    ...basis.pieces === 0
      ? []
      : [
        `${
          counted(basis.pieces, "attempt")
        }: pieces of text of the agent's own choosing, which are no tokens; they have no part in gaps, TPOT and tokens/s.`
      ],
    ...gapBasis.arrivals === 0
      ? []
      : [
        `Gaps are between ${counted(gapBasis.arrivals, "arrival")} of ${counted(gapBasis.tokens, "token")}; ${
          share(gapBasis.coalesced)
        } of them brought several tokens at once. Such an arrival is one gap, as in vLLM's benchmark, so the more of ` +
        "them there are, the longer gaps look beside the time per token."
      ]
  ]
  return bases.length === 0 ? [] : [items(bases)]
}

/** Samples from which a histogram shows a shape. */
const ENOUGH = 20

/** Of one agent the percentiles stand in the table, and what is left to see is the shape. */
const shapeFigure = ({ id, label, name }: Measure, distribution: Distribution): ReadonlyArray<Block> =>
  distribution.n < ENOUGH ? [] : [histogram({
    id,
    title: `${name}: ${label}`,
    label,
    distribution,
    samples: "attempts",
    caption: [`${counted(distribution.n, "attempt")}.`, ...beyondAxis(distribution), ...leftOutOf(distribution)]
  })]

const gapFigure = ({ overall: { itl } }: Latencies): ReadonlyArray<Block> =>
  itl.n === 0 ? [] : [histogram({
    id: "gaps",
    title: "Gaps between arrivals",
    label: "gap",
    distribution: itl,
    samples: "gaps",
    caption: [
      `${counted(itl.n, "gap")}, pooled over all requests: a long answer has more of them than a short one. ` +
      `The longest is ${millis(itl.most)}.`,
      ...beyondAxis(itl)
    ]
  })]

/** A logarithmic axis has no 0. */
const beyondAxis = ({ bins, n }: Distribution): ReadonlyArray<string> => {
  const zeros = bins.find(({ from }) => from === 0)?.count ?? 0
  return zeros === 0 ? [] : [` ${integer(zeros)} of them (${share(zeros / n)}) are 0 and left of the axis.`]
}

const histogram = ({ caption, distribution, id, label, samples, title }: {
  readonly id: string
  readonly title: string
  readonly label: string
  readonly distribution: Distribution
  /** What is counted. */
  readonly samples: string
  readonly caption: Text
}): Block => {
  const { bins, percentiles, unit } = distribution
  const text = textOf(distribution)
  const chart = histogramChart({
    id,
    title,
    description: `A histogram of the ${label} over a logarithmic axis, with the median and p99 where they are known.`,
    bins,
    percentiles,
    label: `${label} (logarithmic)`,
    quantity: unit === "ms" ? "millis" : "number",
    text
  })
  const total = bins.reduce((sum, { count }) => sum + count, 0)
  return {
    _tag: "Figure",
    id,
    title,
    description: chart.description,
    caption,
    draw: (width) => drawChart(chart, width),
    table: {
      _tag: "Table",
      caption: title,
      columns: [
        { title: "from" },
        { title: "to", numeric: true },
        { title: samples, numeric: true },
        { title: "share", numeric: true }
      ],
      rows: bins.filter(({ count }) => count > 0).map(({ count, from, to }) => [
        text(from),
        text(from === 0 ? 0 : to),
        integer(count),
        share(count / total)
      ])
    }
  }
}
