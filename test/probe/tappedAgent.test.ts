// An agent that shows nothing, probed through a tap: what it hides is seen there.
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { PatientFetch } from "../../src/engine/PatientFetch.ts"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { probeAgent } from "../../src/probe/AgentProbe.ts"
import { AgentWire } from "../../src/probe/AgentWire.ts"
import { type AgentReport, analyseAgent } from "../../src/probe/analyseAgent.ts"
import { UpstreamWatch } from "../../src/probe/UpstreamWatch.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { Tap } from "../../src/tap/Tap.ts"
import { simulator } from "../simulator/harness.ts"
import { flawedAgents } from "../support/flawedAgents.ts"

const TOKENS = 40
const engine = simulator({
  timeToFirstTokenMillis: 20,
  interTokenMillis: 8,
  answers: { _tag: "LengthOnly", tokens: TOKENS }
})

const probed = Effect.fnUntraced(function*(name: string, isTapped: boolean) {
  const { url } = yield* Simulator
  const tap = Context.get(
    yield* Layer.build(
      Tap.layer({ host: "127.0.0.1", port: 0, baseUrl: `${url}/v1`, limits: { ...defaults, tickMillis: 20 } }).pipe(
        Layer.provide([PatientFetch.layer, EngineEvidence.layerNone, LimitLearner.layerNone, Ticker.layer(20)])
      )
    ),
    Tap
  )
  const agent = flawedAgents.find((agent) => agent.name === name)!
  const started = yield* agent.start({
    engineBaseUrl: isTapped ? tap.baseUrl : `${url}/v1`,
    model: "simulated-model"
  })
  const settings = { url: started.url, prompt: "go on", patienceMillis: 20_000, pollMillis: 20, settleMillis: 120 }
  return yield* Effect.gen(function*() {
    assert.isNull(yield* UpstreamWatch.use(({ check }) => check))
    return analyseAgent(yield* probeAgent(settings, () => Effect.void))
  }).pipe(Effect.provide([
    AgentWire.layer({ tokens: new Map(), answerMillis: 5000 }),
    UpstreamWatch.layerTap({ tapUrl: tap.url, lagMillis: 40 })
  ]))
})

describe("a probe through a tap", () => {
  it.live("sees the tokens of an agent that tells none, and what became of a cancelled answer", () =>
    Effect.gen(function*() {
      const hidden = yield* probed("blocking-only", true)
      assert.strictEqual(hidden.mode, "tap")
      assert.isTrue(hidden.fit.tap && hidden.fit.watched)
      assert.strictEqual(hidden.measurements.polled?.upstream?.tokens, TOKENS)
      // Where this machine stood still, engine, agent and probe did, and it is tried again.
      const isIgnored = ({ findings }: AgentReport) => findings.some(({ code }) => code === "cancel-ignored")
      const ignored = yield* Effect.repeat(probed("pretends-cancel", true), {
        while: (report) => !isIgnored(report) && report.measurements.pausedMillis > 25,
        times: 4
      })
      assert.isTrue(isIgnored(ignored))
    }).pipe(Effect.scoped, Effect.provide(engine)))

  it.live("says when the agent's requests take another way", () =>
    Effect.gen(function*() {
      const { findings, fit } = yield* probed("blocking-only", false)
      assert.isFalse(fit.tap)
      assert.include(findings.map(({ code }) => code), "upstream-unseen")
    }).pipe(Effect.scoped, Effect.provide(engine)))

  it.live("says at once where there is no tap, and no engine", () =>
    Effect.gen(function*() {
      const complaintOf = (layer: typeof UpstreamWatch.layerNone) =>
        UpstreamWatch.use(({ check }) => check).pipe(Effect.provide(layer), Effect.flip)
      const address = "http://127.0.0.1:9"
      assert.match((yield* complaintOf(UpstreamWatch.layerTap({ tapUrl: address }))).message, /tap cannot be reached/)
      assert.match(
        (yield* complaintOf(UpstreamWatch.layerEngine({ baseUrl: `${address}/v1`, every: 10 }))).message,
        /nobody listens at http:\/\/127\.0\.0\.1:9\/v1/
      )
    }))

  it.live("goes on without an engine's counters, and says so", () =>
    Effect.gen(function*() {
      const { url } = yield* Simulator
      const check = UpstreamWatch.use(({ check }) => check).pipe(
        Effect.provide(UpstreamWatch.layerEngine({ baseUrl: `${url}/nothing/v1`, every: 10 }))
      )
      assert.match((yield* check) ?? "", /tells no counters in \/metrics/)
    }).pipe(Effect.provide(engine)))
})
