/** A page for Prometheus as somebody else's parser reads it, and what a scraper would store of it. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Metrics from "../../src/telemetry/Metrics.ts"
import { read } from "../simulator/contract/scrape.ts"

type Labels = Readonly<Record<string, string>>

/** Metrics in a registry of their own: other tests of the same process have theirs. */
export const countedAlone: Layer.Layer<never> = Metrics.layer.pipe(
  Layer.provideMerge(Layer.sync(Metric.MetricRegistry, () => new Map())),
  Layer.fresh
)

/** The samples of a page, and the sum of all that have these labels. */
export const pageOf = (text: string) => {
  const { samples, types } = read(text)
  const having = (name: string, labels: Labels) =>
    samples.filter((sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
    )
  return {
    text,
    types,
    samples,
    having,
    value: (name: string, labels: Labels = {}): number => {
      const found = having(name, labels)
      assert.isAbove(found.length, 0, `a series ${name} ${JSON.stringify(labels)}`)
      return found.reduce((sum, { value }) => sum + value, 0)
    }
  }
}

/** The page of now, where there are metrics. */
export const pageNow = Effect.map(Metrics.page, (page) => pageOf(page ?? assert.fail("no metrics")))
