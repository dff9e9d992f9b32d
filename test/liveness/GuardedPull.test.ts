/** One pull that somebody else can end or answer: its hooks, giving up, what is put in between, and who stops waiting. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as GuardedPull from "../../src/liveness/GuardedPull.ts"

type Chunk = readonly [number, ...ReadonlyArray<number>]

const guard = <E>(pull: Effect.Effect<Chunk, E>) =>
  Effect.gen(function*() {
    const told: Array<string> = []
    const scope = yield* Effect.scope
    const guarded = yield* GuardedPull.make<number, string, E, never, "given up">(pull, scope, {
      onStart: () => told.push("start"),
      onSettle: (exit) => {
        told.push(exit._tag)
        return exit
      }
    })
    return { ...guarded, told }
  })

const givenUp = Effect.succeed("given up" as const)
const turns = Effect.repeat(Effect.yieldNow, { times: 10 })

describe("GuardedPull", () => {
  it.effect("hands on the very chunk, whether it is there or comes later", () =>
    Effect.gen(function*() {
      const chunk: Chunk = [1, 2, 3]
      const there = yield* guard(Effect.succeed(chunk))
      assert.strictEqual(yield* there.pull, chunk)
      assert.deepStrictEqual(there.told, ["start", "Success"])
      const later = yield* Deferred.make<Chunk>()
      const waiting = yield* guard(Deferred.await(later))
      const fiber = yield* Effect.forkChild(waiting.pull, { startImmediately: true })
      assert.deepStrictEqual(waiting.told, ["start"])
      yield* Deferred.succeed(later, chunk)
      assert.strictEqual(yield* Fiber.join(fiber), chunk)
      assert.deepStrictEqual(waiting.told, ["start", "Success"])
    }))

  it.effect("reads nothing ahead", () =>
    Effect.gen(function*() {
      let pulls = 0
      const { pull } = yield* guard(Effect.sync((): Chunk => [++pulls]))
      yield* turns
      assert.strictEqual(pulls, 0)
      assert.deepStrictEqual(yield* pull, [1])
      yield* turns
      assert.strictEqual(pulls, 1)
      assert.deepStrictEqual(yield* pull, [2])
    }))

  it.effect("hands on an error, again and again", () =>
    Effect.gen(function*() {
      const { giveUp, pull, told } = yield* guard(Effect.andThen(Effect.yieldNow, Effect.fail("broken")))
      assert.strictEqual(yield* Effect.flip(pull), "broken")
      assert.strictEqual(yield* Effect.flip(pull), "broken")
      assert.isFalse(giveUp(givenUp))
      assert.deepStrictEqual(told, ["start", "Failure"])
    }))

  it.effect("interrupts the pull and waits for that before it fails", () =>
    Effect.gen(function*() {
      const order: Array<string> = []
      const closing = yield* Deferred.make<void>()
      const { giveUp, pull, told } = yield* guard(Effect.onInterrupt(Effect.never, () =>
        Effect.andThen(
          Deferred.await(closing),
          Effect.sync(() => order.push("closed"))
        )))
      const fiber = yield* Effect.forkChild(
        Effect.tapError(pull, (error) => Effect.sync(() => order.push(error))),
        { startImmediately: true }
      )
      let asked = 0
      const error = Effect.sync(() => {
        asked++
        return "given up" as const
      })
      assert.isTrue(giveUp(error))
      assert.isFalse(giveUp(error))
      yield* turns
      assert.deepStrictEqual(order, [])
      yield* Deferred.succeed(closing, undefined)
      assert.strictEqual(yield* Effect.flip(Fiber.join(fiber)), "given up")
      assert.strictEqual(yield* Effect.flip(pull), "given up")
      assert.deepStrictEqual(order, ["closed", "given up"])
      assert.deepStrictEqual(told, ["start"])
      // What the error costs, such as waiting for a proof, is paid once.
      assert.strictEqual(asked, 1)
    }))

  it.effect("gives up while nobody waits: the pull is interrupted at once, the next to ask is told", () =>
    Effect.gen(function*() {
      let closed = 0
      const { giveUp, pull } = yield* guard(Effect.onInterrupt(Effect.never, () => Effect.sync(() => closed++)))
      const fiber = yield* Effect.forkChild(pull, { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(closed, 0)
      assert.isTrue(giveUp(givenUp))
      assert.strictEqual(closed, 1)
      assert.strictEqual(yield* Effect.flip(pull), "given up")
    }))

  it.effect("gives up from its own hook: what has just come is handed on first", () =>
    Effect.gen(function*() {
      const scope = yield* Effect.scope
      const guarded: GuardedPull.GuardedPull<number, never, "given up"> = yield* GuardedPull.make<
        number,
        never,
        never,
        never,
        "given up"
      >(Effect.succeed([1] as const), scope, {
        onStart: () => {},
        onSettle: (exit) => {
          guarded.giveUp(givenUp)
          return exit
        }
      })
      assert.deepStrictEqual(yield* guarded.pull, [1])
      assert.strictEqual(yield* Effect.flip(guarded.pull), "given up")
    }))

  it.effect("keeps what came for whoever stopped to wait, and tells of it when it came", () =>
    Effect.gen(function*() {
      const queue = yield* Queue.unbounded<Chunk>()
      const { pull, told } = yield* guard(Queue.take(queue))
      const fiber = yield* Effect.forkChild(pull, { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(told, ["start"])
      yield* Queue.offer(queue, [1] as const)
      yield* turns
      assert.deepStrictEqual(told, ["start", "Success"])
      yield* Queue.offer(queue, [2] as const)
      assert.deepStrictEqual(yield* pull, [1])
      assert.deepStrictEqual(yield* pull, [2])
      assert.deepStrictEqual(told, ["start", "Success", "start", "Success"])
    }))

  it.effect("puts elements in between while the pull goes on, and only for somebody who waits", () =>
    Effect.gen(function*() {
      const later = yield* Deferred.make<Chunk>()
      const { pull, put, told } = yield* guard(Deferred.await(later))
      assert.isFalse(put(["too early"]))
      const first = yield* Effect.forkChild(pull, { startImmediately: true })
      assert.isTrue(put(["beat"]))
      assert.isFalse(put(["nobody waits"]))
      assert.deepStrictEqual(yield* Fiber.join(first), ["beat"])
      const second = yield* Effect.forkChild(pull, { startImmediately: true })
      yield* Deferred.succeed(later, [1] as const)
      assert.deepStrictEqual(yield* Fiber.join(second), [1])
      assert.deepStrictEqual(told, ["start", "Success"])
    }))

  it.effect("closing the scope interrupts the pull", () =>
    Effect.gen(function*() {
      let closed = 0
      const scope = yield* Scope.make()
      const { pull } = yield* Scope.provide(
        guard(Effect.onInterrupt(Effect.never, () => Effect.sync(() => closed++))),
        scope
      )
      const fiber = yield* Effect.forkChild(pull, { startImmediately: true })
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(closed, 1)
      yield* Fiber.interrupt(fiber)
    }))
})
