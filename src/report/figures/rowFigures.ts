/**
 * Figures with a row for each agent, task or pair: a value and its interval, or the percentiles of a distribution.
 *
 * They are readable with one row and with sixty; with more, the rows that do not fit are in the table alone, and the
 * caption says so (`shownRows`).
 */
import type { Estimate } from "../Estimate.ts"
import type { Axis, Chart, Mark, Quantity } from "./Chart.ts"

/** Rows of one figure. */
export const MOST_ROWS = 60

const HEADROOM = 58
const LINE = 13

export interface EstimateRow {
  readonly name: string
  /** One for each series; `null` where the row has none. */
  readonly estimates: ReadonlyArray<Estimate | null>
}

export interface EstimateFigure {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly series: ReadonlyArray<string>
  readonly rows: ReadonlyArray<EstimateRow>
  readonly label: string
  readonly quantity: Quantity
  /** Of the axis; what the values span where it is left out. */
  readonly domain?: readonly [number, number]
  /** Where a rule is drawn, such as "no difference". */
  readonly reference?: { readonly at: number; readonly label: string }
  readonly text: (value: number) => string
}

/** Values with their intervals; series stand below each other within a row. Without an interval a value is hollow. */
export const estimateChart = (figure: EstimateFigure): Chart => {
  const rows = figure.rows.slice(0, MOST_ROWS)
  const lanes = figure.series.length
  const offset = (series: number) => lanes === 1 ? 0 : (series / (lanes - 1) - 0.5) * 0.52
  const marks = figure.series.flatMap((label, series): ReadonlyArray<Mark> => {
    const placed = rows.flatMap(({ estimates, name }, row) => {
      const estimate = estimates[series]
      return estimate === undefined || estimate === null || estimate.value === null
        ? []
        : [{ ...estimate, value: estimate.value, y: row + offset(series), name }]
    })
    const dotsOf = (hollow: boolean): Mark => ({
      _tag: "Dots",
      series,
      hollow,
      points: placed.filter(({ lower }) => (lower === null) === hollow).map(({ name, value, y }) => ({
        x: value,
        y,
        title: `${name}, ${label}: ${figure.text(value)}`
      }))
    })
    return [
      {
        _tag: "Ranges",
        series,
        ranges: placed.flatMap(({ lower, upper, y }) =>
          lower === null || upper === null ? [] : [{ from: lower, to: upper, y }]
        )
      },
      dotsOf(false),
      dotsOf(true)
    ]
  })
  const values = rows.flatMap(({ estimates }) =>
    estimates.flatMap((estimate) => estimate === null ? [] : [estimate.value, estimate.lower, estimate.upper])
  ).filter((value) => value !== null)
  return {
    id: figure.id,
    title: figure.title,
    description: figure.description,
    legend: lanes === 1 ? [] : figure.series.map((label, series) => ({ series, label, kind: "dot" as const })),
    panels: [{
      height: HEADROOM + rows.length * Math.max(22, lanes * LINE + 6),
      x: {
        label: figure.label,
        quantity: figure.quantity,
        domain: figure.domain ?? spanOf([...values, ...figure.reference === undefined ? [] : [figure.reference.at]])
      },
      y: { names: rows.map(({ name }) => name) },
      marks: [
        ...figure.reference === undefined
          ? []
          : [{ _tag: "Rule" as const, axis: "x" as const, ...figure.reference }],
        ...marks
      ]
    }]
  }
}

/** The least and the greatest, with some room; something that can be drawn also where they are equal or absent. */
const spanOf = (values: ReadonlyArray<number>): readonly [number, number] => {
  const low = values.reduce((least, value) => Math.min(least, value), Infinity)
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity)
  if (low > high) return [0, 1]
  const room = Math.max((high - low) * 0.06, Math.abs(high) * 0.01, 1e-6)
  return [low - room, high + room]
}

export interface PercentileRow {
  readonly name: string
  readonly percentiles: ReadonlyArray<{
    readonly share: number
    readonly value: number | null
    readonly lower: number | null
    readonly upper: number | null
  }>
}

export interface PercentileFigure {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly rows: ReadonlyArray<PercentileRow>
  readonly label: string
  readonly quantity: Quantity
  readonly text: (value: number) => string
}

/** The shares that are drawn; others are in the table. */
const drawnShares = [0.5, 0.95, 0.99]

/** Percentiles on a logarithmic axis, each with its bounds; without bounds it is hollow. */
export const percentileChart = (figure: PercentileFigure): Chart => {
  const rows = figure.rows.slice(0, MOST_ROWS)
  const at = (share: number, { percentiles }: PercentileRow) =>
    percentiles.find((percentile) => percentile.share === share)
  const shares = drawnShares.filter((share) => rows.some((row) => at(share, row)?.value !== null))
  const toEstimate = (row: PercentileRow, share: number): Estimate | null => {
    const found = at(share, row)
    return found === undefined || found.value === null || found.value <= 0
      ? null
      : {
        value: found.value,
        lower: found.lower === null || found.upper === null ? null : Math.max(found.lower, found.value / 1000),
        upper: found.lower === null ? null : found.upper,
        level: 0,
        n: 0,
        clusters: null,
        method: null
      }
  }
  const chart = estimateChart({
    ...figure,
    series: shares.map((share) => `p${share * 100}`),
    rows: rows.map((row) => ({ name: row.name, estimates: shares.map((share) => toEstimate(row, share)) })),
    domain: [1, 10]
  })
  const values = chart.panels.flatMap(({ marks }) =>
    marks.flatMap((mark) =>
      mark._tag === "Dots"
        ? mark.points.map(({ x }) => x)
        : mark._tag === "Ranges"
        ? mark.ranges.flatMap(({ from, to }) => [from, to])
        : []
    )
  )
  return { ...chart, panels: chart.panels.map((panel) => ({ ...panel, x: logAxis(figure, values) })) }
}

const logAxis = ({ label, quantity }: PercentileFigure, values: ReadonlyArray<number>): Axis => {
  const low = values.reduce((least, value) => Math.min(least, value), Infinity)
  const high = values.reduce((most, value) => Math.max(most, value), 0)
  if (low > high) return { label, quantity, log: true, domain: [1, 10] }
  // At least half a decade, so that two numbers stand at the axis.
  const widening = Math.max(1.15, Math.sqrt(4 / (high / low)))
  return { label, quantity, log: true, domain: [low / widening, high * widening] }
}
