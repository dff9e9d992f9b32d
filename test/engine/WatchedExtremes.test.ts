/**
 * The watched engine at its edges, in virtual time over real sockets: an engine of one token in fifty seconds, and a
 * thousand streams that hang at once.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Engine } from "../../src/engine/Engine.ts"
import * as EngineCanary from "../../src/engine/EngineCanary.ts"
import * as ScrapedEvidence from "../../src/engine/ScrapedEvidence.ts"
import { WatchedEngine } from "../../src/engine/WatchedEngine.ts"
import { EngineGate, type GateEvent } from "../../src/liveness/EngineGate.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import type { Verdict } from "../../src/liveness/Verdict.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { pass } from "../simulator/faults/virtualTime.ts"
import { simulator } from "../simulator/harness.ts"

const STREAMS = 1000

const client = (maxTokens: number) =>
  Layer.unwrap(Effect.map(Simulator, ({ url }) => {
    const address = { baseUrl: `${url}/v1`, model: "simulated-model" }
    return Layer.merge(
      WatchedEngine.layer().pipe(
        Layer.provide([Engine.layer({ ...address, maxTokens }), LimitLearner.layerNone, Ticker.layer()])
      ),
      EngineGate.layer().pipe(Layer.provide(EngineCanary.layer(address)))
    ).pipe(Layer.provide(ScrapedEvidence.layer({ baseUrl: address.baseUrl })))
  }))

const ask = (requestId: string, onVerdict: (verdict: Verdict) => void = () => {}) =>
  Effect.flatMap(
    WatchedEngine,
    (engine) => Stream.runDrain(engine.stream({ messages: [{ role: "user", content: "hi" }], requestId, onVerdict }))
  )

/** Lets time pass until the fiber has ended. */
const ended = <A, E>(fiber: Fiber.Fiber<A, E>, seconds: number, step: number) =>
  Effect.gen(function*() {
    for (let passed = 0; passed < seconds && fiber.pollUnsafe() === undefined; passed += step) yield* pass(step)
    return fiber.pollUnsafe()
  })

describe("the watched engine", () => {
  it.effect(
    "waits for one token in fifty seconds, once the canary has measured the step",
    () =>
      Effect.gen(function*() {
        const { url } = yield* Simulator
        const gate = yield* EngineGate
        yield* gate.doubt(`${url}/v1`)
        const open = yield* Effect.forkChild(Effect.scoped(gate.enter(`${url}/v1`)), { startImmediately: true })
        assert.strictEqual((yield* ended(open, 200, 10))?._tag, "Success")
        const verdicts: Array<Verdict> = []
        const run = yield* Effect.forkChild(ask("slow", (verdict) => verdicts.push(verdict)), {
          startImmediately: true
        })
        assert.strictEqual((yield* ended(run, 700, 10))?._tag, "Success")
        const last = verdicts.at(-1)
        assert.deepInclude(last, { _tag: "Completed", tokens: 8 })
        // The canary proved whose metrics these are, so it is known what is waited for.
        assert.isTrue(verdicts.some((verdict) => verdict._tag === "Slow" && verdict.reason === "silent-decoding"))
      }).pipe(
        Effect.scoped,
        Effect.provide(Layer.provideMerge(
          client(8),
          simulator({
            timeToFirstTokenMillis: 400,
            answers: { _tag: "LengthOnly", tokens: 50 },
            faults: ["slow-decode:tokens-per-second=0.02"]
          })
        ))
      ),
    60_000
  )

  it.effect("a thousand streams that hang at once are found at once, behind one gate", () =>
    Effect.gen(function*() {
      const { url } = yield* Simulator
      const endpoint = `${url}/v1`
      const gate = yield* EngineGate
      const events: Array<GateEvent> = []
      yield* Effect.forkChild(Stream.runForEach(gate.changes, (event) => Effect.sync(() => events.push(event))), {
        startImmediately: true
      })
      const canary = yield* Effect.forkChild(
        Effect.andThen(gate.doubt(endpoint), Effect.scoped(gate.enter(endpoint))),
        { startImmediately: true }
      )
      assert.strictEqual((yield* ended(canary, 30, 1))?._tag, "Success")
      const errors: Array<RunError> = []
      const all = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: STREAMS }, (_, index) => `hangs-${index}`), (id) =>
          ask(id).pipe(
            Effect.catch((error) => {
              errors.push(error)
              return gate.report(endpoint, error)
            })
          ), { concurrency: "unbounded", discard: true }),
        { startImmediately: true }
      )
      assert.strictEqual((yield* ended(all, 300, 5))?._tag, "Success")
      assert.lengthOf(errors, STREAMS)
      for (const error of errors) {
        assert.deepInclude(error, { _tag: "Stalled", kind: "engine-hung", confidence: "proved" })
      }
      const suspects = events.filter(({ _tag, state, untried }) =>
        _tag === "GateChanged" && state === "suspect" && !untried
      )
      // One change for the trouble, one for the canary that is asked of it.
      assert.isAtMost(suspects.length, 2)
      assert.isNotEmpty(suspects)
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.provideMerge(
        client(500),
        simulator({
          interTokenMillis: 1000,
          timeToFirstTokenMillis: 400,
          answers: { _tag: "LengthOnly", tokens: 400 },
          // It has 256 places: the others wait behind them when it hangs.
          faults: ["mass-hang:streams=256"]
        })
      ))
    ), 120_000)
})
