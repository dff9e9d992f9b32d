/**
 * Sends spans, metrics and logs to an OpenTelemetry collector, as the standard environment variables say
 * (docs/telemetry.md lists them).
 *
 * Laws:
 * - Without a variable that asks for it nothing is sent, no span is made, and a token costs nothing.
 * - A collector that is slow, down or gone delays nothing and fails nothing; what cannot be sent is dropped, within a
 *   bound of memory, and told once. The end of the scope waits for it 1.5 seconds at most.
 * - Neither prompts nor answers, nor headers, nor tokens of anybody are in what our own spans say.
 *
 * Gotchas: the layer is to be outside of everything that is to be told of, also of what is running when it ends. The logs
 * of a program go to the collector besides where they went before. Prometheus pages are served elsewhere and need none of
 * this.
 *
 * @example
 * ```ts
 * import * as ConfigProvider from "effect/ConfigProvider"
 * import * as Console from "effect/Console"
 * import * as Effect from "effect/Effect"
 * import * as Telemetry from "a2a-campaign/Telemetry"
 *
 * const program = Console.log("answered").pipe(Effect.withSpan("my-service.answer"))
 *
 * // With OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 in the environment the span is sent there.
 * Effect.runPromise(program.pipe(
 *   Effect.provide(Telemetry.layerConfig({ serviceName: "my-service" })),
 *   Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: {} })))
 * ))
 * // prints: answered
 * ```
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpLogger from "effect/observability/OtlpLogger"
import * as OtlpMetrics from "effect/observability/OtlpMetrics"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { randomUUID } from "node:crypto"
import { version } from "../version.ts"
import { Collectors } from "./EventLog.ts"
import * as Metrics from "./Metrics.ts"
import type { Signal } from "./otlpAsked.ts"
import * as OtlpOutbox from "./OtlpOutbox.ts"
import * as OtlpSettings from "./OtlpSettings.ts"
import { held } from "./OtlpTracing.ts"
import { Propagates } from "./TraceContext.ts"

export type { Attributes, OpenSpan } from "./Spans.ts"

/** How telemetry is sent, beside what the environment says. */
export interface TelemetryOptions {
  /** The name of the service where `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` name none: "a2a-campaign". */
  readonly serviceName?: string | undefined
  /**
   * "all" sends every span of the program, its own ones and those of Effect's HTTP servers and clients among them;
   * "ours" only those that docs/telemetry.md lists. "all" unless given.
   */
  readonly spans?: "all" | "ours" | undefined
  /** Told in one line of what cannot be used or sent; a warning in the log unless given. */
  readonly onProblem?: ((line: string) => Effect.Effect<void>) | undefined
}

/**
 * Sends what the environment asks for: `OTEL_EXPORTER_OTLP_ENDPOINT` and the other variables of OpenTelemetry, read from
 * the `ConfigProvider`. Never fails: a value that cannot be used is told to `onProblem`, and its default counts.
 */
export const layerConfig = (options: TelemetryOptions = {}): Layer.Layer<never> =>
  Layer.unwrap(Effect.map(readVariables, (variable) => layerOf(OtlpSettings.read(variable), options)))

/** Sends nothing, whatever the environment says. */
export const layerNone: Layer.Layer<never> = Layer.empty

const readVariables = Effect.map(
  Effect.forEach(OtlpSettings.variables, (name) =>
    Config.option(Config.String(name)).pipe(
      Effect.orElseSucceed(() => Option.none<string>()),
      Effect.map((value) => [name, Option.getOrUndefined(value)] as const)
    )),
  (values) => {
    const known = new Map(values)
    return (name: string) => known.get(name)
  }
)

const layerOf = (settings: OtlpSettings.OtlpSettings, options: TelemetryOptions): Layer.Layer<never> => {
  const { serviceName = "a2a-campaign", spans = "all" } = options
  const tell = (line: string) => (options.onProblem ?? Effect.logWarning)(`telemetry: ${line}`)
  const problems = Layer.effectDiscard(Effect.forEach(settings.problems, tell, { discard: true }))
  const { logs, metrics, traces } = settings.signals
  if (logs === undefined && metrics === undefined && traces === undefined) return problems
  const resource = {
    serviceName: settings.serviceName ?? serviceName,
    serviceVersion: settings.resource["service.version"] ?? version,
    attributes: { "service.instance.id": randomUUID(), ...settings.resource }
  }

  return Layer.unwrap(Effect.map(OtlpOutbox.make(tell), (outbox) => {
    /** A signal with its own encoding and its own way. */
    const sent = (
      signal: Signal,
      settings: OtlpSettings.SignalSettings | undefined,
      exporter: (common: Common, settings: OtlpSettings.SignalSettings) => Exporter
    ) => {
      if (settings === undefined) return OtlpExporter.layerFlusher
      const { compression, headers, intervalMillis, protocol, url } = settings
      // The outbox waits for what is on its way, so nobody has to wait once more.
      const common = { url, resource, headers, compression, exportInterval: intervalMillis, shutdownTimeout: 0 }
      return exporter(common, settings).pipe(
        Layer.provide(Layer.succeed(HttpClient.HttpClient, outbox.clientOf(signal, settings))),
        Layer.provide(
          Layer.provide(
            // Of each signal its own, since each may have another encoding.
            Layer.fresh(unitsOnce),
            protocol === "http/json" ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf
          )
        )
      )
    }
    const exporters = Layer.mergeAll(
      sent("logs", logs, (common, { batch }) =>
        Layer.effectContext(Effect.gen(function*() {
          const logger = yield* OtlpLogger.make({ ...common, maxBatchSize: batch })
          const others = yield* Logger.CurrentLoggers
          return Context.make(Logger.CurrentLoggers, new Set([...others, logger])).pipe(
            Context.add(Collectors, new Set([logger]))
          )
        })).pipe(Layer.provideMerge(OtlpExporter.layerFlusher))),
      sent("metrics", metrics, (common) => OtlpMetrics.layer({ ...common, temporality: settings.temporality })),
      sent("traces", traces, (common, { batch }) => {
        const tracer = OtlpTracer.make({ ...common, maxBatchSize: batch })
        return Layer.effect(Tracer.Tracer, Effect.map(tracer, (tracer) => held(tracer, settings.sampler, spans))).pipe(
          Layer.provideMerge(OtlpExporter.layerFlusher)
        )
      })
    )
    // Begun last, so that it ends first: while what it waits for can still be sent.
    const flushing = Layer.effectDiscard(
      OtlpExporter.Flusher.use(({ flush }) => Effect.addFinalizer(() => outbox.close(flush)))
    )
    return flushing.pipe(Layer.provideMerge(exporters), Layer.merge(Layer.succeed(Propagates, settings.propagates)))
  })).pipe(
    Layer.merge(problems),
    // Below the exporters, so that it ends after them: what they send last would hold no series of ours otherwise.
    Layer.provideMerge(metrics === undefined ? Layer.empty : Metrics.layer)
  )
}

/** Effect's exporter sends a unit as an attribute of each series, too: behind a collector that would be a label more. */
const unitsOnce = Layer.effect(
  OtlpSerialization.OtlpSerialization,
  OtlpSerialization.OtlpSerialization.use((serialization) =>
    Effect.succeed({
      ...serialization,
      metrics: (data: Parameters<typeof serialization.metrics>[0]) => {
        for (const { scopeMetrics } of data.resourceMetrics) {
          for (const { gauge, histogram, sum } of scopeMetrics.flatMap(({ metrics }) => metrics)) {
            for (const point of (gauge ?? histogram ?? sum)?.dataPoints ?? []) {
              point.attributes = (point.attributes ?? []).filter(({ key }) => key !== "unit" && key !== "time_unit")
            }
          }
        }
        return serialization.metrics(data)
      }
    })
  )
)

type Exporter = Layer.Layer<
  OtlpExporter.Flusher,
  never,
  HttpClient.HttpClient | OtlpSerialization.OtlpSerialization
>

interface Common {
  readonly url: string
  readonly resource: {
    readonly serviceName: string
    readonly serviceVersion: string
    readonly attributes: Record<string, unknown>
  }
  readonly headers: Readonly<Record<string, string>>
  readonly compression: "gzip" | "none"
  readonly exportInterval: number
  readonly shutdownTimeout: number
}
