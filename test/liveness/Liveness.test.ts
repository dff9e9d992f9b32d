import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as Liveness from "../../src/liveness/Liveness.ts"
import { runs } from "../support/propertyRuns.ts"

const LIMIT_MILLIS = 1000

class Silent {
  readonly _tag = "Silent"
}

/** An element after each gap, in milliseconds; the elements are the gaps' positions. */
const afterGaps = (gaps: ReadonlyArray<number>): Stream.Stream<number> =>
  Stream.fromIterable([...gaps.entries()]).pipe(
    Stream.mapEffect(([position, gap]) => Effect.as(Effect.sleep(gap), position))
  )

interface Run {
  readonly seen: ReadonlyArray<number>
  readonly outcome: "ended" | "silent"
  readonly atMillis: number
}

/** Runs a stream to its end under a fresh clock; `think` is how long the consumer takes for each chunk. */
const play = (stream: Stream.Stream<number, Silent>, think = 0): Effect.Effect<Run> =>
  Effect.gen(function*() {
    const seen: Array<number> = []
    const fiber = yield* stream.pipe(
      Stream.runForEachArray((elements) => {
        seen.push(...elements)
        return think === 0 ? Effect.void : Effect.sleep(think)
      }),
      Effect.match({ onSuccess: () => "ended" as const, onFailure: () => "silent" as const }),
      Effect.zip(Clock.currentTimeMillis),
      Effect.forkChild({ startImmediately: true })
    )
    // The built-in operator works with several fibers; they must have reached their first sleep.
    for (let turn = 0; turn < 10; turn++) yield* Effect.yieldNow
    yield* TestClock.adjust("1 hour")
    const [outcome, atMillis] = yield* Fiber.join(fiber)
    return { seen, outcome, atMillis }
  }).pipe(Effect.provide(Layer.fresh(TestClock.layer())))

const ours = Liveness.timeoutFail(() => new Silent(), LIMIT_MILLIS)
const builtIn = Stream.timeoutOrElse({ duration: LIMIT_MILLIS, orElse: () => Stream.fail(new Silent()) })

/**
 * Gaps in steps of 250 ms, so that many are exactly the limit. None is 0: after two elements at one instant the built-in
 * operator calls a gap of exactly the limit silent, because its timer was armed before the pull; see the test for ours.
 */
const gapSchedules = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 }))).check(
  Schema.isMaxLength(12)
)

describe("timeoutFail", () => {
  it.effect.prop(
    "gives the same elements, outcome and time as Stream.timeoutOrElse",
    [gapSchedules],
    ([steps]) =>
      Effect.gen(function*() {
        const stream = afterGaps(steps.map((step) => step * 250))
        assert.deepStrictEqual(yield* play(ours(stream)), yield* play(builtIn(stream)))
      }),
    runs
  )

  it.effect.prop(
    "gives the same with a slow consumer, whose time is not silence",
    [gapSchedules],
    ([steps]) =>
      Effect.gen(function*() {
        // The built-in operator reads one chunk ahead, so its times differ, and what it says of a gap of exactly the limit
        // depends on which of its fibers wakes first.
        const stream = afterGaps(steps.map((step) => step * 250 + 1))
        const watched = yield* play(ours(stream), 3333)
        const expected = yield* play(builtIn(stream), 3333)
        assert.deepStrictEqual({ ...watched, atMillis: 0 }, { ...expected, atMillis: 0 })
      }),
    runs
  )

  it.effect("fails after the limit, not before", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* play(ours(afterGaps([999, 1000, 1001]))), {
        seen: [0, 1],
        outcome: "silent",
        atMillis: 2999
      })
    }))

  it.effect("takes a gap of exactly the limit for alive, also after elements at one instant", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* play(ours(afterGaps([0, 1000, 0, 0, 1000])))).outcome, "ended")
    }))

  it.effect("keeps chunks as they come", () =>
    Effect.gen(function*() {
      const sizes: Array<number> = []
      yield* Stream.fromArrays([1, 2, 3], [4], [5, 6]).pipe(
        Liveness.timeoutFail(() => new Silent(), "1 second"),
        Stream.runForEachArray((elements) => Effect.sync(() => sizes.push(elements.length)))
      )
      assert.deepStrictEqual(sizes, [3, 1, 2])
    }))

  it.effect("passes on an upstream failure", () =>
    Effect.gen(function*() {
      const error = yield* Stream.concat(Stream.make(1), Stream.fail("broken")).pipe(
        Liveness.timeoutFail(() => new Silent(), "1 second"),
        Stream.runDrain,
        Effect.flip
      )
      assert.strictEqual(error, "broken")
    }))

  it.effect("interrupts the upstream pull before it hands on the error, and when it is interrupted itself", () =>
    Effect.gen(function*() {
      const events: Array<string> = []
      const upstream = Stream.fromEffect(
        Effect.never.pipe(Effect.onInterrupt(() => Effect.sync(() => events.push("closed"))))
      )
      const silent = yield* Effect.forkChild(
        Stream.runDrain(Liveness.timeoutFail(upstream, () => new Silent(), "1 second")).pipe(
          Effect.catch(() => Effect.sync(() => events.push("failed")))
        ),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(silent)
      const cut = yield* Effect.forkChild(
        Stream.runDrain(Liveness.timeoutFail(upstream, () => new Silent(), "1 second")),
        { startImmediately: true }
      )
      yield* Fiber.interrupt(cut)
      assert.deepStrictEqual(events, ["closed", "failed", "closed"])
    }))

  it.effect("an infinite limit never fails, a zero limit fails at once", () =>
    Effect.gen(function*() {
      const stream = afterGaps([100_000])
      const infinite = yield* play(Liveness.timeoutFail(stream, () => new Silent(), Duration.infinity))
      const zero = yield* play(Liveness.timeoutFail(stream, () => new Silent(), 0))
      assert.deepStrictEqual([infinite.outcome, zero.outcome, zero.atMillis], ["ended", "silent", 0])
    }))

  for (const step of [3_600_000, -3_600_000]) {
    it.effect(`does not care when the wall clock steps by ${step} ms`, () =>
      Effect.gen(function*() {
        const run = (guard: typeof ours, gaps: ReadonlyArray<number>) =>
          disturbed(guard(afterGaps(gaps)), (clock, testClock) => {
            const wallMillis = () => testClock.currentTimeMillisUnsafe() + step
            clock.currentTimeMillisUnsafe = wallMillis
            clock.currentTimeNanosUnsafe = () => BigInt(wallMillis()) * 1_000_000n
          })
        assert.strictEqual(yield* run(ours, [400, 700, 900]), "Success")
        assert.strictEqual(yield* run(ours, [100_000]), "Failure")
        // The built-in operator does: forwards it fails a stream that is well, backwards it fails none.
        assert.strictEqual(yield* run(builtIn, [400, 700, 900]), step > 0 ? "Failure" : "Success")
        assert.strictEqual(yield* run(builtIn, [100_000]), step > 0 ? "Failure" : "still running")
      }))
  }

  it.effect("begins the silence anew after the process was paused", () =>
    Effect.gen(function*() {
      const run = (gaps: ReadonlyArray<number>) =>
        disturbed(ours(afterGaps(gaps)), (clock, testClock) => {
          clock.monotonicTimeNanosUnsafe = () => testClock.monotonicTimeNanosUnsafe() + 600_000_000_000n
        })
      // The watcher wakes at 1000 ms to find that ten minutes have passed.
      assert.strictEqual(yield* run([1900]), "Success")
      assert.strictEqual(yield* run([100_000]), "Failure")
    }))
})

/** Runs a stream for 5 s; after 500 ms the clock it sees is disturbed. */
const disturbed = Effect.fnUntraced(function*(
  stream: Stream.Stream<number, Silent>,
  disturb: (clock: { -readonly [K in keyof Clock.Clock]: Clock.Clock[K] }, testClock: Clock.Clock) => void
) {
  const testClock = yield* Clock.Clock
  const clock = { ...testClock }
  const fiber = yield* stream.pipe(
    Stream.runDrain,
    Effect.result,
    Effect.provideService(Clock.Clock, clock),
    Effect.forkChild({ startImmediately: true })
  )
  yield* TestClock.adjust(500)
  disturb(clock, testClock)
  yield* TestClock.adjust(4500)
  const exit = fiber.pollUnsafe()
  yield* Fiber.interrupt(fiber)
  return exit?._tag === "Success" ? exit.value._tag : "still running"
})

describe("failIfSilent", () => {
  const options = { limit: LIMIT_MILLIS, onSilence: () => new Silent() }

  it.effect.prop(
    "elements that are not progress never postpone the verdict",
    [gapSchedules, Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 400 }))],
    ([steps, interval]) =>
      Effect.gen(function*() {
        // The end of the schedule is silence, so that every run ends in the verdict.
        const progress = Stream.concat(afterGaps(steps.map((step) => step * 250 + 1)), Stream.never)
        const noise = Stream.tick(interval).pipe(Stream.map(() => -1))
        const guarded = (stream: Stream.Stream<number>) =>
          Liveness.failIfSilent(stream, { ...options, isProgress: (element) => element >= 0 })
        const quiet = yield* play(guarded(progress))
        const noisy = yield* play(guarded(Stream.merge(progress, noise)))
        assert.deepStrictEqual(noisy.seen.filter((element) => element >= 0), quiet.seen)
        assert.strictEqual(noisy.outcome, quiet.outcome)
        assert.strictEqual(noisy.atMillis, quiet.atMillis)
      }),
    runs
  )

  it.effect("tells how long the silence was", () =>
    Effect.gen(function*() {
      const fiber = yield* Stream.never.pipe(
        Liveness.failIfSilent({ limit: "90 seconds", onSilence: (silentMillis) => silentMillis }),
        Stream.runDrain,
        Effect.flip,
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(yield* Fiber.join(fiber), 90_000)
    }))
})
