/**
 * What a fixed timeout would have done: above, the good attempts that it would have killed; below, the hours that it would
 * have thrown away, saved and held, a curve each, because their difference would say less than any of them.
 */
import type { CounterfactualCurve, LimitMark } from "../CounterfactualReport.ts"
import type { Chart, Mark } from "./Chart.ts"

export interface CounterfactualFigure {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly curve: CounterfactualCurve
  /** Where limits of the campaign stood by this clock. */
  readonly limits: ReadonlyArray<LimitMark>
  readonly label: string
}

/** The part of the axis where anything changes, with a factor of two around it. */
const spanOf = ({ longestGoodMillis, points }: CounterfactualCurve): readonly [number, number] => {
  const moving = points.filter((point, index) => {
    const before = points[index - 1]
    return before !== undefined &&
      (before.killedGood !== point.killedGood || before.hungEndedEarlier !== point.hungEndedEarlier)
  }).map(({ limitMillis }) => limitMillis)
  const all = [...moving, ...longestGoodMillis === null ? [] : [longestGoodMillis]]
  const least = points[0]?.limitMillis ?? 1
  const most = points.at(-1)?.limitMillis ?? 10
  if (all.length === 0) return [least, Math.max(most, least * 2)]
  const low = Math.max(least, Math.min(...all) / 2)
  return [low, Math.max(Math.min(most, Math.max(...all) * 4), low * 4)]
}

export const counterfactualChart = ({ curve, limits, ...figure }: CounterfactualFigure): Chart => {
  const domain = spanOf(curve)
  const points = curve.points.filter(({ limitMillis }) => limitMillis >= domain[0] && limitMillis <= domain[1])
  const x = { label: figure.label, quantity: "millis" as const, log: true, domain }
  const line = (series: number, valueOf: (point: CounterfactualCurve["points"][number]) => number): Mark => ({
    _tag: "Line",
    series,
    points: points.map((point) => ({ x: point.limitMillis, y: valueOf(point) }))
  })
  const mostHours = points.reduce(
    (most, { heldHours, savedHours, wastedHours }) => Math.max(most, heldHours, savedHours, wastedHours),
    0
  )
  const mostKilled = points.reduce((most, { killedGood }) => Math.max(most, killedGood), 1)
  const longest: ReadonlyArray<Mark> =
    curve.longestGoodMillis !== null && curve.longestGoodMillis >= domain[0] && curve.longestGoodMillis <= domain[1]
      ? [{ _tag: "Rule", axis: "x", at: curve.longestGoodMillis, label: "longest good" }]
      : []
  return {
    id: figure.id,
    title: figure.title,
    description: figure.description,
    legend: [
      { series: 0, label: "good attempts killed", kind: "line" },
      { series: 1, label: "hours of good work thrown away", kind: "line" },
      { series: 2, label: "hours saved on hung attempts", kind: "line" },
      { series: 3, label: "hours held longer on hung attempts", kind: "line" },
      ...limits.length === 0 ? [] : [{ series: 5, label: "limits that decided stalls here", kind: "dot" as const }]
    ],
    panels: [
      {
        height: 190,
        x: { ...x, label: "" },
        y: {
          label: `good attempts killed, of ${curve.good}`,
          quantity: "number",
          domain: [0, mostKilled * 1.05]
        },
        marks: [
          ...longest,
          line(0, ({ killedGood }) => killedGood),
          {
            _tag: "Dots",
            series: 0,
            size: "small",
            points: points.map(({ killedGood, limitMillis }) => ({ x: limitMillis, y: killedGood }))
          },
          {
            _tag: "Dots",
            series: 5,
            points: limits.filter(({ medianMillis }) => medianMillis >= domain[0] && medianMillis <= domain[1])
              .map(({ medianMillis, name, stalls }) => ({
                x: medianMillis,
                // A little above the axis, so that its numbers can be read.
                y: mostKilled * 0.05,
                title: `${name}: decided ${stalls} stalls`
              }))
          }
        ]
      },
      {
        height: 190,
        x,
        y: { label: "hours", quantity: "number", domain: [0, Math.max(0.001, mostHours) * 1.05] },
        marks: [
          ...longest.map((mark) =>
            mark._tag === "Rule" ? { _tag: "Rule" as const, axis: mark.axis, at: mark.at } : mark
          ),
          line(1, ({ wastedHours }) => wastedHours),
          line(2, ({ savedHours }) => savedHours),
          line(3, ({ heldHours }) => heldHours)
        ]
      }
    ]
  }
}
