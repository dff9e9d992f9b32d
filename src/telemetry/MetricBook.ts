/**
 * The series of a process's metrics: made when they are first needed, kept in Effect's registry of metrics, and read when
 * somebody looks. So the Prometheus page and an OTLP exporter of Effect's show the same, and nobody pays for it before.
 *
 * Laws: a series is made once for its metric and labels; each value is read in the moment of the look. A metric has at most
 * `MOST_SERIES` series; what comes after that is counted under `other` in every label, so that names from elsewhere (models
 * that clients of a tap ask for) cannot fill the memory of anybody. When the book is closed its series are gone.
 *
 * Gotcha: a registry holds one series for a name and labels, so there is one book in a process (Metrics.ts sees to that).
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { Histogram } from "./Histogram.ts"
import type { MetricDefinition } from "./MetricCatalogue.ts"

/** By the names of the catalogue; what is `undefined` is left out. */
export type Labels = Readonly<Record<string, string | undefined>>

/** A sum that only rises. */
export interface Counter {
  value: number
}

/** A value that is set. */
export interface Gauge {
  value: number
}

/** More would make a page that nobody can read. A metric of runs at ten models on ten engines has 100 for each word. */
const MOST_SERIES = 2000
const OTHER = "other"

interface Series {
  readonly instrument: Counter | Gauge | Histogram
  readonly registration: Metric.Registration
}

export class MetricBook {
  readonly #context: Context.Context<never>
  readonly #series = new Map<string, Map<string, Series>>()

  /** Keeps its series in the registry of this context. */
  constructor(context: Context.Context<never>) {
    this.#context = context
  }

  readonly counter = (metric: MetricDefinition, labels: Labels): Counter =>
    this.#seriesOf(metric, labels, (attributes) => {
      const counter: Counter = { value: 0 }
      return [counter, this.#registerCounter(metric, attributes, () => counter.value)]
    })

  /** A counter that somebody else keeps. */
  readonly countedBy = (metric: MetricDefinition, labels: Labels, read: () => number): void => {
    this.#seriesOf(metric, labels, (attributes) => [{ value: 0 }, this.#registerCounter(metric, attributes, read)])
  }

  readonly gauge = (metric: MetricDefinition, labels: Labels): Gauge =>
    this.#seriesOf(metric, labels, (attributes) => {
      const gauge: Gauge = { value: 0 }
      return [gauge, this.#registerGauge(metric, attributes, () => gauge.value)]
    })

  /** A gauge whose value is known to somebody else; where it exists already, that one stays. */
  readonly gaugedBy = (metric: MetricDefinition, labels: Labels, read: () => number): void => {
    this.#seriesOf(metric, labels, (attributes) => [{ value: 0 }, this.#registerGauge(metric, attributes, read)])
  }

  readonly histogram = (metric: MetricDefinition, labels: Labels): Histogram =>
    this.#seriesOf(metric, labels, (attributes) => {
      const boundaries = metric.bounds ?? []
      const histogram = new Histogram(boundaries)
      const { description, name } = metric
      const registration = Metric.registerUnsafe(
        Metric.histogram(name, { description, attributes, boundaries }),
        this.#context,
        { ...readOnly, get: () => histogram.state }
      )
      return [histogram, registration]
    })

  /** Takes a series away that says nothing any more. */
  readonly remove = (metric: MetricDefinition, labels: Labels): void => {
    const key = keyOf(labels)
    const ofMetric = this.#series.get(metric.name)
    ofMetric?.get(key)?.registration.remove()
    ofMetric?.delete(key)
  }

  readonly close = (): void => {
    for (const ofMetric of this.#series.values()) {
      for (const { registration } of ofMetric.values()) registration.remove()
    }
    this.#series.clear()
  }

  #seriesOf<Instrument extends Counter | Gauge | Histogram>(
    metric: MetricDefinition,
    asked: Labels,
    make: (attributes: Record<string, string>) => readonly [Instrument, Metric.Registration]
  ): Instrument {
    const ofMetric = this.#series.get(metric.name) ?? new Map<string, Series>()
    this.#series.set(metric.name, ofMetric)
    const isFull = ofMetric.size >= MOST_SERIES && !ofMetric.has(keyOf(asked))
    const labels = isFull ? Object.fromEntries(Object.keys(asked).map((name) => [name, OTHER])) : asked
    const key = keyOf(labels)
    const known = ofMetric.get(key)
    // Whoever asks for a metric asks for it as what the catalogue says it is.
    if (known !== undefined) return known.instrument as Instrument
    const [instrument, registration] = make(attributesOf(metric, labels))
    ofMetric.set(key, { instrument, registration })
    return instrument
  }

  #registerCounter({ description, name }: MetricDefinition, attributes: Record<string, string>, read: () => number) {
    return Metric.registerUnsafe(Metric.counter(name, { description, attributes, incremental: true }), this.#context, {
      ...readOnly,
      get: () => ({ count: read(), incremental: true })
    })
  }

  #registerGauge({ description, name }: MetricDefinition, attributes: Record<string, string>, read: () => number) {
    return Metric.registerUnsafe(Metric.gauge(name, { description, attributes }), this.#context, {
      ...readOnly,
      get: () => ({ value: read() })
    })
  }
}

/** Nobody updates a series of ours through the registry. */
const readOnly = { update: () => {}, modify: () => {} }

const keyOf = (labels: Labels): string =>
  Object.entries(labels).flatMap((entry) => entry[1] === undefined ? [] : entry.join("=")).join("\n")

/** Effect's exporter for OTLP takes the unit from an attribute of that name; its page for Prometheus leaves it out. */
const attributesOf = ({ unit }: MetricDefinition, labels: Labels): Record<string, string> => {
  const attributes: Record<string, string> = unit === "1" ? {} : { unit }
  for (const [name, value] of Object.entries(labels)) if (value !== undefined) attributes[name] = value
  return attributes
}
