/** Nothing that is offered is lost or given twice at once, whoever takes, fails or is interrupted. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { TestClock } from "effect/testing"
import type { Battle } from "../../src/campaign/Battle.ts"
import { BattleQueue } from "../../src/campaign/BattleQueue.ts"
import { runs } from "../support/propertyRuns.ts"

const battle = (repetition: number): Battle => ({ task: "t", agent: "a", repetition })
const within = <A, E>(effect: Effect.Effect<A, E, BattleQueue>) =>
  Effect.provide(effect, BattleQueue.layerMemory, { local: true })

describe("BattleQueue", () => {
  it.effect("gives what came first, to whoever waits longest, lane by lane", () =>
    within(Effect.gen(function*() {
      const queue = yield* BattleQueue
      const take = (lane: string) => queue.take(lane, ({ repetition }) => Effect.succeed(repetition))
      const first = yield* Effect.forkChild(take("x"), { startImmediately: true })
      const second = yield* Effect.forkChild(take("x"), { startImmediately: true })
      const other = yield* Effect.forkChild(take("y"), { startImmediately: true })
      for (const repetition of [1, 2]) yield* queue.offer({ lane: "x", battle: battle(repetition) })
      assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(second)], [1, 2])
      assert.isUndefined(other.pollUnsafe())
      yield* queue.offer({ lane: "y", battle: battle(3) })
      assert.strictEqual(yield* Fiber.join(other), 3)
    })))

  it.effect("does not take a battle that it has or that is played", () =>
    within(Effect.gen(function*() {
      const queue = yield* BattleQueue
      for (const repetition of [1, 1]) yield* queue.offer({ lane: "x", battle: battle(repetition) })
      const played = yield* queue.take("x", (taken) => Effect.as(queue.offer({ lane: "x", battle: taken }), taken))
      assert.deepStrictEqual(played, battle(1))
      assert.deepStrictEqual(yield* queue.withdraw("x"), [])
      yield* queue.offer({ lane: "x", battle: battle(1) })
      assert.deepStrictEqual(yield* queue.withdraw("x"), [battle(1)])
      yield* queue.offer({ lane: "x", battle: battle(1) })
      assert.deepStrictEqual(yield* queue.withdraw("x"), [battle(1)])
    })))

  it.effect("has a battle again that somebody failed at, before all others", () =>
    within(Effect.gen(function*() {
      const queue = yield* BattleQueue
      for (const repetition of [1, 2]) yield* queue.offer({ lane: "x", battle: battle(repetition) })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(queue.take("x", () => Effect.fail("no")))))
      assert.deepStrictEqual(yield* queue.withdraw("x"), [battle(1), battle(2)])
    })))

  const Taker = Schema.Struct({
    playMillis: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 })),
    interruptAfterMillis: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })))
  })

  it.effect.prop("plays every battle exactly once to its end, however takers are interrupted", [
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 })),
    Schema.Array(Taker)
  ], ([battles, takers]) =>
    within(Effect.gen(function*() {
      const queue = yield* BattleQueue
      const done: Array<number> = []
      const playing = new Set<number>()
      const taker = (playMillis: number) =>
        Effect.forever(queue.take("x", ({ repetition }) =>
          Effect.suspend(() => {
            assert.isFalse(playing.has(repetition))
            playing.add(repetition)
            return Effect.sleep(playMillis)
          }).pipe(
            Effect.andThen(Effect.sync(() => done.push(repetition))),
            Effect.ensuring(Effect.sync(() => playing.delete(repetition)))
          )))
      const fibers = yield* Effect.forEach([{ playMillis: 5, interruptAfterMillis: null }, ...takers], (each) =>
        Effect.forkChild(
          each.interruptAfterMillis === null
            ? taker(each.playMillis)
            : Effect.timeoutOption(taker(each.playMillis), each.interruptAfterMillis),
          { startImmediately: true }
        ))
      for (let repetition = 1; repetition <= battles; repetition++) {
        yield* queue.offer({ lane: "x", battle: battle(repetition) })
        yield* TestClock.adjust(repetition % 4)
      }
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(
        done.toSorted((a, b) =>
          a - b
        ),
        Array.from({ length: battles }, (_, index) => index + 1)
      )
      yield* Fiber.interruptAll(fibers)
    })).pipe(Effect.provide(TestClock.layer())), runs)
})
