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
const MOST_TICKS = 30
/** Of the height of the lowest panel. */
const PIXEL = 1 / 150
/** Times that differ by more cannot be read on one even axis. */
const EVEN = 30

export const survivalChart = (figure: SurvivalFigure): Chart => {
  const curves = figure.curves.slice(0, MOST_CURVES)
  const steps = curves.flatMap((curve) => curve.steps.filter(({ atMillis }) => atMillis > 0))
  const longest = steps.reduce((most, { atMillis }) => Math.max(most, atMillis), 1)
  const soonest = steps.filter(({ events }) => events > 0)
    .reduce((least, { atMillis }) => Math.min(least, atMillis), longest)
  const log = longest / soonest > EVEN
  const from = log ? soonest / 1.3 : 0
  return {
    id: figure.id,
    title: figure.title,
    description: figure.description,
    legend: [
      { series: 0, label: "share that takes longer", kind: "line" },
      { series: 0, label: "95 % band", kind: "band" },
      { series: 4, label: "given up until then", kind: "dot" },
      { series: 0, label: "median", kind: "rule" }
    ],
    panels: curves.map((curve, index): Panel => ({
      height: curves.length === 1 ? 260 : 170,
      x: {
        label: index < curves.length - 1 ? "" : log ? `${figure.label} (logarithmic)` : figure.label,
        quantity: "millis",
        log,
        domain: [from, longest]
      },
      y: { label: curves.length === 1 ? "share" : curve.name, quantity: "share", domain: [0, 1] },
      marks: marksOf(curve, from)
    }))
  }
}

type Drawn = Pick<SurvivalStep, "atMillis" | "lower" | "survival" | "upper">

/** Steps of less than a pixel of a panel are taken together: they make a file large that nobody sees. */
const visibleSteps = (steps: ReadonlyArray<Drawn>): ReadonlyArray<Drawn> => {
  let drawn = 1
  return steps.filter(({ lower, survival, upper }, index) => {
    const isEdge = index === steps.length - 1 || lower === null || upper === null
    if (!isEdge && drawn - survival < PIXEL) return false
    drawn = survival
    return true
  })
}

const marksOf = ({ medianMillis, steps }: SurvivalCurve, fromMillis: number): ReadonlyArray<Mark> => {
  const start = { atMillis: fromMillis, survival: 1, lower: 1, upper: 1 }
  const shown = steps.filter(({ atMillis }) => atMillis > fromMillis)
  const curve: ReadonlyArray<Drawn> = [start, ...visibleSteps(shown)]
  const censored = shown.filter((step) => step.censored > 0)
  const every = Math.ceil(censored.length / MOST_TICKS)
  return [
    {
      _tag: "Band",
      series: 0,
      stepped: true,
      points: curve.flatMap(({ atMillis, lower, upper }) =>
        lower === null || upper === null ? [] : [{ x: atMillis, low: lower, high: upper }]
      )
    },
    {
      _tag: "Line",
      series: 0,
      stepped: true,
      points: curve.map(({ atMillis, survival }) => ({ x: atMillis, y: survival }))
    },
    {
      _tag: "Dots",
      series: 4,
      points: censored.filter((_, index) => index % every === 0).map(({ atMillis, survival }) => ({
        x: atMillis,
        y: survival
      }))
    },
    ...medianMillis === null ? [] : [{ _tag: "Rule" as const, axis: "x" as const, at: medianMillis }]
  ]
}
