/** One pull that somebody else can end: its hooks, giving up, and interruption from below. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as GuardedPull from "../../src/liveness/GuardedPull.ts"

type Chunk = readonly [number, ...ReadonlyArray<number>]

const guard = <E>(pull: Effect.Effect<Chunk, E>) => {
  const told: Array<string> = []
  const guarded = GuardedPull.make<number, E, never, "given up">(pull, {
    onStart: () => told.push("start"),
    onSettle: (exit: Exit.Exit<ReadonlyArray<number>, E>) => told.push(exit._tag),
    onAbandon: () => told.push("abandoned")
  })
  return { ...guarded, told }
}

describe("GuardedPull", () => {
  it.effect("hands on the very chunk, whether it is there or comes later", () =>
    Effect.gen(function*() {
      const chunk: Chunk = [1, 2, 3]
      const there = guard(Effect.succeed(chunk))
      assert.strictEqual(yield* there.pull, chunk)
      assert.deepStrictEqual(there.told, ["start", "Success"])
      const later = yield* Deferred.make<Chunk>()
      const waiting = guard(Deferred.await(later))
      const fiber = yield* Effect.forkChild(waiting.pull, { startImmediately: true })
      assert.deepStrictEqual(waiting.told, ["start"])
      yield* Deferred.succeed(later, chunk)
      assert.strictEqual(yield* Fiber.join(fiber), chunk)
      assert.deepStrictEqual(waiting.told, ["start", "Success"])
    }))

  it.effect("hands on an error", () =>
    Effect.gen(function*() {
      const { pull, told } = guard(Effect.andThen(Effect.yieldNow, Effect.fail("broken")))
      assert.strictEqual(yield* Effect.flip(pull), "broken")
      assert.deepStrictEqual(told, ["start", "Failure"])
    }))

  it.effect("gives up only what is being waited for", () =>
    Effect.gen(function*() {
      const later = yield* Deferred.make<Chunk>()
      const { giveUp, pull } = guard(Deferred.await(later))
      assert.isFalse(giveUp("given up"))
      const fiber = yield* Effect.forkChild(pull, { startImmediately: true })
      yield* Deferred.succeed(later, [1] as const)
      assert.deepStrictEqual(yield* Fiber.join(fiber), [1])
      assert.isFalse(giveUp("given up"))
    }))

  it.effect("interrupts the pull and waits for that before it fails", () =>
    Effect.gen(function*() {
      const order: Array<string> = []
      const closing = yield* Deferred.make<void>()
      const { giveUp, pull, told } = guard(Effect.onInterrupt(Effect.never, () =>
        Effect.andThen(
          Deferred.await(closing),
          Effect.sync(() => order.push("closed"))
        )))
      const fiber = yield* Effect.forkChild(
        Effect.tapError(pull, (error) => Effect.sync(() => order.push(error))),
        { startImmediately: true }
      )
      assert.isTrue(giveUp("given up"))
      assert.isFalse(giveUp("given up"))
      yield* Effect.repeat(Effect.yieldNow, { times: 10 })
      assert.deepStrictEqual(order, [])
      yield* Deferred.succeed(closing, undefined)
      assert.strictEqual(yield* Effect.flip(Fiber.join(fiber)), "given up")
      assert.deepStrictEqual(order, ["closed", "given up"])
      assert.deepStrictEqual(told, ["start"])
    }))

  it.effect("interruption from below interrupts the pull, and there is nothing to give up any more", () =>
    Effect.gen(function*() {
      let closed = 0
      const { giveUp, pull, told } = guard(Effect.onInterrupt(Effect.never, () => Effect.sync(() => closed++)))
      const fiber = yield* Effect.forkChild(pull, { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(closed, 1)
      assert.isFalse(giveUp("given up"))
      const again = yield* Effect.forkChild(pull, { startImmediately: true })
      assert.isTrue(giveUp("given up"))
      assert.strictEqual(yield* Effect.flip(Fiber.join(again)), "given up")
      assert.strictEqual(closed, 2)
      assert.deepStrictEqual(told, ["start", "abandoned", "start"])
    }))
})
