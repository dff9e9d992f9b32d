/** What fixed timeouts would have done to this campaign, replayed over its stored times. */
import type { CounterfactualCurve, LimitMark, Timeout } from "../../CounterfactualReport.ts"
import { counterfactualChart } from "../../figures/counterfactualFigure.ts"
import { drawChart } from "../../figures/drawChart.ts"
import type { Report } from "../../Report.ts"
import { type Block, paragraph, type Section, type Table, unknown } from "../Document.ts"
import { counted, hours, integer, listed, millis, none, share } from "../words.ts"
import { restsOn } from "./restsOn.ts"

const names: Readonly<Record<Timeout, { readonly title: string; readonly label: string; readonly clock: string }>> = {
  "total": {
    title: "A timeout on the whole attempt",
    label: "timeout since the attempt began (logarithmic)",
    clock: "time since the attempt began"
  },
  "gap": {
    title: "A timeout on silence between tokens",
    label: "timeout since the last token (logarithmic)",
    clock: "time since the last token"
  },
  "first-token": {
    title: "A timeout on the first token",
    label: "timeout until the first token (logarithmic)",
    clock: "time without a first token"
  }
}

/** Which limits of ours run by the same clock. */
const limitsOf: Readonly<Record<Timeout, ReadonlySet<string>>> = {
  "total": new Set(),
  "gap": new Set(["frozen", "undecoded", "silent", "lost", "agent-heartbeat"]),
  "first-token": new Set(["first-token"])
}

/** Timeouts that people set, in milliseconds. */
const usual = [30_000, 60_000, 75_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000]

export const counterfactualSection = ({ counterfactual }: Report): Section => ({
  id: "counterfactual",
  title: "What a fixed timeout would have done",
  blocks: [
    paragraph(
      "Replayed over the stored times: good attempts are those that completed and that their battle counts; hung ones " +
        "those that were found stalled. A timeout kills an attempt at the first moment that its clock passes it. What a " +
        "good one had done until then is thrown away; a hung one that is killed before it was found saves the rest; one " +
        "that the timeout is too long for is held until it. What a retry after a kill would have done nobody knows, and it " +
        "is not guessed."
    ),
    ...counterfactual.curves.flatMap((curve) => curveBlocks(curve, counterfactual.limits)),
    ...counterfactual.limits.length === 0 ? [] : [limitTable(counterfactual.limits)],
    paragraph(
      counterfactual.hardCapMillis === null
        ? "This campaign set no hard cap: what lived was waited for."
        : `This campaign set a hard cap of ${millis(counterfactual.hardCapMillis)} for an attempt, alive or not.`
    ),
    restsOn(counterfactual.query)
  ]
})

const curveBlocks = (curve: CounterfactualCurve, limits: ReadonlyArray<LimitMark>): ReadonlyArray<Block> => {
  const { clock, label, title } = names[curve.timeout]
  if (curve.good === 0) {
    return [unknown(
      curve.leftOut === 0
        ? `${title}: no attempt was good, so what it would have killed is not known.`
        : `${title}: the times of tokens are known of no good attempt, so what it would have killed is not known.`
    )]
  }
  const id = `timeout-${curve.timeout}`
  const chart = counterfactualChart({
    id,
    title,
    description:
      "Above: how many good attempts each timeout would have killed. Below: hours of good work thrown away, hours " +
      "saved on hung attempts, hours that they would have been held longer. Both over the timeout, on a logarithmic axis.",
    curve,
    limits: limits.filter(({ name }) => limitsOf[curve.timeout].has(name)),
    label
  })
  return [{
    _tag: "Figure",
    id,
    title,
    description: chart.description,
    caption: [
      `By the ${clock}, over ${counted(curve.good, "good attempt")} and ${counted(curve.hung, "hung one")}, for ${
        counted(curve.points.length, "timeout")
      }; lines between them only lead the eye.`,
      curve.unseen === 0 ? "" : ` It would never have ended ${integer(curve.unseen)} of the hung ones, however short.`,
      curve.longestGoodMillis === null
        ? ""
        : ` The longest of a good one is ${
          millis(curve.longestGoodMillis)
        }: every shorter timeout kills at least that one.`,
      curve.leftOut === 0 ?
        "" :
        ` ${counted(curve.leftOut, "attempt")} without token times, good or hung, ${
          curve.leftOut === 1 ? "is" : "are"
        } left out.`
    ],
    draw: (width) => drawChart(chart, width),
    table: pointTable(curve, title)
  }]
}

/** The points nearest to timeouts that people set, and all others. */
const pointTable = ({ points }: CounterfactualCurve, title: string): Table => {
  const every = Math.max(1, Math.ceil(points.length / 40))
  const isUsual = (limitMillis: number) => usual.some((limit) => Math.abs(limit - limitMillis) < 1)
  return {
    _tag: "Table",
    caption: title,
    columns: [
      { title: "timeout" },
      { title: "good killed", numeric: true },
      { title: "of all good", numeric: true },
      { title: "thrown away", numeric: true },
      { title: "hung ended earlier", numeric: true },
      { title: "saved", numeric: true },
      { title: "hung held longer", numeric: true },
      { title: "held", numeric: true }
    ],
    rows: points.filter(({ limitMillis }, index) => index % every === 0 || isUsual(limitMillis)).map((point) => [
      millis(point.limitMillis),
      integer(point.killedGood),
      share(point.killedShare),
      hours(point.wastedHours),
      integer(point.hungEndedEarlier),
      hours(point.savedHours),
      integer(point.hungEndedLater),
      hours(point.heldHours)
    ])
  }
}

const limitTable = (limits: ReadonlyArray<LimitMark>): Table => ({
  _tag: "Table",
  caption: "Where the limits stood that decided the stalls of this campaign",
  columns: [
    { title: "limit" },
    { title: "its number came from" },
    { title: "stalls", numeric: true },
    { title: "least", numeric: true },
    { title: "median", numeric: true },
    { title: "most", numeric: true }
  ],
  rows: limits.map(({ leastMillis, medianMillis, mostMillis, name, origins, stalls }) => [
    name,
    origins.length === 0 ? none : listed(origins),
    integer(stalls),
    millis(leastMillis),
    millis(medianMillis),
    millis(mostMillis)
  ])
})
