// The engine loop alone, under a virtual clock: when tokens come, who waits for whom, what an abort does.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type * as EngineLoop from "../../src/simulator/EngineLoop.ts"
import { request, run, start, states } from "./engineHarness.ts"

describe("EngineLoop", () => {
  it.effect("emits each token when it is due", () =>
    Effect.gen(function*() {
      const { engine } = yield* start()
      const { outputs } = yield* run(engine, request("a", 3))
      yield* TestClock.adjust(99)
      assert.deepStrictEqual(outputs, [])
      assert.deepStrictEqual(yield* states(engine), ["a prefill 0"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(outputs, [{ tokens: [" 0"], generated: 1, finishReason: undefined }])
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(yield* states(engine), ["a decoding 2"])
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(outputs.at(-1), { tokens: [" 2"], generated: 3, finishReason: "stop" })
      assert.deepStrictEqual(yield* states(engine), [])
    }))

  it.effect("cuts at max tokens, and ends an empty answer without a token", () =>
    Effect.gen(function*() {
      const { engine } = yield* start()
      const cut = yield* run(engine, { ...request("a", 5), maxTokens: 2 })
      const exact = yield* run(engine, { ...request("b", 2), maxTokens: 2 })
      const empty = yield* run(engine, request("c", 0))
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(cut.outputs.map(({ finishReason }) => finishReason), [undefined, "length"])
      assert.deepStrictEqual(exact.outputs.map(({ finishReason }) => finishReason), [undefined, "stop"])
      assert.deepStrictEqual(empty.outputs, [{ tokens: [], generated: 0, finishReason: "stop" }])
    }))

  it.effect("queues in the order of arrival, counting the first-token time from the start", () =>
    Effect.gen(function*() {
      const { engine } = yield* start({ maxConcurrentRequests: 1 })
      const first = yield* run(engine, request("a", 2))
      const second = yield* run(engine, request("b", 2))
      yield* run(engine, request("c", 2))
      yield* TestClock.adjust(105)
      assert.deepStrictEqual(yield* states(engine), ["a decoding 1", "b queued 0", "c queued 0"])
      yield* TestClock.adjust(5)
      assert.strictEqual(first.outputs.length, 2)
      assert.deepStrictEqual(yield* states(engine), ["b prefill 0", "c queued 0"])
      yield* TestClock.adjust(99)
      assert.strictEqual(second.outputs.length, 0)
      yield* TestClock.adjust(1)
      assert.strictEqual(second.outputs.length, 1)
    }))

  it.effect("aborts at once in every state and gives the place to the next", () =>
    Effect.gen(function*() {
      const { engine, journal } = yield* start({ maxConcurrentRequests: 1 })
      const decoding = yield* run(engine, request("a", 5))
      const queued = yield* run(engine, request("b", 5))
      const prefill = yield* run(engine, request("c", 5))
      const last = yield* run(engine, request("d", 1))
      yield* TestClock.adjust(110)
      yield* Fiber.interrupt(queued.fiber)
      yield* Fiber.interrupt(decoding.fiber)
      yield* TestClock.adjust(50)
      assert.deepStrictEqual(yield* states(engine), ["c prefill 0", "d queued 0"])
      yield* Fiber.interrupt(prefill.fiber)
      yield* TestClock.adjust(100)
      assert.strictEqual(decoding.outputs.length, 2)
      assert.strictEqual(last.outputs.length, 1)
      const events = (yield* journal.events).map((event) => `${event.request} ${event.event} ${event.atMillis}`)
      assert.deepStrictEqual(events, ["b abort-honoured 110", "a abort-honoured 110", "c abort-honoured 160"])
    }))

  it.effect("does not wait for a slow reader and hands it everything at once", () =>
    Effect.gen(function*() {
      const { engine, journal } = yield* start()
      const chunks: Array<number> = []
      yield* Effect.forkChild(Stream.runForEachArray(engine.generate(request("a", 1000)), (chunk) => {
        chunks.push(chunk.length)
        return Effect.sleep(5005)
      }))
      yield* TestClock.adjust(5104)
      assert.deepStrictEqual(chunks, [1])
      yield* TestClock.adjust(20_000)
      assert.deepStrictEqual(chunks.slice(0, 2), [1, 500])
      assert.strictEqual(chunks.reduce((sum, length) => sum + length, 0), 1000)
      assert.deepStrictEqual(yield* journal.events, [])
    }))

  it.effect("does not record an abort when the engine was done before the reader left", () =>
    Effect.gen(function*() {
      const { engine, journal } = yield* start()
      const fiber = yield* Effect.forkChild(
        Stream.runForEachArray(engine.generate(request("a", 3, 0, 0)), () => Effect.never)
      )
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* states(engine), ["a finished 3"])
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* states(engine), [])
      assert.deepStrictEqual(yield* journal.events, [])
    }))

  it.effect("holds tokens back until the stream interval, but neither the first nor the last output", () =>
    Effect.gen(function*() {
      const { engine } = yield* start({ streamInterval: 4 })
      const { outputs } = yield* run(engine, request("a", 11))
      yield* TestClock.adjust(130)
      assert.deepStrictEqual(outputs.map(({ generated }) => generated), [1])
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(outputs.map(({ generated }) => generated), [1, 5])
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(outputs.map(({ tokens }) => tokens.length), [1, 4, 4, 2])
      assert.strictEqual(outputs.flatMap(({ tokens }) => tokens).join(""), " 0 1 2 3 4 5 6 7 8 9 10")
      assert.strictEqual(outputs.at(-1)?.finishReason, "stop")
    }))

  it.effect("never cuts a step of several tokens, holds whole steps back, and keeps its pace", () =>
    Effect.gen(function*() {
      for (const [streamInterval, expected] of [[1, [1, 2, 3, 1, 2, 2]], [4, [1, 5, 5]]] as const) {
        const { engine } = yield* start({ streamInterval })
        const sizes = [2, 3, 1]
        let step = 0
        const { outputs } = yield* run(engine, {
          ...request("a", 11),
          tokensOfStep: () => sizes[step++ % sizes.length]!
        })
        yield* TestClock.adjust(149)
        assert.isUndefined(outputs.at(-1)?.finishReason)
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(outputs.map(({ tokens }) => tokens.length), [...expected])
        assert.strictEqual(outputs.flatMap(({ tokens }) => tokens).join(""), " 0 1 2 3 4 5 6 7 8 9 10")
        assert.strictEqual(outputs.at(-1)?.finishReason, "stop")
      }
    }))

  it.effect("gives a slow reader the steps as they were made", () =>
    Effect.gen(function*() {
      const { engine } = yield* start()
      const lengths: Array<number> = []
      yield* Effect.forkChild(
        Stream.runForEachArray(engine.generate({ ...request("a", 1000), tokensOfStep: () => 3 }), (chunk) => {
          lengths.push(...chunk.map(({ tokens }) => tokens.length))
          return Effect.sleep(2000)
        })
      )
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(lengths, [1, ...Array(333).fill(3)])
    }))

  it.effect("freezes all requests and goes on where they were", () =>
    Effect.gen(function*() {
      const { engine, journal } = yield* start({ maxConcurrentRequests: 2 })
      const decoding = yield* run(engine, request("a", 4))
      const prefill = yield* run(engine, request("b", 1, 125))
      yield* TestClock.adjust(115)
      yield* engine.pause("keep")
      const late = yield* run(engine, request("c", 1))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(decoding.outputs.length, 2)
      assert.deepStrictEqual(yield* states(engine), ["a decoding 2", "b prefill 0", "c queued 0"])
      yield* engine.resume
      yield* TestClock.adjust(4)
      assert.strictEqual(decoding.outputs.length, 2)
      yield* TestClock.adjust(1)
      assert.strictEqual(decoding.outputs.length, 3)
      yield* TestClock.adjust(5)
      assert.strictEqual(prefill.outputs.length, 1)
      yield* TestClock.adjust(100)
      assert.strictEqual(decoding.outputs.at(-1)?.finishReason, "stop")
      assert.strictEqual(late.outputs.at(-1)?.finishReason, "stop")
      assert.deepStrictEqual(yield* journal.events, [])
    }))

  it.effect("lets what runs end before it stands, and keeps the rest in the queue", () =>
    Effect.gen(function*() {
      const { engine } = yield* start({ maxConcurrentRequests: 1 })
      const running = yield* run(engine, request("a", 2))
      const queued = yield* run(engine, request("b", 1))
      yield* TestClock.adjust(50)
      const pausing = yield* Effect.forkChild(engine.pause("wait"))
      yield* TestClock.adjust(59)
      assert.isUndefined(pausing.pollUnsafe())
      yield* TestClock.adjust(1)
      yield* Fiber.join(pausing)
      assert.strictEqual(running.outputs.at(-1)?.finishReason, "stop")
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* states(engine), ["b queued 0"])
      yield* engine.resume
      yield* TestClock.adjust(100)
      assert.strictEqual(queued.outputs.length, 1)
    }))

  it.effect("finishes all requests with abort, in every state, also frozen ones", () =>
    Effect.gen(function*() {
      const { engine, journal } = yield* start({ maxConcurrentRequests: 2, streamInterval: 5 })
      const decoding = yield* run(engine, request("a", 9))
      const prefill = yield* run(engine, request("b", 9, 5000))
      const queued = yield* run(engine, request("c", 9))
      yield* TestClock.adjust(125)
      yield* engine.pause("keep")
      yield* engine.pause("abort")
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(decoding.outputs.map(({ finishReason, tokens }) => [tokens.length, finishReason]), [
        [1, undefined],
        [2, "abort"]
      ])
      for (const { outputs } of [prefill, queued]) {
        assert.deepStrictEqual(outputs, [{ tokens: [], generated: 0, finishReason: "abort" }])
      }
      assert.deepStrictEqual(yield* states(engine), [])
      assert.deepStrictEqual(yield* journal.events, [])
      const late = yield* run(engine, request("d", 1))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(late.outputs, [])
    }))

  it.effect.prop(
    "gives every token once, in order, and one finish, for any pace, interval and reader",
    [
      Schema.Literals([0, 1, 2, 5, 63, 700]),
      Schema.Literals([0, 1, 7]),
      Schema.Literals([1, 2, 3, 64]),
      Schema.Literals([0, 1, 50]),
      Schema.Literals([1, 4, 1000])
    ],
    ([total, gapMillis, streamInterval, readerMillis, maxTokens]) =>
      Effect.gen(function*() {
        const { engine, journal } = yield* start({ streamInterval, maxConcurrentRequests: 1 })
        const outputs: Array<EngineLoop.EngineOutput> = []
        yield* Effect.forkChild(
          Stream.runForEachArray(engine.generate({ ...request("a", total, 3, gapMillis), maxTokens }), (chunk) => {
            outputs.push(...chunk)
            return Effect.sleep(readerMillis)
          })
        )
        yield* TestClock.adjust("1 hour")
        const expected = Array.from({ length: Math.min(total, maxTokens) }, (_, index) => ` ${index}`)
        assert.deepStrictEqual(outputs.flatMap(({ tokens }) => tokens), expected)
        assert.strictEqual(outputs.at(-1)?.finishReason, total > maxTokens ? "length" : "stop")
        assert.strictEqual(outputs.filter(({ finishReason }) => finishReason !== undefined).length, 1)
        assert.strictEqual(outputs.at(-1)?.generated, expected.length)
        assert.isTrue(outputs.every(({ tokens }) => tokens.length <= streamInterval))
        assert.deepStrictEqual(yield* journal.events, [])
        assert.deepStrictEqual(yield* engine.streams, [])
      }).pipe(Effect.scoped, Effect.provide(TestClock.layer()))
  )
})
