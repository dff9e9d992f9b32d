/** What is counted of watched runs, in virtual time: while they run, when they stall, and when nobody wants to know. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { RunObserver } from "../../src/liveness/RunObserver.ts"
import { Usage } from "../../src/token/TokenEvent.ts"
import { alone, finish, recorder, run, start, timed, token } from "../liveness/watching.ts"
import { countedAlone, pageNow } from "./scrapedPage.ts"

const labels = { campaign_hop: "engine", gen_ai_request_model: "m", server_address: "engine", server_port: "80" }
const operation = { ...labels, gen_ai_operation_name: "chat", gen_ai_provider_name: "openai" }
const counted = Layer.provideMerge(alone, countedAlone)
const tokens = "gen_ai_client_inference_usage_output_tokens_total"
const firstChunk = "gen_ai_client_operation_time_to_first_chunk_seconds"
const chunks = "gen_ai_client_operation_time_per_output_chunk_seconds"
const duration = "gen_ai_client_operation_duration_seconds"

describe("the metrics of runs", () => {
  it.effect("are those of runs in flight and of those that ended, and tokens never fall", () =>
    Effect.gen(function*() {
      const ends = timed([3000, token], [40, token], [4, token], [0, finish])
      const goesOn = Stream.concat(timed([1000, token], [10, token]), Stream.never)
      yield* start(ends)
      const second = yield* start(goesOn)
      yield* TestClock.adjust("2 seconds")

      const early = yield* pageNow
      assert.strictEqual(early.value("campaign_runs_active", { ...labels, campaign_phase: "decoding" }), 1)
      assert.strictEqual(early.value("campaign_runs_active", labels), 2)
      assert.strictEqual(early.value(tokens, operation), 2)
      assert.strictEqual(early.value("campaign_run_silence_longest_seconds", labels), 2)

      yield* TestClock.adjust("2 seconds")
      const page = yield* pageNow
      assert.strictEqual(page.value(tokens, operation), 5)
      assert.strictEqual(page.value("campaign_runs_active", labels), 1)
      assert.strictEqual(page.value(`${firstChunk}_count`, operation), 2)
      assert.closeTo(page.value(`${firstChunk}_sum`, operation), 4, 1e-6)
      assert.strictEqual(page.value(`${firstChunk}_bucket`, { le: "1.28" }), 1)
      assert.strictEqual(page.value(`${chunks}_count`), 3)
      const cumulative = (le: string) => page.value(`${chunks}_bucket`, { ...operation, le })
      assert.deepStrictEqual(["0.0025", "0.005", "0.01", "0.02", "0.04", "+Inf"].map(cumulative), [0, 1, 2, 2, 3, 3])
      assert.strictEqual(page.value(`${duration}_count`, operation), 1)
      assert.closeTo(page.value(`${duration}_sum`), 3.044, 1e-6)
      assert.isFalse("error_type" in page.having(`${duration}_count`, operation)[0]!.labels)
      const verdict = { campaign_verdict: "completed", campaign_reason: "stop", campaign_phase: "finishing" }
      assert.strictEqual(page.value("campaign_run_verdicts_total", { ...labels, ...verdict }), 1)

      yield* second.interrupt
      const last = yield* pageNow
      assert.strictEqual(last.value(tokens), 5)
      assert.strictEqual(last.value("campaign_runs_active"), 0)
      assert.strictEqual(last.value(`${duration}_count`, { error_type: "downstream-gone" }), 1)
      assert.strictEqual(last.value("campaign_run_verdicts_total", { campaign_verdict: "cancelled" }), 1)
    }).pipe(Effect.provide(counted)))

  it.effect("tell of a stall: its kind, how sure that is, its silence, and how slow it was before", () =>
    Effect.gen(function*() {
      yield* start(Stream.concat(timed([1000, token], [10, token]), Stream.never))
      yield* TestClock.adjust("8 seconds")
      const slow = yield* pageNow
      assert.strictEqual(slow.value("campaign_runs_slow", { campaign_reason: "silent-unverified" }), 1)
      assert.closeTo(slow.value("campaign_run_silence_longest_seconds"), 6.99, 1e-6)
      assert.strictEqual(slow.value("campaign_limit_seconds", { ...labels, campaign_limit_name: "silent" }), 10)
      assert.strictEqual(slow.having("campaign_run_verdicts_total", {}).length, 0)

      yield* TestClock.adjust("10 seconds")
      const page = yield* pageNow
      const why = { campaign_reason: "silent", campaign_confidence: "inferred" }
      assert.strictEqual(
        page.value("campaign_run_verdicts_total", { ...why, campaign_verdict: "stalled", campaign_phase: "decoding" }),
        1
      )
      assert.strictEqual(page.value("campaign_stall_silence_seconds_count", { ...labels, ...why }), 1)
      assert.closeTo(page.value("campaign_stall_silence_seconds_sum"), 11, 1.1)
      assert.strictEqual(page.value(`${duration}_count`, { error_type: "silent" }), 1)
      assert.strictEqual(page.value("campaign_runs_slow"), 0)
      // What was in force stays to be seen.
      assert.strictEqual(page.value("campaign_limit_seconds", { campaign_limit_name: "silent" }), 10)
    }).pipe(Effect.provide(counted)))

  it.effect("count a stall where the policy is to warn, when it is found and once", () =>
    Effect.gen(function*() {
      const watched = yield* start(Stream.concat(timed([1000, token]), Stream.never), { policy: "warn" })
      yield* TestClock.adjust("30 seconds")
      const page = yield* pageNow
      assert.strictEqual(page.value("campaign_run_verdicts_total", { campaign_verdict: "stalled" }), 1)
      yield* watched.interrupt
      assert.strictEqual((yield* pageNow).value("campaign_run_verdicts_total"), 1)
    }).pipe(Effect.provide(counted)))

  it.effect("tell what the evidence is bound to and what was learned, each by one series", () =>
    Effect.gen(function*() {
      const source = recorder({ binding: "proven", longestStepMillis: 0 })
      const learned = { gapMillis: 12_000, firstTokenMillis: null }
      const bindings = (page: { value: (name: string, labels: Record<string, string>) => number }) =>
        ["unproven", "proven", "inherited", "refuted"].map((binding) =>
          page.value("campaign_engine_evidence", { campaign_binding: binding })
        )
      const watched = yield* start(Stream.concat(timed([1000, token]), Stream.never), { opened: { learned } }).pipe(
        Effect.provide(source.layer)
      )
      const page = yield* pageNow
      assert.deepStrictEqual(bindings(page), [0, 0, 1, 0])
      assert.deepStrictEqual(
        page.having("campaign_limit_learned_seconds", labels).map((
          one
        ) => [one.labels["campaign_limit_name"], one.value]),
        [["silent", 12]]
      )
      yield* watched.interrupt
      // Nothing is learned any more, for example because too many were given up.
      yield* start(Stream.never)
      assert.lengthOf((yield* pageNow).having("campaign_limit_learned_seconds", {}), 0)
    }).pipe(Effect.provide(counted)))

  it.effect("put names that are too many together as others, and lose nothing", () =>
    Effect.gen(function*() {
      for (let index = 0; index < 105; index++) {
        yield* start(timed([0, token], [0, finish]), { run: { ...run, model: `model-${index}` } })
      }
      yield* TestClock.adjust("1 second")
      const page = yield* pageNow
      const models = new Set(page.having(tokens, {}).map((one) => one.labels["gen_ai_request_model"]))
      assert.strictEqual(models.size, 101)
      assert.strictEqual(page.value(tokens, { gen_ai_request_model: "other" }), 5)
      assert.strictEqual(page.value(tokens), 105)
      assert.strictEqual(page.value("campaign_run_verdicts_total", { campaign_verdict: "completed" }), 105)
    }).pipe(Effect.provide(counted)))

  it.effect("cost one call for a run and none for a token where nobody observes", () =>
    Effect.gen(function*() {
      const many = timed(...Array.from({ length: 200 }, () => [5, token] as const), [
        5,
        Usage.make({ promptTokens: 1, completionTokens: 200 })
      ], [0, finish])
      let asked = 0
      const off = yield* start(many).pipe(Effect.provideService(RunObserver, () => {
        asked++
        return undefined
      }))
      let told = 0
      const on = yield* start(many).pipe(Effect.provideService(RunObserver, () => ({
        came: () => void told++,
        verdict: () => {},
        ended: () => {}
      })))
      yield* TestClock.adjust("2 seconds")
      assert.lengthOf(off.seen, 202)
      assert.lengthOf(on.seen, 202)
      assert.deepStrictEqual([asked, told], [1, 200])
    }).pipe(Effect.provide(alone)))
})
