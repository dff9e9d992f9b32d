/**
 * The page of every server of ours over real sockets: what it says of what has just happened, who may read it, and that it
 * stands in nobody's way.
 */
// @effect-diagnostics globalFetch:off
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import * as AddressRule from "../../src/a2a/AddressRule.ts"
import * as Authenticator from "../../src/a2a/Authenticator.ts"
import { GreenAgent } from "../../src/agents/GreenAgent.ts"
import { PurpleAgent } from "../../src/agents/PurpleAgent.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { WatchedEngine } from "../../src/engine/WatchedEngine.ts"
import { Grader } from "../../src/grading/Grader.ts"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import { defaults, withPatience } from "../../src/liveness/LivenessLimits.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { Tap } from "../../src/tap/Tap.ts"
import { everyMetric } from "../../src/telemetry/MetricCatalogue.ts"
import { prometheusLabel, prometheusName } from "../../src/telemetry/PrometheusNames.ts"
import { WebDashboard } from "../../src/web/WebDashboard.ts"
import { ask } from "../support/agents.ts"
import { agentAt, ask as question, tappedSimulator } from "../tap/harness.ts"
import { countedAlone, pageOf } from "./scrapedPage.ts"

const toTheEnd = async (stream: unknown) => {
  for await (const _ of stream as AsyncIterable<unknown>) { /* as an agent reads it */ }
}

const loopback = { host: "127.0.0.1", port: 0 }
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

const get = (url: string, headers: Record<string, string> = {}, method = "GET") =>
  Effect.promise(() =>
    fetch(url, { headers, method }).then((response) =>
      response.text().then((text) => ({ status: response.status, headers: response.headers, text }))
    )
  )

/** The page at an address; every series of ours is as the catalogue says. */
const scrape = Effect.fnUntraced(function*(url: string, headers: Record<string, string> = {}) {
  const answer = yield* get(url, headers)
  assert.strictEqual(answer.status, 200, answer.text)
  assert.strictEqual(answer.headers.get("content-type"), CONTENT_TYPE)
  const page = pageOf(answer.text)
  for (const metric of everyMetric) {
    const name = prometheusName(metric)
    if (!page.types.has(name)) continue
    assert.strictEqual(page.types.get(name), metric.kind.toUpperCase(), name)
    const series = page.samples.filter((sample) => sample.name.replace(/_(bucket|sum|count)$/, "") === name)
    assert.isAbove(series.length, 0, name)
    const labels = [...metric.labels.map(prometheusLabel), "le"]
    for (const one of series) for (const label of Object.keys(one.labels)) assert.include(labels, label, name)
  }
  return page
})

/** Its second answer stalls. */
const simulator = Simulator.layer({
  ...loopback,
  jitterCoefficient: 0,
  timeToFirstTokenMillis: 5,
  interTokenMillis: 2,
  model: "m",
  faults: ["engine-hang:after-tokens=2,request=2"]
})
const impatient = { ...withPatience(defaults, 400), tickMillis: 50, heartbeatMillis: 200 }
const watching = Layer.mergeAll(EngineEvidence.layerNone, LimitLearner.layerMemory(), Ticker.layer(50))

const purple = (options: Partial<Parameters<typeof PurpleAgent.layer>[0]> = {}) =>
  PurpleAgent.layer({ ...loopback, ...options }).pipe(
    Layer.provide(WatchedEngine.layer({ limits: impatient })),
    Layer.provide(
      Layer.unwrap(Effect.map(Simulator, ({ url }) => Engine.layer({ baseUrl: `${url}/v1`, model: "m", maxTokens: 6 })))
    ),
    Layer.provide(watching),
    Layer.provideMerge(simulator)
  )

describe("an agent's page", () => {
  it.live("says what its runs came to, a stall too, and shadows no route", () =>
    Effect.gen(function*() {
      const { url } = yield* PurpleAgent
      const engine = yield* Simulator
      assert.isUndefined((yield* ask(url)).error)
      const { error } = yield* ask(url)
      assert.include(error?.message, "no token")
      const page = yield* scrape(`${url}metrics`)
      const at = { campaign_hop: "engine", gen_ai_request_model: "m", server_port: new URL(engine.url).port }
      assert.strictEqual(page.value("campaign_run_verdicts_total", { ...at, campaign_verdict: "completed" }), 1)
      assert.strictEqual(page.value("campaign_run_verdicts_total", { ...at, campaign_verdict: "stalled" }), 1)
      assert.strictEqual(page.value("campaign_runs_active", at), 0)
      assert.strictEqual(page.value("gen_ai_client_inference_usage_output_tokens_total", at), 8)
      assert.isAtLeast(page.value("campaign_stall_silence_seconds_sum", at), 0.4)
      assert.isAbove(page.value("process_cpu_time_seconds_total"), 0)
      assert.isAbove(page.value("v8js_memory_heap_used_bytes"), 1e6)

      const head = yield* get(`${url}metrics`, {}, "HEAD")
      assert.deepStrictEqual([head.status, head.text], [200, ""])
      const routes = ["metrics/tasks", "tasks/metrics", "metrics/message:send"].map((path) =>
        get(`${url}${path}`, { "a2a-version": "1.0" })
      )
      for (const answer of yield* Effect.all(routes)) {
        assert.include(answer.headers.get("content-type"), "json", answer.text)
      }
    }).pipe(Effect.provide(purple().pipe(Layer.provideMerge(countedAlone)))))

  it.live("is for whoever may call the agent", () =>
    Effect.gen(function*() {
      const { url } = yield* PurpleAgent
      const refused = yield* get(`${url}metrics`)
      assert.strictEqual(refused.status, 401)
      assert.match(refused.headers.get("www-authenticate") ?? "", /^Bearer/)
      assert.notInclude(refused.text, "process_")
      assert.strictEqual((yield* get(`${url}metrics`, { authorization: "Bearer wrong" })).status, 401)
      yield* scrape(`${url}metrics`, { authorization: "Bearer secret" })
    }).pipe(Effect.provide(
      purple({ authenticator: Authenticator.bearerToken(Redacted.make("secret")) }).pipe(
        Layer.provideMerge(countedAlone)
      )
    )))

  it.live("is not there without metrics, and is the same of a green agent", () =>
    Effect.gen(function*() {
      const { url } = yield* PurpleAgent
      const answer = yield* get(`${url}metrics`, { "a2a-version": "1.0" })
      assert.strictEqual(answer.status, 404)
      assert.include(answer.headers.get("content-type"), "json")
      const green = yield* Layer.build(
        GreenAgent.layer({ ...loopback, participants: AddressRule.any }).pipe(
          Layer.provide([A2aClient.layer, Grader.layer, Ticker.layer()]),
          Layer.provide(countedAlone)
        )
      )
      yield* scrape(`${Context.get(green, GreenAgent).url}metrics`)
    }).pipe(Effect.provide(purple())))
})

describe("a tap's page", () => {
  it.live("stands on its own side, and the engine's passes through", () =>
    Effect.gen(function*() {
      const { baseUrl, url } = yield* Tap
      yield* Effect.promise(() =>
        agentAt(baseUrl).chat.completions.create(question("hi", { max_tokens: 4, stream: true })).then(toTheEnd)
      )
      const page = yield* scrape(`${url}/.campaign-tap/metrics`, { authorization: "Bearer secret" })
      const at = { campaign_hop: "engine", gen_ai_request_model: "simulated-model", campaign_verdict: "completed" }
      assert.strictEqual(page.value("campaign_run_verdicts_total", at), 1)
      assert.strictEqual(page.value("gen_ai_client_inference_usage_output_tokens_total"), 4)
      // As they came, and not as the watch was told of them: the first at once, and all others with the end.
      const chunks = "gen_ai_client_operation_time_per_output_chunk_seconds"
      const firstAt = page.value("gen_ai_client_operation_time_to_first_chunk_seconds_sum")
      assert.strictEqual(page.value("gen_ai_client_operation_time_to_first_chunk_seconds_count"), 1)
      assert.isAtLeast(firstAt, 0.09)
      assert.oneOf(page.value(`${chunks}_count`), [2, 3])
      assert.isAtLeast(firstAt + page.value(`${chunks}_sum`), 0.27)
      assert.isAtLeast(page.value("gen_ai_client_operation_duration_seconds_sum"), 0.27)
      assert.strictEqual((yield* get(`${url}/.campaign-tap/metrics`)).status, 401)
      const ofEngine = yield* get(`${url}/metrics`)
      assert.include(ofEngine.text, "vllm:")
      assert.notInclude(ofEngine.text, "campaign_")
    }).pipe(Effect.provide(
      tappedSimulator({ timeToFirstTokenMillis: 100, interTokenMillis: 60 }, { token: Redacted.make("secret") }).pipe(
        Layer.provideMerge(countedAlone)
      )
    )))
})

describe("a dashboard's page", () => {
  const dashboard = (token?: string) =>
    WebDashboard.layer({
      ...loopback,
      database: "none.db",
      token: token === undefined ? undefined : Redacted.make(token)
    })

  it.live("is for whoever may look at the dashboard", () =>
    Effect.gen(function*() {
      const { url } = yield* WebDashboard
      const refused = yield* get(`${url}metrics`)
      assert.strictEqual(refused.status, 401)
      assert.include(refused.text, "Authorization: Bearer")
      yield* scrape(`${url}metrics`, { authorization: "Bearer secret" })
    }).pipe(Effect.provide(dashboard("secret").pipe(Layer.provideMerge(countedAlone)))))

  it.live("is not there without metrics", () =>
    Effect.gen(function*() {
      const { url } = yield* WebDashboard
      assert.strictEqual((yield* get(`${url}metrics`)).status, 404)
    }).pipe(Effect.provide(dashboard())))
})
