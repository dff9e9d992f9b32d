/**
 * Kaplan–Meier curves: the share that takes longer, with its band, ticks where attempts are known only to have lasted so
 * long. Several agents stand below each other, because bands that overlap cannot be read.
 */
import type { SurvivalCurve, SurvivalStep } from "../LatencyReport.ts"
import type { Chart, Mark, Panel } from "./Chart.ts"

export interface SurvivalFigure {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly curves: ReadonlyArray<SurvivalCurve>
  readonly label: string
}

/** Panels of one figure. */
export const MOST_CURVES = 6

/** The censored moments that are marked. */
const MOST_TICKS = 60

export const survivalChart = (figure: SurvivalFigure): Chart => {
  const curves = figure.curves.slice(0, MOST_CURVES)
  const longest = Math.max(1, ...curves.map(({ steps }) => steps.at(-1)?.atMillis ?? 0))
  return {
    id: figure.id,
    title: figure.title,
    description: figure.description,
    legend: [
      { series: 0, label: "share that takes longer", kind: "line" },
      { series: 0, label: "95 % band", kind: "band" },
      { series: 4, label: "given up until then", kind: "dot" }
    ],
    panels: curves.map((curve, index): Panel => ({
      height: curves.length === 1 ? 260 : 170,
      x: { label: index === curves.length - 1 ? figure.label : "", quantity: "millis", domain: [0, longest] },
      y: { label: curves.length === 1 ? "share" : curve.name, quantity: "share", domain: [0, 1] },
      marks: marksOf(curve)
    }))
  }
}

const start = { atMillis: 0, survival: 1, lower: 1, upper: 1 }

const marksOf = ({ medianMillis, steps }: SurvivalCurve): ReadonlyArray<Mark> => {
  const from = steps[0]?.atMillis === 0 ? steps : [start, ...steps]
  const censored = steps.filter((step) => step.censored > 0)
  const every = Math.ceil(censored.length / MOST_TICKS)
  return [
    {
      _tag: "Band",
      series: 0,
      stepped: true,
      points: from.flatMap(({ atMillis, lower, upper }: Pick<SurvivalStep, "atMillis" | "lower" | "upper">) =>
        lower === null || upper === null ? [] : [{ x: atMillis, low: lower, high: upper }]
      )
    },
    {
      _tag: "Line",
      series: 0,
      stepped: true,
      points: from.map(({ atMillis, survival }) => ({ x: atMillis, y: survival }))
    },
    {
      _tag: "Dots",
      series: 4,
      points: censored.filter((_, index) => index % every === 0).map(({ atMillis, survival }) => ({
        x: atMillis,
        y: survival
      }))
    },
    ...medianMillis === null
      ? []
      : [{ _tag: "Rule" as const, axis: "x" as const, at: medianMillis, label: "median" }]
  ]
}
