/** How long attempts take where those that were given up count as what is known of them: not finished until then. */
import { drawChart } from "../../figures/drawChart.ts"
import { MOST_CURVES, survivalChart } from "../../figures/survivalFigure.ts"
import type { SurvivalCurve } from "../../LatencyReport.ts"
import type { Report } from "../../Report.ts"
import { type Block, paragraph, type Section, type Table, unknown } from "../Document.ts"
import { counted, hours, integer, millis, share } from "../words.ts"
import { restsOn } from "./restsOn.ts"

/** Steps of a curve that its table has. */
const MOST_ROWS = 40

export const censoredSection = ({ attemptEnds, censored }: Report): Section => ({
  id: "censored",
  title: "How long, with those that were given up",
  blocks: [
    paragraph(
      "An attempt that was given up after ten minutes is no attempt of ten minutes, and leaving it out makes the rest look " +
        "fast. Kaplan and Meier's estimator counts it as what is known: it had not ended until then. The curve is the share of attempts " +
        "that take longer than the time below it."
    ),
    endsTable(attemptEnds),
    ...curveBlocks("completion", "Time until an attempt completes", censored.completion, "completed"),
    ...curveBlocks("first-token", "Time until the first token", censored.firstToken, "had a first token"),
    restsOn(censored.query)
  ]
})

const endsTable = ({ byVerdict, inFlight, superseded, total }: Report["attemptEnds"]): Table => ({
  _tag: "Table",
  caption: `How ${counted(total, "attempt")} ended${inFlight === 0 ? "" : `, with ${integer(inFlight)} in flight`}${
    superseded === 0 ? "" : `; ${integer(superseded)} came too late to count and are left out`
  }`,
  columns: [
    { title: "ended" },
    { title: "attempts", numeric: true },
    { title: "time", numeric: true },
    { title: "tokens", numeric: true }
  ],
  rows: byVerdict.filter(({ attempts }) => attempts > 0).map(({ attempts, hours: took, tokens, verdict }) => [
    verdict === "slow" ? "over the hard cap" : verdict,
    integer(attempts),
    hours(took),
    integer(tokens)
  ])
})

const curveBlocks = (
  id: string,
  title: string,
  { byAgent, overall }: Report["censored"]["completion"],
  event: string
): ReadonlyArray<Block> => {
  if (overall.events === 0) return [unknown(`${title}: no attempt has ${event} so far, so there is no curve.`)]
  const all = [overall, ...byAgent.length > 1 ? byAgent : []]
  const curves = all.filter(({ events }) => events > 0)
  const chart = survivalChart({
    id,
    title,
    description: `The share of attempts that take longer than a time, from 100 % at 0 downward, with its 95 % band.`,
    curves: curves.slice(0, MOST_CURVES),
    label: "time since the attempt began"
  })
  return [{
    _tag: "Figure",
    id,
    title,
    description: chart.description,
    caption:
      `Kaplan–Meier over ${counted(overall.n, "attempt")}: ${integer(overall.events)} ${event}${
        overall.censored === 0
          ? "."
          : `, ${integer(overall.censored)} were given up or are in flight and count until then (×).`
      } Median ${medianOf(overall)}. The band is point by point, ` +
      `with Greenwood's variance.${overall.isThinned ? " Steps too close to be told apart are left out." : ""}${
        curves.length > MOST_CURVES ? ` ${counted(curves.length - MOST_CURVES, "agent")} more in the table only.` : ""
      }`,
    draw: (width) => drawChart(chart, width),
    table: medians(title, all)
  }, stepTable(title, overall)]
}

const medianOf = ({ medianLowerMillis, medianMillis, medianUpperMillis }: SurvivalCurve): string =>
  medianMillis === null
    ? "not reached: fewer than half are known to have come so far"
    : `${millis(medianMillis)} [${medianLowerMillis === null ? "?" : millis(medianLowerMillis)}, ${
      medianUpperMillis === null ? "not bounded" : millis(medianUpperMillis)
    }]`

const medians = (title: string, curves: ReadonlyArray<SurvivalCurve>): Table => ({
  _tag: "Table",
  caption: `${title}: medians by agent`,
  columns: [
    { title: "agent" },
    { title: "attempts", numeric: true },
    { title: "events", numeric: true },
    { title: "given up", numeric: true },
    { title: "median", numeric: true }
  ],
  rows: curves.map((curve) => [
    curve.name,
    integer(curve.n),
    integer(curve.events),
    integer(curve.censored),
    medianOf(curve)
  ])
})

const stepTable = (title: string, { steps }: SurvivalCurve): Table => {
  const every = Math.ceil(steps.length / MOST_ROWS)
  return {
    _tag: "Table",
    folded: true,
    caption: `${title}: the curve${every > 1 ? `, one of ${every} steps` : ""}`,
    columns: [
      { title: "time" },
      { title: "take longer", numeric: true },
      { title: "from", numeric: true },
      { title: "to", numeric: true },
      { title: "at risk", numeric: true }
    ],
    rows: steps.filter((_, index) => index % every === 0 || index === steps.length - 1).map((step) => [
      millis(step.atMillis),
      share(step.survival),
      share(step.lower),
      share(step.upper),
      integer(step.atRisk)
    ])
  }
}
