/** A distribution as bars over a logarithmic axis, with its percentiles marked. */
import type { Bin, Percentile } from "../LatencyReport.ts"
import type { Chart, Mark, Quantity } from "./Chart.ts"

export interface HistogramFigure {
  readonly id: string
  readonly title: string
  readonly description: string
  /** Increasing, with something in at least one of them. */
  readonly bins: ReadonlyArray<Bin>
  readonly percentiles: ReadonlyArray<Percentile>
  readonly label: string
  readonly quantity: Quantity
  readonly text: (value: number) => string
}

/** Bars narrower than a pixel are no bars. */
const MOST_BARS = 120

/** Neighbours joined until there are few enough. */
const joined = (bins: ReadonlyArray<Bin>): ReadonlyArray<Bin> => {
  const every = Math.ceil(bins.length / MOST_BARS)
  if (every <= 1) return bins
  return Array.from({ length: Math.ceil(bins.length / every) }, (_, index) => {
    const some = bins.slice(index * every, (index + 1) * every)
    return { from: some[0]!.from, to: some.at(-1)!.to, count: some.reduce((sum, { count }) => sum + count, 0) }
  })
}

export const histogramChart = (figure: HistogramFigure): Chart => {
  const bins = joined(figure.bins.filter(({ from }) => from > 0))
  const total = figure.bins.reduce((sum, { count }) => sum + count, 0)
  const most = bins.reduce((least, { count }) => Math.max(least, count), 0)
  const low = bins[0]?.from ?? 1
  const high = Math.max(bins.at(-1)?.to ?? 10, low * 3)
  const marked = figure.percentiles.filter(({ share, value }) => (share === 0.5 || share === 0.99) && value !== null)
  const rules = marked.filter(({ value }) => value! >= low && value! <= high).map(({ share, value }): Mark => ({
    _tag: "Rule",
    axis: "x",
    at: value!,
    label: `p${share * 100}`
  }))
  return {
    id: figure.id,
    title: figure.title,
    description: figure.description,
    legend: [],
    panels: [{
      height: 220,
      x: { label: figure.label, quantity: figure.quantity, log: true, domain: [low, high] },
      y: { label: "share", quantity: "share", domain: [0, Math.max(1e-6, most / Math.max(1, total)) * 1.05] },
      marks: [
        {
          _tag: "Bars",
          series: 0,
          bars: bins.filter(({ count }) => count > 0).map(({ count, from, to }) => ({
            from,
            to,
            y: count / total,
            title: `${figure.text(from)} to ${figure.text(to)}: ${count}`
          }))
        },
        // Two labels at one place cannot be read.
        ...rules.length === 2 && marked[1]!.value! / marked[0]!.value! < (high / low) ** 0.09
          ? rules.slice(0, 1)
          : rules
      ]
    }]
  }
}
