/** The canary against the simulated engine, over real sockets in virtual time; what it teaches, and what it asks for. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as EngineCanary from "../../src/engine/EngineCanary.ts"
import * as ScrapedEvidence from "../../src/engine/ScrapedEvidence.ts"
import { Canary, type CanaryOutcome } from "../../src/liveness/Canary.ts"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import { EngineGate } from "../../src/liveness/EngineGate.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { ask, eventually, pass, told, until } from "../simulator/faults/virtualTime.ts"
import { simulator } from "../simulator/harness.ts"
import { stalled } from "../support/runErrors.ts"
import { type Script, scriptedServer } from "../support/scriptedServer.ts"

type Options = Partial<Omit<EngineCanary.EngineCanaryOptions, "baseUrl">>

/** What came of a check, and after how many seconds. */
interface Checked {
  readonly outcome: CanaryOutcome
  readonly seconds: number
}

const seconds = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e9)

/** A canary at this address, whose checks are watched while time passes, at most so long. */
const canaryAt = (url: string, options: Options = {}) =>
  Effect.gen(function*() {
    const context = yield* Layer.build(
      EngineCanary.layer({ baseUrl: `${url}/v1`, model: "simulated-model", ...options }).pipe(
        Layer.provideMerge(ScrapedEvidence.layer({ baseUrl: `${url}/v1` }))
      )
    )
    const { check } = Context.get(context, Canary)
    const evidence = Context.get(context, EngineEvidence)
    const checked = (endpoint = `${url}/v1`, longest = 200) =>
      Effect.gen(function*() {
        const since = yield* seconds
        const fiber = yield* Effect.forkChild(
          Effect.flatMap(
            check(endpoint),
            (outcome) => Effect.map(seconds, (at): Checked => ({ outcome, seconds: at - since }))
          ),
          { startImmediately: true }
        )
        for (let passed = 0; passed < longest && fiber.pollUnsafe() === undefined;) {
          // Sockets have some milliseconds of real time after each step.
          const step = passed < 2 ? 0.1 : 1
          yield* pass(step, step)
          passed += step
        }
        assert.isDefined(fiber.pollUnsafe(), "it has not come back")
        return yield* Fiber.join(fiber)
      })
    /** What a run that begins now is told. */
    const known = Effect.scoped(
      Effect.map(evidence.follow({ tell: () => {}, isSuspect: () => false }), (link) => link.known)
    )
    return { checked, evidence, known }
  })

const engine = (faults: ReadonlyArray<string> = []) =>
  simulator({
    interTokenMillis: 100,
    timeToFirstTokenMillis: 400,
    answers: { _tag: "LengthOnly", tokens: 120 },
    faults
  })

const atSimulator = (options: Options = {}) => Effect.flatMap(Simulator, ({ url }) => canaryAt(url, options))

/** Somebody else's request, to its n-th token, in which something happens to the engine. */
const another = (tokens: number) =>
  Effect.gen(function*() {
    const conversation = yield* ask()
    for (let passed = 0; passed < 30 && told(conversation) < tokens; passed++) yield* pass(0.5, 0.1)
    yield* until(conversation, (each) => told(each) >= tokens)
    yield* pass(1)
  })

const whyOf = ({ outcome }: Checked): string => {
  assert.strictEqual(outcome._tag, "Failed", JSON.stringify(outcome))
  return outcome._tag === "Failed" ? outcome.why : ""
}

describe("EngineCanary", () => {
  it.effect("passes at a healthy engine, proves its metrics, and teaches both", () =>
    Effect.gen(function*() {
      const { checked, known } = yield* atSimulator()
      assert.deepStrictEqual(yield* known, { binding: "unproven", longestStepMillis: 0 })
      const { outcome, seconds } = yield* checked()
      assert.deepInclude(outcome, { _tag: "Passed", tokens: 3, binding: "proven" })
      assert.isBelow(seconds, 3)
      const stepMillis = outcome._tag === "Passed" ? outcome.stepMillis : 0
      assert.approximately(stepMillis, 100, 60)
      assert.deepStrictEqual(yield* known, { binding: "proven", longestStepMillis: stepMillis })
      const { url } = yield* Simulator
      assert.strictEqual((yield* checked(`${url}/v1/`)).outcome._tag, "Passed")
    }).pipe(Effect.scoped, Effect.provide(engine())))

  it.effect("takes a refuted binding back when it proves it, and no run that was told of it refutes it again", () =>
    Effect.gen(function*() {
      const { checked, evidence, known } = yield* atSimulator()
      const reader = { tell: () => {}, isSuspect: () => false }
      const first = yield* evidence.follow(reader)
      const meanwhile = yield* evidence.follow(reader)
      first.ended({ binding: "refuted", longestStepMillis: 700 })
      const told = yield* evidence.follow(reader)
      assert.deepStrictEqual(told.known, { binding: "refuted", longestStepMillis: 700 })
      yield* evidence.learn({ binding: "unproven", longestStepMillis: 0 })
      assert.strictEqual((yield* known).binding, "refuted")
      yield* checked()
      assert.deepStrictEqual(yield* known, { binding: "proven", longestStepMillis: 700 })
      told.ended({ binding: "refuted", longestStepMillis: 0 })
      assert.strictEqual((yield* known).binding, "proven")
      // Who has found out by itself is heard.
      meanwhile.ended({ binding: "refuted", longestStepMillis: 900 })
      assert.deepStrictEqual(yield* known, { binding: "refuted", longestStepMillis: 900 })
    }).pipe(Effect.scoped, Effect.provide(engine())))

  it.effect("fails at a hung engine, where no token comes", () =>
    Effect.gen(function*() {
      const { checked } = yield* atSimulator({ firstPatience: "5 seconds" })
      yield* another(20)
      const { outcome, seconds } = yield* checked()
      assert.deepStrictEqual(outcome, {
        _tag: "Failed",
        why: "the canary has not passed: no token has come (waited 5.0 s)"
      })
      assert.approximately(seconds, 5, 0.5)
    }).pipe(Effect.scoped, Effect.provide(engine(["engine-hang:after-tokens=20"]))), 60_000)

  it.effect(
    "fails where prompts are computed and nothing is decoded, although one token comes",
    () =>
      Effect.gen(function*() {
        const { checked, known } = yield* atSimulator({ firstPatience: "5 seconds" })
        yield* another(20)
        const { outcome } = yield* checked()
        assert.deepStrictEqual(outcome, {
          _tag: "Failed",
          why:
            "the canary has not passed: one token has come and no second one: prompts are computed, nothing is decoded " +
            "(waited 5.0 s)"
        })
        assert.strictEqual((yield* known).binding, "unproven")
      }).pipe(Effect.scoped, Effect.provide(engine(["decode-hang:after-tokens=20,others=0"]))),
    60_000
  )

  it.effect("is not fooled by usage frames of a hung engine", () =>
    Effect.gen(function*() {
      const { checked } = yield* atSimulator({ firstPatience: "5 seconds" })
      const checkedNow = yield* checked()
      assert.match(whyOf(checkedNow), /token has come.*\(waited 5.0 s\)/)
    }).pipe(
      Effect.scoped,
      Effect.provide(engine(["engine-hang-with-noise:frame=usage,after-tokens=1"]))
    ), 60_000)

  it.effect("fails at a dead server, at once", () =>
    Effect.gen(function*() {
      const url = yield* Effect.scoped(Effect.map(scriptedServer((response) => response.end()), (server) => server.url))
      const { checked } = yield* canaryAt(url)
      const dead = yield* checked()
      assert.match(whyOf(dead), /^the canary has not passed: engine: no connection to .*ECONNREFUSED/)
      assert.isBelow(dead.seconds, 2)
    }).pipe(Effect.scoped))

  it.effect("fails at an engine that is dead behind its server", () =>
    Effect.gen(function*() {
      const { checked } = yield* atSimulator()
      yield* another(15)
      assert.strictEqual(whyOf(yield* checked()), "the canary has not passed: /health says 503")
    }).pipe(Effect.scoped, Effect.provide(engine(["engine-death:after-tokens=20"]))))

  it.effect("lets the gate close again when the engine is back", () =>
    Effect.gen(function*() {
      const { url } = yield* Simulator
      const endpoint = `${url}/v1`
      const gate = Context.get(
        yield* Layer.build(
          EngineGate.layer().pipe(
            Layer.provide(EngineCanary.layer({ baseUrl: endpoint, model: "simulated-model" })),
            Layer.provide(EngineEvidence.layerNone)
          )
        ),
        EngineGate
      )
      const state = Effect.map(gate.state(endpoint), ({ state }) => state)
      yield* another(15)
      yield* gate.report(endpoint, stalled("engine-dead"))
      const battle = yield* Effect.forkChild(gate.enter(endpoint), { startImmediately: true })
      yield* pass(2, 0.1)
      assert.strictEqual(yield* state, "open")
      // Its server comes back after half a minute; canaries ask after 15 s and after 30 s more.
      yield* pass(28)
      assert.deepStrictEqual([yield* state, battle.pollUnsafe()], ["open", undefined])
      yield* pass(20)
      yield* Fiber.join(battle)
      assert.strictEqual(yield* state, "half-open")
      yield* gate.report(endpoint, "began")
      assert.strictEqual(yield* state, "closed")
    }).pipe(Effect.scoped, Effect.provide(engine(["engine-death:after-tokens=20"]))))

  it.effect("fails at a server of another model", () =>
    Effect.gen(function*() {
      const { checked } = yield* atSimulator({ model: "another" })
      assert.match(whyOf(yield* checked()), /model "another" is not served at .*; it serves "simulated-model"/)
    }).pipe(Effect.scoped, Effect.provide(engine())))

  for (const fault of ["metrics-disabled", "metrics-down", "metrics-other-replica", "metrics-malformed"]) {
    it.effect(`passes by its tokens with ${fault}, and proves nothing of the metrics`, () =>
      Effect.gen(function*() {
        const { checked, known } = yield* atSimulator()
        const { outcome, seconds } = yield* checked()
        assert.deepInclude(outcome, { _tag: "Passed", tokens: 3, binding: "unproven" })
        // It looks again only where there is something to look at.
        assert.isBelow(seconds, fault === "metrics-other-replica" ? 10 : 3)
        assert.strictEqual((yield* known).binding, "unproven")
      }).pipe(Effect.scoped, Effect.provide(engine([fault]))))
  }

  it.effect("has nothing to say of another endpoint", () =>
    Effect.gen(function*() {
      const { checked } = yield* atSimulator()
      assert.deepStrictEqual((yield* checked("http://elsewhere/v1")).outcome, { _tag: "Absent" })
    }).pipe(Effect.scoped, Effect.provide(engine())))
})

/** A server that answers completions with these events, and counts as vLLM does, but `lag` looks late. */
const server = (
  events: ReadonlyArray<object | "[DONE]">,
  { health = 404, lag = 0, model = "simulated-model" } = {}
): Script => {
  let decoded = 0
  let looks = 0
  return (response, { path }) => {
    switch (path) {
      case "/health":
        return void response.writeHead(health).end()
      case "/metrics":
        if (decoded > 0) looks++
        return void response.end(
          `vllm:num_requests_running{engine="0"} 0\n` +
            `vllm:inter_token_latency_seconds_count{engine="0"} ${looks > lag ? decoded : 0}\n`
        )
      case "/v1/models":
        response.setHeader("content-type", "application/json")
        return void response.end(JSON.stringify({ object: "list", data: [{ id: model, object: "model" }] }))
      default:
        decoded = 2
        response.setHeader("content-type", "text/event-stream")
        for (const event of events) {
          response.write(`data: ${event === "[DONE]" ? event : JSON.stringify(event)}\n\n`)
        }
        return void response.end()
    }
  }
}

const chunk = (delta: object, finish_reason: string | null = null, usage?: number) => ({
  choices: [{ index: 0, delta, finish_reason }],
  ...(usage === undefined ? {} : { usage: { prompt_tokens: 9, completion_tokens: usage } })
})

const three = [
  chunk({ content: "One" }),
  chunk({ content: ", two" }),
  chunk({ content: "," }, "length"),
  "[DONE]"
] as const

describe("EngineCanary at other servers", () => {
  const checkedAt = (script: Script, options: Options = {}) =>
    Effect.gen(function*() {
      const scripted = yield* scriptedServer(script)
      const { checked } = yield* canaryAt(scripted.url, options)
      return { ...yield* checked(), requests: scripted.requests }
    })

  it.effect("passes where there is no /health, and asks for three tokens", () =>
    Effect.gen(function*() {
      const { outcome, requests } = yield* checkedAt(server(three), { dataParallelRank: 1 })
      assert.deepInclude(outcome, { _tag: "Passed", tokens: 3, binding: "proven" })
      const sent = requests.find(({ path }) => path === "/v1/chat/completions")!
      assert.deepInclude(JSON.parse(sent.body), { model: "simulated-model", max_tokens: 3, stream: true })
      assert.match(String(sent.headers["x-request-id"]), /^canary-\d+$/)
      assert.strictEqual(sent.headers["x-data-parallel-rank"], "1")
    }).pipe(Effect.scoped))

  it.effect("gives an engine 120 s at first, and 60 s once it has passed", () =>
    Effect.gen(function*() {
      let mute = true
      const scripted = yield* scriptedServer((response, request) => {
        if (!mute || request.path !== "/v1/chat/completions") server(three)(response, request)
      })
      const { checked } = yield* canaryAt(scripted.url)
      const first = yield* checked()
      assert.strictEqual(whyOf(first), "the canary has not passed: no token has come (waited 120 s)")
      assert.approximately(first.seconds, 120, 0.5)
      mute = false
      assert.strictEqual((yield* checked()).outcome._tag, "Passed")
      mute = true
      const later = yield* checked()
      assert.strictEqual(whyOf(later), "the canary has not passed: no token has come (waited 60 s)")
      assert.approximately(later.seconds, 60, 0.5)
      yield* eventually(Effect.sync(scripted.closedByClient), (closed) => closed === 2)
    }).pipe(Effect.scoped))

  it.effect("waits some seconds for metrics that lag, and no longer", () =>
    Effect.gen(function*() {
      assert.deepInclude((yield* checkedAt(server(three, { lag: 6 }))).outcome, { _tag: "Passed", binding: "proven" })
      const { outcome, seconds } = yield* checkedAt(server(three, { lag: 7 }))
      assert.deepInclude(outcome, { _tag: "Passed", binding: "unproven" })
      assert.approximately(seconds, 6, 1)
    }).pipe(Effect.scoped))

  it.effect("believes what is said of hidden tokens once the answer is complete", () =>
    Effect.gen(function*() {
      const usage = { choices: [], usage: { prompt_tokens: 9, completion_tokens: 3 } }
      const hidden = yield* checkedAt(server([chunk({ content: "" }, "length"), usage, "[DONE]"]))
      assert.deepInclude(hidden.outcome, { _tag: "Passed", tokens: 3 })
      const early = yield* checkedAt(server([usage, chunk({ content: "One" }, "stop"), "[DONE]"]))
      assert.match(whyOf(early), /one token has come and no second one.*\(the answer has ended\)/)
    }).pipe(Effect.scoped))

  it.effect("fails with a health of 5xx, and not with any other", () =>
    Effect.gen(function*() {
      assert.match(whyOf(yield* checkedAt(server(three, { health: 500 }))), /\/health says 500/)
      for (const health of [200, 401, 404]) {
        assert.strictEqual((yield* checkedAt(server(three, { health }))).outcome._tag, "Passed")
      }
    }).pipe(Effect.scoped))

  it.effect("fails with what the answer failed of", () =>
    Effect.gen(function*() {
      assert.match(whyOf(yield* checkedAt(server([chunk({ content: "One" })]))), /without a finish reason/)
    }).pipe(Effect.scoped))
})
