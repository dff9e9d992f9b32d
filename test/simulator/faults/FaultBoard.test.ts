// When faults happen: which requests, how often, how long, and what is left when they are taken away.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { ServerAction } from "../../../src/simulator/faults/FaultAction.ts"
import * as FaultBoard from "../../../src/simulator/faults/FaultBoard.ts"
import * as FaultSpecification from "../../../src/simulator/faults/FaultSpecification.ts"
import * as Journal from "../../../src/simulator/Journal.ts"

const read = (text: string) => Result.getOrThrow(FaultSpecification.read(text))

/** A board whose server's faults are only written down. */
const start = (options: { readonly seed?: number; readonly openRequests?: () => number } = {}) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const inForce: Array<string> = []
    const perform = (action: ServerAction) =>
      Effect.asVoid(Effect.acquireRelease(
        Effect.sync(() => inForce.push(action._tag)),
        () => Effect.sync(() => inForce.splice(inForce.indexOf(action._tag), 1))
      ))
    const board = yield* FaultBoard.make({ seed: 1, openRequests: () => 1, ...options, journal, perform })
    let count = 0
    const request = (own = "", draw = `prompt ${count}`) => {
      const faults = board.forRequest({ id: `r${++count}`, draw, own: read(own) })
      return { ...faults, tags: faults.actions.map(({ _tag }) => _tag) }
    }
    const ring = (faults: FaultBoard.RequestFaults) => {
      for (const { ring } of faults.alarms) ring({ lose: () => {}, hold: () => {}, release: () => {} })
    }
    return { board, inForce, journal, request, ring, add: (text: string) => board.add(read(text)) }
  })

describe("FaultBoard: requests", () => {
  it.effect("have a fault by their number", () =>
    Effect.gen(function*() {
      const { add, request } = yield* start()
      yield* add("garbage:request=2-3; crlf:request=3")
      const seen = [1, 2, 3, 4].map(() => request().tags)
      assert.deepStrictEqual(seen, [[], ["Pace", "Endless"], ["Pace", "Endless", "Encode"], []])
    }))

  it.effect("have it at most so often", () =>
    Effect.gen(function*() {
      const { add, board, request } = yield* start()
      yield* add("crlf:times=2")
      assert.deepStrictEqual([1, 2, 3, 4].map(() => request().tags.length), [1, 1, 0, 0])
      assert.deepStrictEqual(yield* board.list, [{ id: 1, fault: "crlf:times=2", happened: 2 }])
    }))

  it.effect("have it from a time on, for some time", () =>
    Effect.gen(function*() {
      const { add, request } = yield* start()
      yield* add("crlf:from=10,for=5")
      const seen: Array<number> = []
      for (const seconds of [0, 9, 1, 4, 1]) {
        yield* TestClock.adjust(seconds * 1000)
        seen.push(request().tags.length)
      }
      assert.deepStrictEqual(seen, [0, 0, 1, 1, 0])
    }))

  it.effect("have it by chance, which follows from seed and prompt and not from the order", () =>
    Effect.gen(function*() {
      const draws = Array.from({ length: 2000 }, (_, index) => `prompt ${index}`)
      const chosen = (seed: number, order: ReadonlyArray<string>) =>
        Effect.scoped(Effect.gen(function*() {
          const { add, request } = yield* start({ seed })
          yield* add("crlf:probability=0.3")
          return order.filter((draw) => request("", draw).tags.length > 0)
        }))
      const first = yield* chosen(1, draws)
      assert.closeTo(first.length / draws.length, 0.3, 0.04)
      assert.deepStrictEqual((yield* chosen(1, draws.toReversed())).toReversed(), first)
      assert.notDeepEqual(yield* chosen(2, draws), first)
      assert.deepStrictEqual(yield* chosen(1, []), [])
    }))

  it.effect("are independent for two faults", () =>
    Effect.gen(function*() {
      const { add, request } = yield* start()
      yield* add("crlf:probability=0.5; garbage:probability=0.5")
      const seen = Array.from({ length: 1000 }, () => request().tags)
      const both = seen.filter((tags) => tags.length === 3).length
      assert.closeTo(both / 1000, 0.25, 0.06)
    }))

  it.effect("bring their own, beside the others or instead of them", () =>
    Effect.gen(function*() {
      const { add, board, journal, request } = yield* start()
      yield* add("crlf")
      assert.deepStrictEqual(request("garbage").tags, ["Encode", "Pace", "Endless"])
      assert.deepStrictEqual(request("none").tags, [])
      assert.deepStrictEqual(request().tags, ["Encode"])
      assert.lengthOf(yield* board.list, 1)
      const told = (yield* journal.events).map(({ fault, request }) => `${request} ${fault}`)
      assert.deepStrictEqual(told, ["r1 crlf", "r1 garbage", "r2 none", "r3 crlf"])
    }))

  const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
  it.effect.prop(
    "never more than `times`, whatever else",
    [between(1, 5), Schema.Literals([0.2, 0.8, 1]), between(1, 5), between(0, 20), between(0, 30)],
    ([times, probability, first, more, requests]) =>
      Effect.scoped(Effect.gen(function*() {
        const { add, request } = yield* start()
        yield* add(`crlf:times=${times},probability=${probability},request=${first}-${first + more}`)
        const hit = Array.from({ length: requests }, () => request().tags.length > 0)
        assert.isAtMost(hit.filter((one) => one).length, times)
        assert.isTrue(hit.every((one, index) => !one || (index + 1 >= first && index + 1 <= first + more)))
        const inRange = Math.max(0, Math.min(requests, first + more) - first + 1)
        if (probability === 1) assert.strictEqual(hit.filter((one) => one).length, Math.min(times, inRange))
      }))
  )
})

describe("FaultBoard: the server", () => {
  it.effect("has a fault from a time on, for some time", () =>
    Effect.gen(function*() {
      const { add, inForce, journal } = yield* start()
      yield* add("metrics-down:from=10,for=5; health-blip")
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(inForce, ["Health"])
      yield* TestClock.adjust(9000)
      assert.deepStrictEqual(inForce, ["Metrics"])
      yield* TestClock.adjust(5000)
      assert.deepStrictEqual(inForce, [])
      const events = (yield* journal.events).map(({ atMillis, fault }) => `${atMillis} ${fault}`)
      assert.deepStrictEqual(events, ["0 health-blip", "10000 metrics-down"])
    }))

  it.effect("has it when a request's alarm rings, once, before anybody waits", () =>
    Effect.gen(function*() {
      const { add, inForce, request, ring } = yield* start()
      yield* add("engine-hang:for=30")
      const first = request()
      const second = request()
      assert.deepStrictEqual(first.alarms.map(({ when }) => when), [10])
      assert.deepStrictEqual(inForce, [])
      ring(second)
      // Synchronously.
      assert.deepStrictEqual(inForce, ["Hang"])
      ring(first)
      assert.deepStrictEqual(inForce, ["Hang"])
      yield* TestClock.adjust(30_000)
      assert.deepStrictEqual(inForce, [])
    }))

  it.effect("has it as often as it is told to", () =>
    Effect.gen(function*() {
      const { add, inForce, request, ring } = yield* start()
      yield* add("engine-hang:times=2")
      for (let count = 0; count < 3; count++) ring(request())
      assert.deepStrictEqual(inForce, ["Hang", "Hang"])
    }))

  it.effect("waits until enough requests are open", () =>
    Effect.gen(function*() {
      let open = 4
      const { add, inForce, request, ring } = yield* start({ openRequests: () => open })
      yield* add("mass-hang:streams=5")
      ring(request())
      assert.deepStrictEqual(inForce, [])
      open = 5
      ring(request())
      assert.deepStrictEqual(inForce, ["Hang"])
    }))

  it.effect("has what a request's header brings, and it outlives the request", () =>
    Effect.gen(function*() {
      const { board, inForce, request, ring } = yield* start()
      ring(request("engine-hang"))
      request("metrics-down")
      ring(request())
      assert.deepStrictEqual(inForce, ["Hang", "Metrics"])
      yield* board.clear
      assert.deepStrictEqual(inForce, [])
    }))

  it.effect("is as it was when a fault is taken away, and it does not come again", () =>
    Effect.gen(function*() {
      const { add, board, inForce, request, ring } = yield* start()
      const ids = yield* add("engine-hang; metrics-down; crlf; server-silent:from=60")
      const before = request()
      ring(before)
      assert.deepStrictEqual(inForce, ["Metrics", "Hang"])
      for (const id of ids) assert.isTrue(yield* board.remove(id))
      assert.isFalse(yield* board.remove(ids[0]!))
      assert.deepStrictEqual(inForce, [])
      assert.deepStrictEqual(request().tags, [])
      ring(before)
      yield* TestClock.adjust(100_000)
      assert.deepStrictEqual(inForce, [])
      assert.deepStrictEqual(yield* board.list, [])
    }))

  it.effect("is as it was when all is over", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(
        Effect.scoped(Effect.gen(function*() {
          const { add, inForce, request, ring } = yield* start()
          yield* add("engine-hang; metrics-down")
          ring(request())
          assert.lengthOf(inForce, 2)
          return inForce
        })),
        { startImmediately: true }
      )
      assert.deepStrictEqual(yield* Fiber.join(fiber), [])
    }))
})
