import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Metrics from "../../src/telemetry/Metrics.ts"
import * as Spans from "../../src/telemetry/Spans.ts"
import * as Telemetry from "../../src/telemetry/Telemetry.ts"
import { alone, finish, start, timed, token } from "../liveness/watching.ts"
import { collector } from "../support/collector.ts"
import { scriptedServer } from "../support/scriptedServer.ts"

const counter = Metric.counter("test.telemetry.counter", { incremental: true })

/** What a service does: two spans of ours, one of its own, a log line and a metric. */
const work = Spans.effect(
  "outer",
  { attributes: { "a.number": 7 } },
  () => Spans.effect("inner", { kind: "client" }, () => Effect.log("at work")).pipe(Effect.withSpan("its own"))
).pipe(
  Effect.andThen(Metric.update(counter, 1))
)

/** Runs it with the telemetry that an environment asks for; gives the problems told and the milliseconds it took. */
const exporting = <E>(
  environment: Readonly<Record<string, string>>,
  program: Effect.Effect<unknown, E>,
  options: Telemetry.TelemetryOptions = {}
) =>
  Effect.gen(function*() {
    const problems: Array<string> = []
    const onProblem = (line: string) => Effect.sync(() => void problems.push(line))
    const before = performance.now()
    yield* program.pipe(
      Effect.provide(Telemetry.layerConfig({ onProblem, ...options })),
      Effect.provide([ConfigProvider.layer(ConfigProvider.fromEnv({ env: environment })), Logger.layer([])])
    )
    return { problems, millis: performance.now() - before }
  })

describe("Telemetry", () => {
  it.live("sends spans, metrics and logs with the ids of their trace, as the variables say", () =>
    Effect.gen(function*() {
      const { logs, metrics, requests, spans, url } = yield* collector()
      const { problems } = yield* exporting({
        OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/`,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_EXPORTER_OTLP_HEADERS: "api-key=a%20key",
        OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test"
      }, work)
      assert.deepStrictEqual(problems, [])
      assert.isTrue(requests.every(({ headers }) => headers["api-key"] === "a key"))
      const [inner, own, outer] = spans()
      assert.deepStrictEqual([inner, own, outer].map((span) => span?.name), ["inner", "its own", "outer"])
      assert.deepStrictEqual([inner?.parentSpanId, own?.parentSpanId, outer?.parentSpanId], [
        own?.spanId,
        outer?.spanId,
        undefined
      ])
      assert.deepStrictEqual([inner?.kind, outer?.kind, outer?.attributes], [3, 1, { "a.number": 7 }])
      assert.deepInclude(outer?.resource, { "service.name": "a2a-campaign", "deployment.environment.name": "test" })
      const logged = logs().find(({ body }) => body === "at work")
      assert.deepStrictEqual([logged?.traceId, logged?.spanId], [outer?.traceId, inner?.spanId])
      assert.include(metrics(), "test.telemetry.counter")
      // What telemetry itself sends is no trace.
      assert.strictEqual(new Set(spans().map(({ traceId }) => traceId)).size, 1)
      assert.isTrue(requests.every(({ headers }) => headers["traceparent"] === undefined))
    }))

  it.live("counts watched runs where metrics are sent, and tells of them in what it sends last", () =>
    Effect.gen(function*() {
      const { lastOf, requests, url } = yield* collector()
      const json = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }
      const watched = Effect.provide(start(timed([0, token], [0, finish])), Layer.merge(alone, Metrics.layer))
      yield* exporting(json, watched)
      assert.strictEqual(lastOf("campaign.run.verdicts", "completed"), 1)
      // Its unit is that of the metric, and no label of each series beside that.
      const sent = requests.find(({ path }) => path === "/v1/metrics")?.body ?? ""
      assert.include(sent, "\"unit\":\"s\"")
      assert.notInclude(sent, "\"key\":\"unit\"")
    }))

  it.live("leaves out what is not ours, as if it had never been, and sends protobuf where nothing else is wanted", () =>
    Effect.gen(function*() {
      const { requests, spans, url } = yield* collector()
      yield* exporting(
        {
          OTEL_EXPORTER_OTLP_ENDPOINT: url,
          OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json",
          OTEL_METRICS_EXPORTER: "none"
        },
        work,
        { spans: "ours", serviceName: "mine" }
      )
      const [inner, outer] = spans()
      assert.deepStrictEqual([inner?.name, outer?.name, spans().length], ["inner", "outer", 2])
      assert.strictEqual(inner?.parentSpanId, outer?.spanId)
      assert.strictEqual(outer?.resource["service.name"], "mine")
      const types = requests.map(({ headers, path }) => `${path} ${headers["content-type"]}`)
      assert.deepStrictEqual(types.toSorted(), ["/v1/logs application/x-protobuf", "/v1/traces application/json"])
    }))

  it.live("sends nothing where nothing asks for it, and only what a sampler lets through", () =>
    Effect.gen(function*() {
      const { requests, url } = yield* collector()
      let isRecording = true
      const look = Spans.effect("any", {}, (span) =>
        Effect.sync(() => {
          isRecording = span.isRecording
        }))
      yield* exporting({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SDK_DISABLED: "true" }, look)
      assert.deepStrictEqual([isRecording, requests.length], [false, 0])
      const traces = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url }
      yield* exporting({ ...traces, OTEL_TRACES_SAMPLER: "always_off" }, Effect.andThen(look, work))
      assert.deepStrictEqual([isRecording, requests.length], [true, 0])
      let headers: Readonly<Record<string, string>> = {}
      const open = Effect.tap(Spans.open("unsampled"), (span) =>
        Effect.sync(() => {
          headers = span.headers
        }))
      yield* exporting({ ...traces, OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" }, open)
      assert.match(headers["traceparent"]!, /-00$/)
    }))

  it.live("neither waits for a collector that is down or refuses, nor fails, and says so once", () =>
    Effect.gen(function*() {
      const refusing = yield* collector(400)
      const { url: gone } = yield* Effect.scoped(collector())
      for (
        const [url, why] of [[gone.replace("//", "//user:secret@"), "ECONNREFUSED"], [
          refusing.url,
          "it answers 400"
        ]] as const
      ) {
        const { millis, problems } = yield* exporting({ OTEL_EXPORTER_OTLP_ENDPOINT: url }, work)
        assert.strictEqual(problems.length, 1)
        assert.include(problems[0], why)
        assert.notInclude(problems[0], "secret")
        assert.isBelow(millis, 1500, why)
      }
    }))

  it.live("waits a bounded time for one that does not answer, and keeps a bounded number of spans for it", () =>
    Effect.gen(function*() {
      const mute = yield* scriptedServer(() => {})
      const many = Effect.forEach(
        Array.from({ length: 500 }),
        () => Spans.effect("one of many", {}, () => Effect.void),
        {
          discard: true
        }
      )
      const { millis, problems } = yield* exporting({
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: mute.url,
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json",
        OTEL_BSP_MAX_QUEUE_SIZE: "40",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10"
      }, Effect.andThen(many, Effect.sleep("100 millis")))
      // Four batches are on their way; what came then was dropped.
      assert.strictEqual(mute.requests.length, 4)
      assert.strictEqual(problems.length, 1)
      assert.include(problems[0], "too slow")
      assert.isAtLeast(millis, 1400)
      assert.isBelow(millis, 4000)
    }))

  it.live("tries again what a collector could not take at the moment", () =>
    Effect.gen(function*() {
      let times = 0
      const busy = yield* scriptedServer((response) => response.writeHead(++times === 1 ? 503 : 200).end())
      const { problems } = yield* exporting({
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: busy.url,
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json",
        OTEL_BSP_SCHEDULE_DELAY: "1"
      }, Effect.andThen(work, Effect.sleep("150 millis")))
      assert.deepStrictEqual([times, problems], [2, []])
      assert.strictEqual(busy.requests[0]?.body, busy.requests[1]?.body)
    }))

  it.effect("is nothing where it is switched off by its layer", () =>
    Effect.gen(function*() {
      const span = yield* Effect.provide(Spans.open("any"), Telemetry.layerNone)
      assert.isFalse(span.isRecording)
    }))
})
