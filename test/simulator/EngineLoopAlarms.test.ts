// What faults do to single requests in the engine loop: alarms ring, requests are held and lost, aborts are ignored.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Alarm, RequestControl } from "../../src/simulator/EngineLoop.ts"
import { eventsOf, generated, request, run, start, states } from "./engineHarness.ts"

/** Alarms that write down when they rang. */
const recording = (
  steps: ReadonlyArray<{ readonly time: number; readonly running: number; readonly waiting: number }>
) => {
  const rung: Array<string> = []
  const alarm = (when: Alarm["when"], ring: (control: RequestControl) => void = () => {}): Alarm => ({
    when,
    ring: (control) => {
      // Metrics have heard of this step.
      const { running, time, waiting } = steps.at(-1)!
      rung.push(`${when} at ${time}: ${running} running, ${waiting} waiting`)
      ring(control)
    }
  })
  return { rung, alarm }
}

describe("EngineLoop: alarms", () => {
  it.effect("ring once each, in the step that makes them true", () =>
    Effect.gen(function*() {
      const { engine, steps } = yield* start({ maxConcurrentRequests: 1 })
      const { alarm, rung } = recording(steps)
      yield* run(engine, request("a", 2))
      yield* run(engine, {
        ...request("b", 9),
        alarms: [alarm("queued"), alarm("admitted"), alarm(1), alarm(3), alarm(9), alarm(10)]
      })
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(rung, [
        "queued at 0: 1 running, 1 waiting",
        "admitted at 110: 1 running, 0 waiting",
        "1 at 210: 1 running, 0 waiting",
        "3 at 230: 1 running, 0 waiting",
        "9 at 290: 0 running, 0 waiting"
      ])
    }))

  it.effect("ring all that a step of several tokens jumps over", () =>
    Effect.gen(function*() {
      const { engine, steps } = yield* start()
      const { alarm, rung } = recording(steps)
      yield* run(engine, {
        ...request("a", 20),
        tokensOfStep: () => 4,
        alarms: [1, 2, 4, 5, 6, 14].map((when) => alarm(when))
      })
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(rung.map((line) => line.replace(/:.*/, "")), [
        "1 at 100",
        "2 at 110",
        "4 at 110",
        "5 at 110",
        "6 at 120",
        "14 at 140"
      ])
    }))

  it.effect("wait for the engine to read the request, and do not ring for who left", () =>
    Effect.gen(function*() {
      const { engine, steps } = yield* start({ maxConcurrentRequests: 1 })
      const { alarm, rung } = recording(steps)
      yield* run(engine, request("a", 20))
      yield* TestClock.adjust(105)
      const goOn = engine.hang()
      const leaver = yield* run(engine, { ...request("b", 2), alarms: [alarm("queued"), alarm("admitted"), alarm(1)] })
      const early = yield* run(engine, { ...request("c", 2), alarms: [alarm("queued")] })
      yield* Fiber.interrupt(early.fiber)
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(rung, [])
      goOn()
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(rung, ["queued at 1105: 1 running, 1 waiting"])
      yield* Fiber.interrupt(leaver.fiber)
      yield* TestClock.adjust(5000)
      assert.strictEqual(rung.length, 1)
    }))

  it.effect("hold and release a request, beginning with its arrival", () =>
    Effect.gen(function*() {
      const { engine, steps } = yield* start()
      const { alarm, rung } = recording(steps)
      const releases: Array<() => void> = []
      const held = yield* run(engine, {
        ...request("a", 3),
        heldAs: "deferred",
        alarms: [
          alarm("queued", ({ release }) => releases.push(release)),
          alarm("admitted"),
          alarm(2, ({ hold, release }) => {
            hold("capacity")
            releases.push(release)
          })
        ]
      })
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(steps.map(({ deferred, running, waiting }) => [running, waiting, deferred]), [[0, 1, 1]])
      for (const release of releases.splice(0)) release()
      yield* TestClock.adjust(1000)
      assert.strictEqual(generated(held), 2)
      assert.deepStrictEqual(rung.map((line) => line.replace(/:.*/, "")), [
        "queued at 0",
        "admitted at 1000",
        "2 at 1110"
      ])
      assert.deepInclude(steps.at(-1), { running: 0, waiting: 1, deferred: 0 })
      assert.deepStrictEqual(yield* states(engine), ["a queued 2"])
      for (const release of releases) release()
      yield* TestClock.adjust(100)
      assert.strictEqual(held.outputs.at(-1)?.finishReason, "stop")
    }))
})

describe("EngineLoop: lost requests and ignored aborts", () => {
  it.effect("loses a request: it holds nothing, gets nothing more, and nobody is told, not even of its abort", () =>
    Effect.gen(function*() {
      const { engine, journal, steps } = yield* start({ maxConcurrentRequests: 1 })
      const { alarm, rung } = recording(steps)
      const lost = yield* run(engine, {
        ...request("a", 9),
        alarms: [alarm(2, ({ lose }) => lose()), alarm(3)]
      })
      const early = yield* run(engine, { ...request("b", 9), alarms: [alarm("admitted", ({ lose }) => lose())] })
      const other = yield* run(engine, request("c", 1))
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(rung, ["2 at 110: 1 running, 2 waiting", "admitted at 110: 1 running, 1 waiting"])
      assert.deepStrictEqual([lost, early, other].map(generated), [2, 0, 1])
      assert.isUndefined(lost.fiber.pollUnsafe())
      assert.deepStrictEqual(yield* states(engine), ["a lost 2", "b lost 0"])
      assert.deepInclude(steps.at(-1), { running: 0, waiting: 0 })
      yield* Fiber.interrupt(lost.fiber)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* eventsOf(journal), [])
      assert.deepStrictEqual(yield* states(engine), ["b lost 0"])
    }))

  it.effect("does not lose what is finished", () =>
    Effect.gen(function*() {
      const { engine } = yield* start()
      yield* Effect.forkChild(Stream.runForEachArray(
        engine.generate({ ...request("a", 3, 0, 0), alarms: [{ when: 3, ring: (control) => control.lose() }] }),
        () => Effect.never
      ))
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* states(engine), ["a finished 3"])
    }))

  it.effect("goes on with a request whose client has left, and says so", () =>
    Effect.gen(function*() {
      const { engine, journal, steps } = yield* start({ maxConcurrentRequests: 1 })
      const left = yield* run(engine, { ...request("a", 9), ignoresAbort: true })
      const other = yield* run(engine, request("b", 1))
      yield* TestClock.adjust(115)
      yield* Fiber.interrupt(left.fiber)
      assert.deepStrictEqual(yield* eventsOf(journal), ["a abort-ignored 115"])
      yield* TestClock.adjust(60)
      assert.deepInclude(steps.at(-1), { running: 1, waiting: 1 })
      yield* TestClock.adjust(105)
      assert.strictEqual(generated(other), 1)
      assert.strictEqual(steps.at(-1)!.time, 280)
      assert.strictEqual((yield* journal.events).length, 1)
    }))

  it.effect("ignores nothing when it was done before its client left", () =>
    Effect.gen(function*() {
      const { engine, journal } = yield* start()
      const reading = yield* Effect.forkChild(Stream.runForEachArray(
        engine.generate({ ...request("a", 3, 0, 0), ignoresAbort: true }),
        () => Effect.never
      ))
      yield* TestClock.adjust(1)
      yield* Fiber.interrupt(reading)
      assert.deepStrictEqual(yield* eventsOf(journal), [])
    }))

  it.effect("stops decoding and goes on", () =>
    Effect.gen(function*() {
      const { engine } = yield* start()
      const running = yield* run(engine, request("a", 4))
      yield* TestClock.adjust(105)
      engine.decode(false)
      const late = yield* run(engine, request("b", 4))
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual([running, late].map(generated), [1, 1])
      engine.decode(true)
      yield* TestClock.adjust(9)
      assert.deepStrictEqual([running, late].map(generated), [1, 1])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([running, late].map(generated), [2, 2])
    }))
})
