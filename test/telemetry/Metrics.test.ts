/** The layer: one set of series in a process, in Effect's registry, for as long as its scope is open. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Stream from "effect/Stream"
import { MetricBook } from "../../src/telemetry/MetricBook.ts"
import { catalogue } from "../../src/telemetry/MetricCatalogue.ts"
import * as Metrics from "../../src/telemetry/Metrics.ts"
import { alone, finish, start, timed, token } from "../liveness/watching.ts"
import { pageNow } from "./scrapedPage.ts"

const registry = Layer.sync(Metric.MetricRegistry, () => new Map()).pipe(Layer.fresh)
const verdicts = "campaign_run_verdicts_total"

describe("Metrics.layer", () => {
  it.effect("is the same inside of itself, and counts nothing twice", () =>
    Effect.gen(function*() {
      const outer = yield* pageNow
      yield* Effect.gen(function*() {
        yield* start(timed([0, token], [0, finish]))
        yield* Effect.yieldNow
      }).pipe(Effect.provide(Layer.provideMerge(alone, Layer.fresh(Metrics.layer))))
      const page = yield* pageNow
      assert.strictEqual(page.value(verdicts, { campaign_verdict: "completed" }), 1)
      assert.strictEqual(
        page.having("process_uptime_seconds", {}).length,
        outer.having("process_uptime_seconds", {}).length
      )
    }).pipe(Effect.provide(Layer.provideMerge(Metrics.layer, registry))))

  it.effect("keeps its series where exporters of Effect look, by the names and units of OpenTelemetry, and takes them away", () =>
    Effect.gen(function*() {
      yield* Effect.gen(function*() {
        yield* start(Stream.make(token))
        const own = Metric.counter("my.own")
        yield* Metric.update(own, 3)
        const snapshot = yield* Metric.snapshot
        const chunk = snapshot.find(({ id }) => id === catalogue.firstChunk.name)
        assert.strictEqual(chunk?.type, "Histogram")
        assert.deepInclude(chunk?.attributes, { unit: "s", "campaign.hop": "engine", "server.address": "engine" })
        const page = yield* pageNow
        assert.include(page.text, "\nmy_own 3\n")
        assert.notInclude(page.text, "unit=")
      }).pipe(Effect.provide(Layer.provideMerge(alone, Metrics.layer)))
      assert.deepStrictEqual((yield* Metric.snapshot).map(({ id }) => id), ["my.own"])
      assert.isUndefined(yield* Metrics.page)
    }).pipe(Effect.provide(registry)))

  it.effect("keeps no more series of a metric than it can show, and loses nothing", () =>
    Effect.gen(function*() {
      const book = new MetricBook(yield* Effect.context<never>())
      for (let index = 0; index < 2100; index++) {
        book.counter(catalogue.attempts, { "gen_ai.agent.name": `a${index}`, "campaign.verdict": "slow" }).value++
      }
      book.counter(catalogue.attempts, { "gen_ai.agent.name": "a7", "campaign.verdict": "slow" }).value++
      const counts = (yield* Metric.snapshot).flatMap(({ attributes, state, type }) =>
        type === "Counter" ? [{ agent: attributes?.["gen_ai.agent.name"], count: Number(state.count) }] : []
      )
      assert.lengthOf(counts, 2001)
      assert.strictEqual(counts.reduce((sum, { count }) => sum + count, 0), 2101)
      assert.strictEqual(counts.find(({ agent }) => agent === "other")?.count, 100)
      assert.strictEqual(counts.find(({ agent }) => agent === "a7")?.count, 2)
      book.close()
      assert.lengthOf(yield* Metric.snapshot, 0)
    }).pipe(Effect.provide(registry)))

  it.effect("writes names from elsewhere so that a scraper reads them back", () =>
    Effect.gen(function*() {
      const model = "a \"model\" with \\ and\nlines, {braces} = ünïcode"
      yield* start(timed([0, token], [0, finish]), {
        run: { hop: "engine", attempt: 1, endpoint: "not an address", model }
      }).pipe(Effect.provide(alone))
      yield* Effect.yieldNow
      const [sample] = (yield* pageNow).having(verdicts, {})
      assert.strictEqual(sample?.labels["server_address"], "not an address")
      assert.isUndefined(sample?.labels["server_port"])
      const line = (yield* pageNow).text.split("\n").find((line) => line.startsWith(verdicts))
      assert.include(line, "gen_ai_request_model=\"a \\\"model\\\" with \\\\ and\\nlines, {braces} = ünïcode\"")
    }).pipe(Effect.provide(Layer.provideMerge(Metrics.layer, registry))))
})
