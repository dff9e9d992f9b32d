/**
 * Child process: our purple agent or our tap as the command serves them, with or without metrics and what sends them; a
 * loop of the watch alone; and a collector.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { PurpleAgent } from "../../src/agents/PurpleAgent.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { PatientFetch } from "../../src/engine/PatientFetch.ts"
import * as ScrapedEvidence from "../../src/engine/ScrapedEvidence.ts"
import { WatchedEngine } from "../../src/engine/WatchedEngine.ts"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import { ofTokenEvents } from "../../src/liveness/LivenessInput.ts"
import * as LivenessWatch from "../../src/liveness/LivenessWatch.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { Tap } from "../../src/tap/Tap.ts"
import * as Metrics from "../../src/telemetry/Metrics.ts"
import * as Telemetry from "../../src/telemetry/Telemetry.ts"
import { Delta } from "../../src/token/TokenEvent.ts"
import { MODEL } from "../relay/calls.ts"
import { answerCalls } from "../support/answerCalls.ts"
import type { Calls, WayName } from "./calls.ts"

/** Never closed: it ends with the process. */
const scope = Scope.makeUnsafe()
let built: Promise<Context.Context<never>> | undefined

const telemetryOf = (way: WayName, collectorUrl: string): Promise<Context.Context<never>> =>
  built ??= way === "off"
    ? Promise.resolve(Context.empty())
    : Effect.runPromise(Layer.buildWithScope(
      way === "metrics"
        ? Metrics.layer
        : Telemetry.layerConfig({ spans: "ours" }).pipe(
          Layer.provideMerge(Metrics.layer),
          Layer.provide(
            ConfigProvider.layer(ConfigProvider.fromUnknown({
              OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl,
              OTEL_METRIC_EXPORT_INTERVAL: "1000",
              OTEL_BSP_SCHEDULE_DELAY: "500"
            }))
          )
        ),
      scope
    ))

/** Batches of spans that have come. */
let batches = 0
const collector = createServer((request, response) => {
  if (request.url === "/v1/traces") batches++
  request.resume().on("end", () => response.end("{}"))
})

const token = Delta.make({ channel: "content", text: "a", tokens: 1 })

/** One token in each array, as they come from an engine that paces itself. */
const arrivals = (count: number) => Stream.range(1, count, 1).pipe(Stream.map(() => token))

const watched = (count: number) =>
  Effect.gen(function*() {
    const before = process.threadCpuUsage()
    yield* arrivals(count).pipe(
      LivenessWatch.watch({
        run: { hop: "engine", attempt: 1, endpoint: "http://127.0.0.1:1/v1", model: MODEL },
        inputsOf: ofTokenEvents
      }),
      Stream.runDrain
    )
    const { system, user } = process.threadCpuUsage(before)
    return (system + user) / 1000
  }).pipe(Effect.provide([EngineEvidence.layerNone, Ticker.layer()]))

answerCalls<Calls>({
  collect: () =>
    new Promise((resolve) =>
      collector.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(collector.address() as AddressInfo).port}`))
    ),
  collected: async () => batches,
  start: async ({ collectorUrl, engineUrl, target, way }) => {
    const services = await telemetryOf(way, collectorUrl)
    if (target === "tap") {
      const tap = Tap.layer({ host: "127.0.0.1", port: 0, baseUrl: engineUrl }).pipe(
        Layer.provide(ScrapedEvidence.layer({ baseUrl: engineUrl })),
        Layer.provide([PatientFetch.layer, Ticker.layer(), LimitLearner.layerMemory()])
      )
      const started = Layer.buildWithScope(tap, scope).pipe(Effect.provideContext(services))
      return Context.get(await Effect.runPromise(started), Tap).url
    }
    const agent = PurpleAgent.layer({ host: "127.0.0.1", port: 0, orphanGrace: 0 }).pipe(
      Layer.provide(WatchedEngine.layer()),
      Layer.provide(Engine.layer({ baseUrl: engineUrl, model: MODEL, maxTokens: 1_000_000 })),
      Layer.provide(ScrapedEvidence.layer({ baseUrl: engineUrl })),
      Layer.provide([Ticker.layer(), LimitLearner.layerNone])
    )
    const started = Layer.buildWithScope(agent, scope).pipe(Effect.provideContext(services))
    return Context.get(await Effect.runPromise(started), PurpleAgent).url
  },
  page: async () => {
    const services = await telemetryOf("metrics", "")
    const before = performance.now()
    const page = await Effect.runPromise(Effect.provideContext(Metrics.page, services))
    return { characters: page?.length ?? 0, millis: performance.now() - before }
  },
  watch: async ({ arrivals, collectorUrl, way }) =>
    Effect.runPromise(Effect.provideContext(watched(arrivals), await telemetryOf(way, collectorUrl)))
})
