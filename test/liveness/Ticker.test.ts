/** The one timer, with a clock that counts who sleeps. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { Ticker } from "../../src/liveness/Ticker.ts"

/** A ticker in a scope of its own, whose clock counts sleepers and whose wall clock goes astray. */
const setting = Effect.gen(function*() {
  const testClock = yield* Clock.Clock
  const timers = { now: 0, since: 0 }
  const clock: Clock.Clock = {
    ...testClock,
    currentTimeMillisUnsafe: () => testClock.currentTimeMillisUnsafe() - 3_600_000,
    sleep: (duration) =>
      Effect.suspend(() => {
        timers.now++
        timers.since++
        return Effect.ensuring(testClock.sleep(duration), Effect.sync(() => timers.now--))
      })
  }
  const scope = yield* Scope.make()
  const context = yield* Layer.buildWithScope(Ticker.layer("2 seconds"), scope).pipe(
    Effect.provideService(Clock.Clock, clock)
  )
  const add = (times: Array<number>) =>
    Effect.gen(function*() {
      const own = yield* Scope.make()
      yield* Scope.provide(Context.get(context, Ticker).add((at) => times.push(at)), own)
      yield* settle
      return { leave: Scope.close(own, Exit.void) }
    })
  yield* settle
  return { timers, add, close: Scope.close(scope, Exit.void) }
})

const settle = Effect.repeat(Effect.yieldNow, { times: 10 })

describe("Ticker", () => {
  it.effect("has no timer while nobody is there", () =>
    Effect.gen(function*() {
      const { add, close, timers } = yield* setting
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(timers, { now: 0, since: 0 })
      const { leave } = yield* add([])
      assert.deepStrictEqual(timers, { now: 1, since: 1 })
      yield* leave
      // The sleep that was begun ends, and no other begins.
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(timers, { now: 0, since: 1 })
      const again: Array<number> = []
      yield* add(again)
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(again, [7_202_000, 7_204_000])
      yield* close
    }))

  it.effect("ticks everyone each interval, in monotonic milliseconds", () =>
    Effect.gen(function*() {
      const { add, close, timers } = yield* setting
      const one: Array<number> = []
      const other: Array<number> = []
      yield* add(one)
      yield* TestClock.adjust(1500)
      const { leave } = yield* add(other)
      assert.strictEqual(timers.now, 1)
      yield* TestClock.adjust(4500)
      assert.deepStrictEqual(one, [2000, 4000, 6000])
      assert.deepStrictEqual(other, [2000, 4000, 6000])
      yield* leave
      yield* TestClock.adjust(2000)
      assert.deepStrictEqual(one, [2000, 4000, 6000, 8000])
      assert.lengthOf(other, 3)
      yield* close
    }))

  it.effect("stops with its scope", () =>
    Effect.gen(function*() {
      const { add, close, timers } = yield* setting
      const times: Array<number> = []
      yield* add(times)
      yield* TestClock.adjust("2 seconds")
      yield* close
      assert.strictEqual(timers.now, 0)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(times, [2000])
    }))
})
