/** The gate as a service, under the test clock: the line of those who wait, the canaries, the alarm, the events. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Canary, CanaryOutcome } from "../../src/liveness/Canary.ts"
import { EngineGate, type GateEvent } from "../../src/liveness/EngineGate.ts"
import { errorOf, stalled } from "../support/runErrors.ts"

const passed = CanaryOutcome.cases.Passed.make({ tokens: 3, stepMillis: 20, binding: "proven" })
const failed = CanaryOutcome.cases.Failed.make({ why: "no token has come" })
const A = "http://a/v1"

const seconds = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e9)
const settle = Effect.repeat(Effect.yieldNow, { times: 20 })

/** What canaries were sent, when, and how many at once; they take a second unless it is said otherwise. */
const canaries = (answer: (turn: number, endpoint: string) => Effect.Effect<CanaryOutcome>, takes = 1) => {
  const sent: Array<number> = []
  let now = 0
  const record = { sent, most: 0 }
  const layer = Canary.layerTest((endpoint) =>
    Effect.gen(function*() {
      record.most = Math.max(record.most, ++now)
      const turn = sent.push(yield* seconds) - 1
      yield* Effect.sleep(takes * 1000)
      return yield* answer(turn, endpoint)
    }).pipe(Effect.ensuring(Effect.sync(() => now--)))
  )
  return { layer, record }
}

const gateWith = (canary: Layer.Layer<Canary>) => Layer.fresh(EngineGate.layer().pipe(Layer.provide(canary)))

/** A battle that stands in line, and starts when it may. */
const battle = (name: number, started: Array<number>, endpoint = A) =>
  Effect.gen(function*() {
    const gate = yield* EngineGate
    const scope = yield* Scope.make()
    const fiber = yield* gate.enter(endpoint).pipe(
      Scope.provide(scope),
      Effect.andThen(Effect.sync(() => started.push(name))),
      Effect.forkChild({ startImmediately: true })
    )
    return { leave: Scope.close(scope, Exit.void), interrupt: Fiber.interrupt(fiber) }
  })

const listen = Effect.gen(function*() {
  const events: Array<GateEvent> = []
  const gate = yield* EngineGate
  yield* Effect.forkChild(Stream.runForEach(gate.changes, (event) => Effect.sync(() => events.push(event))), {
    startImmediately: true
  })
  yield* settle
  return events
})

const stateOf = (endpoint = A) => Effect.flatMap(EngineGate, (gate) => gate.state(endpoint))
const hung = (endpoint = A) =>
  Effect.flatMap(EngineGate, (gate) => gate.report(endpoint, stalled("engine-hung", { silentMillis: 100 })))
const report = (...args: Parameters<EngineGate["Service"]["report"]>) =>
  Effect.flatMap(EngineGate, (gate) => gate.report(...args))

describe("EngineGate", () => {
  it.effect("makes one gate, one alarm and one canary of a thousand streams that hang at once", () => {
    const { layer, record } = canaries(() => Effect.succeed(failed))
    return Effect.gen(function*() {
      const events = yield* listen
      yield* Effect.forEach(
        Array.from({ length: 1000 }),
        () => report(A, stalled("engine-hung", { cancel: "unconfirmed" })),
        { concurrency: "unbounded", discard: true }
      )
      assert.deepInclude(yield* stateOf(), { state: "suspect", unconfirmed: 1000, sinceMillis: 0 })
      yield* TestClock.adjust("5 seconds")
      // More of them while it is open.
      yield* Effect.repeat(hung(), { times: 2 })
      yield* TestClock.adjust("595 seconds")
      // Each takes a second: 15, 30, 60, 120, 120, … s after the last one's failure.
      assert.deepStrictEqual(record.sent, [0, 16, 47, 108, 229, 350, 471, 592])
      assert.strictEqual(record.most, 1)
      const alarms = events.filter(({ _tag }) => _tag === "OperatorNeeded")
      assert.lengthOf(alarms, 1)
      assert.deepInclude(alarms[0], { endpoint: A, state: "open", why: "no token has come", sinceMillis: 1000 })
      assert.deepStrictEqual(
        events.filter(({ _tag }) => _tag === "GateChanged").slice(0, 4).map((
          { nextCanaryAtMillis, state }
        ) => [state, nextCanaryAtMillis]),
        [["suspect", 0], ["suspect", null], ["open", 16_000], ["open", null]]
      )
    }).pipe(Effect.provide(gateWith(layer)))
  })

  it.effect("tells the operator after five minutes, not before, and not after a recovery", () => {
    const { layer } = canaries((turn) => Effect.succeed(turn === 3 ? passed : failed))
    return Effect.gen(function*() {
      const events = yield* listen
      const alarms = () => events.filter(({ _tag }) => _tag === "OperatorNeeded").length
      // Open at 1 s, half-open at 109 s, closed.
      yield* hung()
      yield* TestClock.adjust("200 seconds")
      assert.strictEqual(events.at(-1)?.state, "half-open")
      yield* report(A, "began")
      yield* settle
      assert.deepInclude(events.at(-1), { _tag: "GateChanged", state: "closed", why: "a battle has got its tokens" })
      yield* TestClock.adjust("400 seconds")
      assert.strictEqual(alarms(), 0)
      // Open again at 601 s.
      yield* hung()
      yield* TestClock.adjust("300 seconds")
      assert.strictEqual(alarms(), 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(alarms(), 1)
    }).pipe(Effect.provide(gateWith(layer)))
  })

  it.effect("holds a thousand battles back, lets one in, and then all, in the order in which they came", () => {
    const { layer } = canaries((turn) => Effect.succeed(turn < 1 ? failed : passed))
    return Effect.gen(function*() {
      const started: Array<number> = []
      yield* hung()
      for (let name = 0; name < 1000; name++) yield* battle(name, started)
      yield* TestClock.adjust("16 seconds")
      assert.deepInclude(yield* stateOf(), { state: "open" })
      assert.deepStrictEqual(started, [])
      yield* TestClock.adjust("1 hour")
      assert.deepInclude(yield* stateOf(), { state: "half-open", sinceMillis: 17_000 })
      assert.deepStrictEqual(started, [0])
      yield* report(A, "began")
      // Each calls the next.
      yield* Effect.repeat(Effect.yieldNow, { until: () => started.length === 1000, times: 10_000 })
      assert.strictEqual((yield* stateOf()).state, "closed")
      assert.strictEqual(started.join(), Array.from({ length: 1000 }, (_, name) => name).join())
    }).pipe(Effect.provide(gateWith(layer)))
  })

  it.effect("loses nobody's place when others are interrupted, waiting or with the place", () => {
    const { layer } = canaries(() => Effect.succeed(passed))
    return Effect.gen(function*() {
      const started: Array<number> = []
      yield* hung()
      const battles = yield* Effect.forEach([0, 1, 2, 3, 4], (name) => battle(name, started))
      yield* battles[1]!.interrupt
      yield* battles[0]!.interrupt
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(started, [2])
      // Who waits and goes lets the next move up; who has the place and goes without an answer gives it on.
      yield* battles[3]!.interrupt
      yield* settle
      assert.deepStrictEqual(started, [2])
      yield* battles[2]!.leave
      yield* settle
      assert.deepStrictEqual(started, [2, 4])
      yield* battles[4]!.leave
      yield* battle(5, started)
      assert.deepStrictEqual(started, [2, 4, 5])
      yield* battle(6, started)
      yield* settle
      assert.deepStrictEqual(started, [2, 4, 5])
    }).pipe(Effect.provide(gateWith(layer)))
  })

  it.effect("interrupted in the moment in which it is called, leaves the place to the next", () => {
    const { layer } = canaries(() => Effect.succeed(passed))
    return Effect.gen(function*() {
      const started: Array<number> = []
      yield* hung()
      yield* TestClock.adjust("1 second")
      const first = yield* battle(0, started)
      const second = yield* battle(1, started)
      yield* battle(2, started)
      assert.deepStrictEqual(started, [0])
      // The place is free, and the second one called but not yet awake.
      yield* Effect.all([first.leave, second.interrupt], { concurrency: "unbounded" })
      yield* settle
      assert.include([[0, 2].join(), [0, 1].join()], started.join())
      assert.lengthOf(started, 2)
    }).pipe(Effect.provide(gateWith(layer)))
  })

  it.effect("nobody starts any more when the gate opens in the moment in which all are called", () => {
    const { layer } = canaries(() => Effect.succeed(passed))
    return Effect.gen(function*() {
      const started: Array<number> = []
      yield* hung()
      yield* TestClock.adjust("1 second")
      for (const name of [0, 1, 2, 3]) yield* battle(name, started)
      assert.deepStrictEqual(started, [0])
      const gate = yield* EngineGate
      yield* gate.report(A, "began").pipe(Effect.andThen(gate.report(A, errorOf("aborted-by-server"))))
      assert.strictEqual((yield* stateOf()).state, "suspect")
      yield* settle
      assert.deepStrictEqual(started, [0])
    }).pipe(Effect.provide(gateWith(layer)))
  })

  it.effect("lets nobody in before those who are called already", () => {
    const { layer } = canaries(() => Effect.succeed(passed))
    return Effect.gen(function*() {
      const started: Array<number> = []
      yield* hung()
      yield* TestClock.adjust("1 second")
      for (const name of [0, 1, 2]) yield* battle(name, started)
      const gate = yield* EngineGate
      yield* gate.report(A, "began").pipe(Effect.andThen(battle(3, started)))
      yield* settle
      assert.deepStrictEqual(started, [0, 1, 2, 3])
    }).pipe(Effect.provide(gateWith(layer)))
  })

  it.effect("opens again after a battle that stalls, with the longer delay", () => {
    const { layer, record } = canaries((turn) => Effect.succeed(turn === 0 ? failed : passed))
    return Effect.gen(function*() {
      const started: Array<number> = []
      yield* hung()
      yield* TestClock.adjust("17 seconds")
      const first = yield* battle(0, started)
      yield* battle(1, started)
      yield* TestClock.adjust("83 seconds")
      yield* hung()
      yield* first.leave
      assert.deepInclude(yield* stateOf(), { state: "open", nextCanaryAtMillis: 130_000 })
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(started, [0])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(started, [0, 1])
      assert.deepStrictEqual(record.sent, [0, 16, 130])
      assert.strictEqual(record.most, 1)
    }).pipe(Effect.provide(gateWith(layer)))
  })

  it.effect("keeps endpoints apart", () => {
    const { layer } = canaries((_, endpoint) => Effect.succeed(endpoint === A ? failed : passed))
    return Effect.gen(function*() {
      const started: Array<number> = []
      yield* hung()
      yield* battle(0, started)
      yield* battle(1, started, "http://b/v1")
      yield* settle
      assert.deepStrictEqual(started, [1])
      assert.strictEqual((yield* stateOf("http://b/v1")).state, "closed")
    }).pipe(Effect.provide(gateWith(layer)))
  })

  it.effect("counts a canary that never comes back, or dies, as one that has failed", () => {
    const { layer, record } = canaries((turn) => turn === 0 ? Effect.never : Effect.die("a bug"))
    return Effect.gen(function*() {
      yield* hung()
      yield* TestClock.adjust("180 seconds")
      assert.deepInclude(yield* stateOf(), { state: "open", why: "the canary has not come back" })
      yield* TestClock.adjust("16 seconds")
      assert.deepInclude(yield* stateOf(), { state: "open", why: "the canary has died: a bug" })
      assert.deepStrictEqual(record.sent, [0, 195])
    }).pipe(Effect.provide(gateWith(layer)))
  })

  it.effect("lets a battle be the canary where there is none, after the delays", () =>
    Effect.gen(function*() {
      const started: Array<number> = []
      yield* hung()
      const first = yield* battle(0, started)
      yield* battle(1, started)
      yield* TestClock.adjust("14 seconds")
      assert.deepStrictEqual(started, [])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(started, [0])
      yield* TestClock.adjust("10 seconds")
      yield* hung()
      yield* first.leave
      yield* TestClock.adjust("29 seconds")
      assert.deepStrictEqual(started, [0])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(started, [0, 1])
      yield* report(A, "completed")
      assert.strictEqual((yield* stateOf()).state, "closed")
    }).pipe(Effect.provide(gateWith(Canary.layerNone))))

  it.effect("stops its canaries with its layer", () => {
    const { layer, record } = canaries(() => Effect.succeed(failed))
    return Effect.gen(function*() {
      yield* Effect.scoped(Effect.provide(hung(), gateWith(layer)))
      yield* TestClock.adjust("10 minutes")
      assert.isAtMost(record.sent.length, 1)
    })
  })

  it.effect("lets everything start where there is no gate", () =>
    Effect.gen(function*() {
      const started: Array<number> = []
      yield* hung()
      yield* battle(0, started)
      yield* battle(1, started)
      assert.deepStrictEqual(started, [0, 1])
      assert.strictEqual((yield* stateOf()).state, "closed")
      assert.deepStrictEqual(yield* Stream.runCollect((yield* EngineGate).changes), [])
    }).pipe(Effect.provide(EngineGate.layerNone)))
})
