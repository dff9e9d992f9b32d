// What faults do to the engine loop: it hangs, it is paused meanwhile, it dies.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { eventsOf, generated, request, run, start, states } from "./engineHarness.ts"

describe("EngineLoop: hang", () => {
  it.effect("hangs as long as anybody lets it, and each of them counts once", () =>
    Effect.gen(function*() {
      const { engine, steps } = yield* start()
      const running = yield* run(engine, request("a", 4))
      yield* TestClock.adjust(115)
      const first = engine.hang()
      yield* TestClock.adjust(1000)
      const second = engine.hang()
      const before = steps.length
      first()
      first()
      yield* TestClock.adjust(1000)
      assert.strictEqual(generated(running), 2)
      assert.strictEqual(steps.length, before)
      second()
      yield* TestClock.adjust(4)
      assert.strictEqual(generated(running), 2)
      yield* TestClock.adjust(1)
      assert.strictEqual(generated(running), 3)
      // Who let it go on cannot let it go on from a later hang.
      engine.hang()
      first()
      second()
      yield* TestClock.adjust(1000)
      assert.strictEqual(generated(running), 3)
    }))

  it.effect("reads requests and aborts in their order when it goes on, and not before", () =>
    Effect.gen(function*() {
      const { engine, journal, steps } = yield* start({ maxConcurrentRequests: 2 })
      const leaver = yield* run(engine, request("a", 9))
      yield* TestClock.adjust(105)
      const goOn = engine.hang()
      const second = yield* run(engine, request("b", 1))
      const third = yield* run(engine, request("c", 1))
      const fourth = yield* run(engine, request("d", 1))
      yield* Fiber.interrupt(leaver.fiber)
      yield* Fiber.interrupt(second.fiber)
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(yield* eventsOf(journal), [])
      assert.deepStrictEqual(steps.at(-1), { time: 100, running: 1, waiting: 0, deferred: 0 })
      assert.deepStrictEqual(engine.load(), { open: 2, waiting: 2 })
      goOn()
      assert.deepStrictEqual(yield* eventsOf(journal), ["a abort-honoured 1105", "b abort-honoured 1105"])
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(steps.at(-1), { time: 1105, running: 2, waiting: 0, deferred: 0 })
      yield* TestClock.adjust(100)
      assert.deepStrictEqual([third, fourth].map(generated), [1, 1])
      assert.deepStrictEqual([leaver, second].map(generated), [1, 0])
    }))

  it.effect("answers when it has read what was sent before, and at once if it does not hang", () =>
    Effect.gen(function*() {
      const { engine, journal } = yield* start()
      yield* engine.answers
      const leaver = yield* run(engine, request("a", 9))
      yield* TestClock.adjust(1)
      const goOn = engine.hang()
      yield* Fiber.interrupt(leaver.fiber)
      const asking = yield* Effect.forkChild(
        Effect.andThen(engine.answers, eventsOf(journal)),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(asking.pollUnsafe())
      goOn()
      assert.deepStrictEqual(yield* Fiber.join(asking), ["a abort-honoured 3600001"])
    }))

  it.effect("is paused and resumed in order when it goes on", () =>
    Effect.gen(function*() {
      for (const modes of [["keep"], ["keep", "resume"], ["abort", "resume", "keep"], ["wait", "abort"]] as const) {
        const { engine } = yield* start()
        const running = yield* run(engine, request("a", 4))
        yield* TestClock.adjust(115)
        const goOn = engine.hang()
        const asked = yield* Effect.forEach(modes, (mode) =>
          Effect.forkChild(mode === "resume" ? engine.resume : engine.pause(mode), { startImmediately: true }))
        yield* TestClock.adjust(1000)
        assert.deepStrictEqual(
          asked.map((fiber) =>
            fiber.pollUnsafe() === undefined
          ),
          modes.map((mode) => mode !== "resume"),
          "nobody stands while it hangs"
        )
        goOn()
        yield* TestClock.adjust(50)
        for (const fiber of asked) yield* Fiber.join(fiber)
        const aborted = (modes as ReadonlyArray<string>).includes("abort")
        const reason = aborted ? "abort" : modes.length === 2 ? "stop" : undefined
        assert.strictEqual(running.outputs.at(-1)?.finishReason, reason, modes.join(" "))
        assert.strictEqual(generated(running), modes.length === 2 && !aborted ? 4 : 2, modes.join(" "))
      }
    }))

  it.effect("stays frozen when the hang ends in a sleep, and hangs on when the sleep ends in a hang", () =>
    Effect.gen(function*() {
      for (const order of ["sleep first", "hang first"] as const) {
        const { engine } = yield* start()
        const running = yield* run(engine, request("a", 4))
        yield* TestClock.adjust(115)
        yield* engine.pause("keep")
        const goOn = engine.hang()
        yield* TestClock.adjust(1000)
        if (order === "hang first") goOn()
        else yield* engine.resume
        yield* TestClock.adjust(1000)
        assert.strictEqual(generated(running), 2, order)
        if (order === "hang first") yield* engine.resume
        else goOn()
        yield* TestClock.adjust(4)
        assert.strictEqual(generated(running), 2, order)
        yield* TestClock.adjust(1)
        assert.strictEqual(generated(running), 3, order)
        // The sleep is over: a later hang ends with itself.
        engine.hang()()
        yield* TestClock.adjust(10)
        assert.strictEqual(generated(running), 4, order)
      }
    }))

  it.effect("can begin in the middle of a step's alarms, and nothing more is made", () =>
    Effect.gen(function*() {
      const { engine, steps } = yield* start()
      const hangs: Array<() => void> = []
      const running = yield* run(engine, {
        ...request("a", 50, 0, 0),
        alarms: [{ when: 20, ring: () => hangs.push(engine.hang()) }]
      })
      yield* TestClock.adjust(1000)
      assert.strictEqual(generated(running), 20)
      const before = steps.length
      yield* TestClock.adjust(1000)
      assert.strictEqual(steps.length, before)
      for (const goOn of hangs) goOn()
      yield* TestClock.adjust(0)
      assert.strictEqual(generated(running), 50)
    }))
})

describe("EngineLoop: pause", () => {
  it.effect("makes no steps when it stands, whoever comes; one more for who leaves", () =>
    Effect.gen(function*() {
      for (const mode of ["abort", "wait"] as const) {
        const { engine, steps } = yield* start()
        yield* run(engine, request("a", 2))
        yield* TestClock.adjust(1)
        yield* Effect.forkChild(engine.pause(mode), { startImmediately: true })
        yield* TestClock.adjust(500)
        assert.deepInclude(steps.at(-1), { running: 0, waiting: 0 })
        const before = steps.length
        const late = yield* run(engine, request("b", 2))
        const leaver = yield* run(engine, request("c", 2))
        yield* TestClock.adjust(500)
        yield* engine.pause("wait")
        yield* engine.pause("keep")
        yield* engine.pause("wait")
        yield* TestClock.adjust(500)
        assert.strictEqual(steps.length, before)
        yield* Fiber.interrupt(leaver.fiber)
        yield* TestClock.adjust(0)
        assert.deepInclude(steps.at(-1), { running: 0, waiting: 1 })
        assert.strictEqual(steps.length, before + 1)
        yield* engine.resume
        yield* TestClock.adjust(500)
        assert.strictEqual(generated(late), 2)
      }
    }))

  it.effect("ends when it resumes, for who waited, though somebody runs", () =>
    Effect.gen(function*() {
      const { engine } = yield* start({ maxConcurrentRequests: 1 })
      const running = yield* run(engine, request("a", 1000))
      yield* run(engine, request("b", 1000))
      yield* TestClock.adjust(105)
      assert.deepStrictEqual(engine.load(), { open: 2, waiting: 1 })
      const pausing = yield* Effect.forkChild(engine.pause("wait"), { startImmediately: true })
      yield* TestClock.adjust(1)
      assert.isUndefined(pausing.pollUnsafe())
      yield* engine.resume
      yield* TestClock.adjust(0)
      assert.isDefined(pausing.pollUnsafe())
      assert.isBelow(generated(running), 5)
    }))

  it.effect("of nothing makes no step", () =>
    Effect.gen(function*() {
      const { engine, steps } = yield* start()
      for (const mode of ["abort", "wait", "keep"] as const) yield* engine.pause(mode)
      yield* TestClock.adjust(500)
      assert.deepStrictEqual(steps, [])
    }))
})

describe("EngineLoop: death", () => {
  it.effect("ends all streams without a last output, also later ones", () =>
    Effect.gen(function*() {
      const { engine, journal, steps } = yield* start({ maxConcurrentRequests: 2, streamInterval: 5 })
      const open = [
        yield* run(engine, request("decoding", 50)),
        yield* run(engine, request("prefill", 50, 5000)),
        yield* run(engine, { ...request("queued", 50), ignoresAbort: true })
      ]
      yield* TestClock.adjust(125)
      const before = steps.length
      engine.die()
      for (const { fiber } of open) yield* Fiber.join(fiber)
      assert.deepStrictEqual(open.map(({ outputs }) => outputs.map((one) => one.generated)), [[1], [], []])
      assert.isTrue(open.every(({ outputs }) => outputs.every(({ finishReason }) => finishReason === undefined)))
      const late = yield* run(engine, request("late", 50))
      yield* Fiber.join(late.fiber)
      assert.deepStrictEqual(late.outputs, [])
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(steps.length, before)
      assert.deepStrictEqual(yield* eventsOf(journal), [])
      assert.deepStrictEqual(yield* states(engine), [])
      // Nobody waits for the dead.
      yield* engine.answers
      yield* engine.pause("abort")
      yield* engine.resume
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(steps.length, before)
    }))

  it.effect("makes nothing more of what was due, and reads nothing of what it was told", () =>
    Effect.gen(function*() {
      const { engine, journal, steps } = yield* start()
      yield* run(engine, {
        ...request("a", 50, 0, 0),
        alarms: [{ when: 20, ring: () => engine.die() }]
      })
      yield* TestClock.adjust(1000)
      assert.strictEqual(steps.filter(({ running }) => running === 1).length, steps.length)
      const { engine: hung, journal: silent } = yield* start()
      const leaver = yield* run(hung, request("b", 5))
      yield* TestClock.adjust(1)
      const goOn = hung.hang()
      const asking = yield* Effect.forkChild(hung.answers, { startImmediately: true })
      yield* Fiber.interrupt(leaver.fiber)
      yield* TestClock.adjust(1)
      assert.isUndefined(asking.pollUnsafe())
      hung.die()
      goOn()
      yield* Fiber.join(asking)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([yield* eventsOf(journal), yield* eventsOf(silent)], [[], []])
    }))

  it.effect("lets who waits for it to stand wait no longer", () =>
    Effect.gen(function*() {
      const { engine } = yield* start()
      yield* run(engine, request("a", 50))
      yield* TestClock.adjust(1)
      const pausing = yield* Effect.forkChild(engine.pause("wait"), { startImmediately: true })
      yield* TestClock.adjust(1)
      assert.isUndefined(pausing.pollUnsafe())
      engine.die()
      yield* Fiber.join(pausing)
    }))
})
