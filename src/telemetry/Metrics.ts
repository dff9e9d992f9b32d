/**
 * Metrics of watched runs, campaigns and the process: on where this layer is provided, off everywhere else.
 *
 * Provide `layer` to everything that is to be counted, also to the layers of services that run streams, as a layer below
 * theirs (`Layer.provideMerge`).
 * From then on every stream that `Liveness.watch` guards is counted, and each server of ours has its page: agents at
 * `GET /metrics`, a tap at `GET /.campaign-tap/metrics`, a dashboard at `GET /metrics`. Who serves HTTP himself answers
 * with `page`. The series stand in Effect's registry of metrics, so its exporter for OTLP sends the same ones.
 * `Telemetry.layerConfig` has this layer in itself where it sends metrics.
 *
 * Laws: without the layer nothing is counted, and a token costs nothing; with it a token costs an addition. There is one
 * set of series in a process: a layer inside of another one is the same.
 *
 * Gotcha: a stream that is watched with the policy "off" is not watched, so it is not counted either.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { RunObserver } from "../liveness/RunObserver.ts"
import { MetricBook } from "./MetricBook.ts"
import { Metrics } from "./MetricsService.ts"
import * as ProcessMetrics from "./ProcessMetrics.ts"
import { prometheusNameOf } from "./PrometheusNames.ts"
import * as RunMetrics from "./RunMetrics.ts"

export { contentType } from "./MetricsService.ts"

/**
 * Counts until the scope ends. Never fails.
 *
 * @example
 * import * as Metrics from "a2a-campaign/Metrics"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const page = yield* Metrics.page
 *   console.log(page?.match(/^# TYPE process_cpu.*$/m)?.[0])
 * })
 *
 * await Effect.runPromise(Effect.provide(program, Metrics.layer))
 * // prints: # TYPE process_cpu_time_seconds_total counter
 */
export const layer: Layer.Layer<never> = Layer.effectContext(Effect.gen(function*() {
  const outer = yield* Metrics
  if (outer !== undefined) return Context.empty()
  const context = yield* Effect.context<never>()
  const book = yield* Effect.acquireRelease(
    Effect.sync(() => new MetricBook(context)),
    (book) => Effect.sync(book.close)
  )
  yield* ProcessMetrics.add(book)
  const page = () => PrometheusMetrics.formatUnsafe(context, { metricNameMapper: prometheusNameOf })
  return Context.make(Metrics, { book, page }).pipe(Context.add(RunObserver, RunMetrics.make(book)))
}))

/** The page for Prometheus in its text format (`contentType`), with times in seconds; `undefined` without the layer. */
export const page: Effect.Effect<string | undefined> = Effect.map(Metrics, (metrics) => metrics?.page())
