// Which faults are in force, which request has which, and when they begin and end, without a server.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as FaultBoard from "../../../src/simulator/faults/FaultBoard.ts"
import * as FaultSpecification from "../../../src/simulator/faults/FaultSpecification.ts"
import * as Journal from "../../../src/simulator/Journal.ts"

const read = (text: string) => Result.getOrThrow(FaultSpecification.read(text))
const control = { lose: () => {}, hold: () => {}, release: () => {} }

const start = (seed = 1) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const begun: Array<string> = []
    const world = { open: 1 }
    const board = yield* FaultBoard.make({
      seed,
      journal,
      openRequests: () => world.open,
      perform: ({ _tag }) =>
        Effect.acquireRelease(
          Effect.sync(() => begun.push(_tag)),
          () => Effect.sync(() => begun.push(`end ${_tag}`))
        )
    })
    let requests = 0
    /** The next request: what it has, and its alarms, which can be rung. */
    const request = (own = "", draw = "draw") =>
      board.forRequest({ id: `r${++requests}`, draw, own: own === "" ? [] : read(own) })
    const tags = (own = "", draw = "draw") => request(own, draw).actions.map(({ _tag }) => _tag)
    const faults = Effect.map(journal.events, (events) => events.map((one) => `${one.request} ${one.fault}`))
    return { board, begun, world, request, tags, faults }
  })

describe("FaultBoard: requests", () => {
  it.effect("have what is in force, as often as it may happen, if they are those it looks at", () =>
    Effect.gen(function*() {
      const { board, faults, tags } = yield* start()
      yield* board.add(read("truncated:request=2-3;crlf:times=2"))
      assert.deepStrictEqual([tags(), tags(), tags(), tags()], [["Encode"], ["End", "Encode"], ["End"], []])
      assert.deepStrictEqual((yield* board.list).map(({ happened }) => happened), [2, 2])
      assert.deepStrictEqual(yield* faults, ["r1 crlf", "r2 truncated", "r2 crlf", "r3 truncated"])
    }).pipe(Effect.scoped))

  it.effect("have it from a time on, and for a time", () =>
    Effect.gen(function*() {
      const { board, tags } = yield* start()
      yield* TestClock.adjust(5000)
      yield* board.add(read("crlf:from=10,for=20"))
      const seen: Array<boolean> = []
      for (const millis of [9999, 1, 19_999, 1]) {
        yield* TestClock.adjust(millis)
        seen.push(tags().length > 0)
      }
      assert.deepStrictEqual(seen, [false, true, true, false])
    }).pipe(Effect.scoped))

  it.effect("have it by a chance that follows from seed, fault and prompt, whoever came before", () =>
    Effect.gen(function*() {
      const draws = Array.from({ length: 200 }, (_, index) => `prompt ${index}`)
      const drawn = (seed: number, text: string, all: ReadonlyArray<string>) =>
        Effect.gen(function*() {
          const { board, request } = yield* start(seed)
          yield* board.add(read(text))
          return new Map(all.map((draw) => [draw, request("", draw).actions.map(({ _tag }) => _tag).join(" ")]))
        }).pipe(Effect.scoped)
      const first = yield* drawn(1, "crlf:probability=0.3", draws)
      const backwards = yield* drawn(1, "crlf:probability=0.3", draws.toReversed())
      for (const draw of draws) assert.strictEqual(first.get(draw), backwards.get(draw))
      const hit = Array.from(first.values()).filter((tags) => tags !== "").length
      assert.isTrue(hit > 40 && hit < 80, String(hit))
      assert.notDeepEqual(
        Array.from((yield* drawn(2, "crlf:probability=0.3", draws)).values()),
        Array.from(first.values())
      )
      // Two faults of one chance do not happen to the same requests.
      const both = yield* drawn(1, "crlf:probability=0.5;truncated:probability=0.5", draws)
      assert.isTrue(new Set(both.values()).size === 4)
    }))

  it.effect("bring their own, or keep all others away", () =>
    Effect.gen(function*() {
      const { board, tags } = yield* start()
      yield* board.add(read("crlf"))
      assert.deepStrictEqual(tags("truncated"), ["Encode", "End"])
      assert.deepStrictEqual(tags("none"), [])
      assert.deepStrictEqual(tags("none;truncated"), ["End"])
      // What they brought is gone with them.
      assert.deepStrictEqual(tags(), ["Encode"])
      assert.deepStrictEqual((yield* board.list).map(({ fault }) => fault), ["crlf"])
    }).pipe(Effect.scoped))
})

describe("FaultBoard: the server", () => {
  it.effect("begins with the request that brings it, lasts and outlives it, and happens to no other", () =>
    Effect.gen(function*() {
      const { begun, board, request } = yield* start()
      const { alarms } = request("engine-hang:after-tokens=3,for=30")
      assert.deepStrictEqual(alarms.map(({ when }) => when), [3])
      assert.deepStrictEqual(begun, [])
      assert.deepStrictEqual(request().alarms, [])
      alarms[0]!.ring(control)
      assert.deepStrictEqual(begun, ["Hang"], "at once, between two steps")
      alarms[0]!.ring(control)
      yield* TestClock.adjust(29_999)
      assert.deepStrictEqual(begun, ["Hang"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(begun, ["Hang", "end Hang"])
      assert.deepStrictEqual(yield* board.list, [])
    }).pipe(Effect.scoped))

  it.effect("waits for its time, then lasts for its time", () =>
    Effect.gen(function*() {
      const { begun, board, faults, request } = yield* start()
      yield* board.add(read("engine-hang:from=10,for=20"))
      assert.deepStrictEqual(request().alarms, [])
      yield* TestClock.adjust(9999)
      assert.deepStrictEqual(begun, [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(begun, ["Hang"])
      yield* TestClock.adjust(20_000)
      assert.deepStrictEqual(begun, ["Hang", "end Hang"])
      assert.deepStrictEqual(yield* faults, ["server engine-hang"])
    }).pipe(Effect.scoped))

  it.effect("has with time what has a time, and no request begins it once more", () =>
    Effect.gen(function*() {
      const { begun, board, request } = yield* start()
      yield* board.add(read("engine-hang:from=10,for=20,times=2;health-blip:from=10,for=20,times=2"))
      yield* TestClock.adjust(11_000)
      assert.deepStrictEqual(request().alarms, [])
      assert.deepStrictEqual(begun, ["Hang", "Health"])
    }).pipe(Effect.scoped))

  it.effect("has it at once if it is told so while it runs, until it is taken away", () =>
    Effect.gen(function*() {
      const { begun, board } = yield* start()
      const [id] = yield* board.add(read("engine-hang").map(FaultSpecification.atOnce))
      assert.deepStrictEqual(begun, ["Hang"])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(begun, ["Hang"])
      assert.isTrue(yield* board.remove(id!))
      assert.deepStrictEqual(begun, ["Hang", "end Hang"])
      assert.isFalse(yield* board.remove(id!))
      assert.deepStrictEqual(yield* board.list, [])
    }).pipe(Effect.scoped))

  it.effect("begins nothing more of what was taken away", () =>
    Effect.gen(function*() {
      const { begun, board, faults, request } = yield* start()
      yield* board.add(
        read("engine-hang:after-tokens=3,times=2;health-blip:from=10;decode-hang:after-tokens=1,request=1")
      )
      const first = request().alarms
      assert.strictEqual(first.length, 2)
      yield* board.clear
      for (const alarm of first) alarm.ring(control)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([begun, yield* faults], [[], []])
      assert.deepStrictEqual(request().alarms, [])
    }).pipe(Effect.scoped))

  it.effect("happens as often as it may, to requests after its time has passed, too", () =>
    Effect.gen(function*() {
      const { begun, board, request } = yield* start()
      yield* board.add(read("engine-hang:after-tokens=3,times=2,for=5"))
      for (let round = 0; round < 3; round++) {
        for (const alarm of request().alarms) alarm.ring(control)
        yield* TestClock.adjust(10_000)
      }
      assert.deepStrictEqual(begun, ["Hang", "end Hang", "Hang", "end Hang"])
    }).pipe(Effect.scoped))

  it.effect("waits until so many requests are open", () =>
    Effect.gen(function*() {
      const { begun, board, request, world } = yield* start()
      const [id] = yield* board.add(read("mass-hang"))
      const [alarm] = request().alarms
      alarm!.ring(control)
      assert.deepStrictEqual(begun, [])
      world.open = 1e6
      alarm!.ring(control)
      assert.deepStrictEqual(begun, ["Hang"])
      yield* board.remove(id!)
    }).pipe(Effect.scoped))

  it.effect("ends all with the scope", () =>
    Effect.gen(function*() {
      const begun = yield* Effect.scoped(Effect.gen(function*() {
        const world = yield* start()
        yield* world.board.add(read("health-blip"))
        return world.begun
      }))
      assert.deepStrictEqual(begun, ["Health", "end Health"])
    }))
})
