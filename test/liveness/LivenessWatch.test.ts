/** The watch on a stream, in virtual time: what it lets through, when it ends a run, and what it tells of it. */
import { assert, describe, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Failed } from "../../src/liveness/Failed.ts"
import { ofTokenEvents } from "../../src/liveness/LivenessInput.ts"
import * as LivenessWatch from "../../src/liveness/LivenessWatch.ts"
import { Stalled } from "../../src/liveness/Stalled.ts"
import type { Verdict } from "../../src/liveness/Verdict.ts"
import { Signal } from "../../src/token/TokenEvent.ts"
import { stalled } from "../support/runErrors.ts"
import {
  accepted,
  alone,
  type Element,
  failureOf,
  finish,
  inputsOf,
  lastOf,
  limits,
  reasonsOf,
  recorder,
  run,
  stalledOf,
  start,
  timed,
  token
} from "./watching.ts"

describe("LivenessWatch", () => {
  it.effect("lets elements through in their chunks", () =>
    Effect.gen(function*() {
      const sizes: Array<number> = []
      const all: Array<Element> = []
      yield* Stream.fromArrays<ReadonlyArray<Array<Element>>>([token, "comment", token], [token], ["comment"], [
        token,
        finish
      ]).pipe(
        LivenessWatch.watch({ run, inputsOf }),
        Stream.runForEachArray((elements) =>
          Effect.sync(() => {
            sizes.push(elements.length)
            all.push(...elements)
          })
        )
      )
      assert.deepStrictEqual(sizes, [3, 1, 1, 2])
      assert.deepStrictEqual(all, [token, "comment", token, token, "comment", token, finish])
    }).pipe(Effect.provide(alone)))

  it.effect("fails a stalled run, after its upstream was interrupted", () =>
    Effect.gen(function*() {
      const order: Array<string> = []
      const silent = Stream.fromEffect(
        Effect.never.pipe(Effect.onInterrupt(() => Effect.sync(() => order.push("upstream interrupted"))))
      )
      const watched = yield* start(
        Stream.concat(Stream.make(token, token), silent).pipe(
          Stream.ensuring(Effect.sync(() => order.push("upstream closed")))
        )
      )
      yield* TestClock.adjust("10 seconds")
      assert.isUndefined(watched.exit())
      assert.deepStrictEqual(watched.tags(), ["Alive", "Alive", "Slow"])
      // The tick at 11 s condemns it, the next one carries it out.
      yield* TestClock.adjust("2 seconds")
      const stalled = stalledOf(watched.exit())
      assert.deepInclude({ ...stalled }, {
        hop: "engine",
        ...lastOf(watched.verdicts, "Stalled"),
        cancel: "unconfirmed",
        kind: "silent",
        phase: "decoding",
        silentMillis: 12_000,
        limit: { name: "silent", millis: 10_000, origin: "not-learned", learning: null },
        tokens: 2,
        confidence: "inferred"
      })
      assert.deepStrictEqual(watched.tags(), ["Alive", "Alive", "Slow", "Stalled"])
      assert.deepStrictEqual(order, ["upstream interrupted", "upstream closed"])
    }).pipe(Effect.provide(alone)))

  it.effect("hands the error on only when the interrupted upstream has closed, however long that takes", () =>
    Effect.gen(function*() {
      const silent = accepted(Effect.never.pipe(Effect.onInterrupt(() => Effect.sleep("30 seconds"))))
      const watched = yield* start(silent)
      yield* TestClock.adjust("40 seconds")
      assert.strictEqual(watched.tags().at(-1), "Stalled")
      assert.isUndefined(watched.exit())
      yield* TestClock.adjust("3 seconds")
      stalledOf(watched.exit())
    }).pipe(Effect.provide(alone)))

  it.effect("takes no time of the consumer for silence", () =>
    Effect.gen(function*() {
      const elements = [token, token, token, token, finish]
      const watched = yield* start(timed(...elements.map((element) => [7500, element] as const)), {}, 600_000)
      yield* TestClock.adjust("2 hours")
      assert.isTrue(Exit.isSuccess(watched.exit()!))
      assert.deepStrictEqual(watched.seen, elements)
      lastOf(watched.verdicts, "Completed")
      assert.notInclude(watched.tags(), "Stalled")
      const quick = yield* start(timed(...elements.map((element) => [7500, element] as const)))
      yield* TestClock.adjust("2 hours")
      const withoutTimes = (verdicts: ReadonlyArray<Verdict>) =>
        verdicts.map((verdict) => verdict._tag === "Slow" ? [verdict._tag, verdict.reason] : [verdict._tag])
      assert.deepStrictEqual(withoutTimes(watched.verdicts), withoutTimes(quick.verdicts))
      assert.include(quick.tags(), "Slow")
    }).pipe(Effect.provide(alone)))

  it.effect("goes on reading for a consumer that has stopped to wait, and keeps what comes for it", () =>
    Effect.gen(function*() {
      const verdicts: Array<Verdict> = []
      const pull = yield* Stream.toPull(
        LivenessWatch.watch({ run, limits, inputsOf, onVerdict: (verdict) => verdicts.push(verdict) })(
          Stream.concat(timed([5000, token]), Stream.never)
        )
      )
      const left = (after: Duration.Input) =>
        Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(pull, { startImmediately: true })
          yield* TestClock.adjust(after)
          yield* Fiber.interrupt(fiber)
        })
      yield* left("2 seconds")
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* pull, [token])
      assert.deepStrictEqual(verdicts.map(({ _tag }) => _tag), ["Alive", "Alive"])
      yield* left("2 seconds")
      yield* TestClock.adjust("10 seconds")
      // Nothing came, and we were ready to read all the time.
      assert.strictEqual(lastOf(verdicts, "Stalled").silentMillis, 12_000)
      assert.instanceOf(yield* Effect.flip(pull), Stalled)
    }).pipe(Effect.scoped, Effect.provide(alone)))

  it.effect("finds a stall also behind a slow consumer", () =>
    Effect.gen(function*() {
      const watched = yield* start(Stream.concat(Stream.make(token), Stream.never), {}, 600_000)
      yield* TestClock.adjust(611_000)
      assert.isUndefined(watched.exit())
      yield* TestClock.adjust(1000)
      assert.strictEqual(stalledOf(watched.exit()).silentMillis, 12_000)
    }).pipe(Effect.provide(alone)))

  it.effect("with policy \"warn\" tells a stall and ends nothing", () =>
    Effect.gen(function*() {
      const evidence = recorder()
      const watched = yield* start(timed([100, token], [60_000, token], [100, finish]), { policy: "warn" }).pipe(
        Effect.provide(evidence.layer)
      )
      yield* TestClock.adjust("30 seconds")
      assert.isUndefined(watched.exit())
      assert.strictEqual(watched.tags().at(-1), "Stalled")
      yield* TestClock.adjust("1 hour")
      assert.isTrue(Exit.isSuccess(watched.exit()!))
      assert.deepStrictEqual(watched.seen, [token, token, finish])
      assert.strictEqual(watched.tags().filter((tag) => tag === "Stalled").length, 1)
      assert.strictEqual(watched.tags().at(-1), "Stalled")
      assert.lengthOf(evidence.ended, 1)
    }).pipe(Effect.provide(alone)))

  it.effect("with policy \"off\" looks at nothing", () =>
    Effect.gen(function*() {
      let looks = 0
      const evidence = recorder()
      const stream = timed([100, token], [60_000, finish])
      const options: LivenessWatch.WatchOptions<Element, never> = {
        run,
        limits,
        policy: "off",
        inputsOf: () => {
          looks++
          return []
        },
        onVerdict: () => void looks++
      }
      assert.strictEqual(LivenessWatch.watch(options)(stream), stream)
      const watched = yield* start(stream, options).pipe(Effect.provide(evidence.layer))
      assert.strictEqual(evidence.readers.size, 0)
      yield* TestClock.adjust("2 minutes")
      assert.isTrue(Exit.isSuccess(watched.exit()!))
      assert.strictEqual(looks, 0)
    }).pipe(Effect.provide(alone)))

  for (const noise of ["comment", Signal.make({ signal: "role" }), Signal.make({ signal: "empty" })] as const) {
    it.effect(`${noise === "comment" ? noise : noise.signal} every second does not postpone a stall`, () =>
      Effect.gen(function*() {
        const noisy = Stream.merge(
          Stream.concat(Stream.make<Array<Element>>(token), Stream.never),
          Stream.tick("900 millis").pipe(Stream.map((): Element => noise))
        )
        const watched = yield* start(noisy)
        yield* TestClock.adjust("11 seconds")
        assert.isUndefined(watched.exit())
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(stalledOf(watched.exit()).tokens, 1)
      }).pipe(Effect.provide(alone)))
  }

  it.effect("interruption from downstream closes the upstream and is told as Cancelled", () =>
    Effect.gen(function*() {
      const evidence = recorder()
      let closed = 0
      const watched = yield* start(
        Stream.concat(Stream.make(token), Stream.never).pipe(Stream.ensuring(Effect.sync(() => closed++)))
      ).pipe(Effect.provide(evidence.layer))
      assert.strictEqual(evidence.readers.size, 1)
      yield* TestClock.adjust("3 seconds")
      yield* watched.interrupt
      assert.strictEqual(closed, 1)
      const last = lastOf(watched.verdicts, "Cancelled")
      assert.strictEqual(last.by, "downstream-gone")
      assert.strictEqual(last.circumstances.atMillis, 3000)
      assert.lengthOf(evidence.ended, 1)
      assert.strictEqual(evidence.readers.size, 0)
      const told = watched.verdicts.length
      yield* TestClock.adjust("1 hour")
      assert.lengthOf(watched.verdicts, told)
    }).pipe(Effect.provide(alone)))

  it.effect("a consumer that has enough is told as Cancelled", () =>
    Effect.gen(function*() {
      const evidence = recorder()
      const verdicts: Array<Verdict> = []
      yield* Stream.make(token, token, finish).pipe(
        Stream.rechunk(1),
        LivenessWatch.watch({
          run,
          inputsOf: ofTokenEvents,
          onVerdict: (verdict) => verdicts.push(verdict)
        }),
        Stream.take(1),
        Stream.runDrain,
        Effect.provide(evidence.layer)
      )
      assert.strictEqual(verdicts.at(-1)?._tag, "Cancelled")
      assert.lengthOf(evidence.ended, 1)
    }).pipe(Effect.provide(alone)))

  it.effect("passes an error on unchanged; a failure of this hop gets its verdict on the way", () =>
    Effect.gen(function*() {
      const failed = new Failed({ hop: "engine", reason: { _tag: "Malformed", detail: "{" }, tokens: 1 })
      const inner = new Failed({ hop: "purple", reason: { _tag: "Truncated" }, tokens: 1 })
      for (
        const [error, kind] of [
          [new Error("broken"), "connection-lost"],
          [failed, "malformed"],
          [inner, "agent-failed"],
          [stalled("engine-hung", { hop: "purple" }), "agent-failed"]
        ] as const
      ) {
        const evidence = recorder()
        const watched = yield* start(Stream.concat(Stream.make(token), Stream.fail(error))).pipe(
          Effect.provide(evidence.layer)
        )
        const last = lastOf(watched.verdicts, "Failed")
        assert.strictEqual(last.kind, kind)
        assert.strictEqual(last.tokens, 1)
        assert.deepStrictEqual(last.circumstances.run, run)
        const given = failureOf(watched.exit())
        if (error === failed) {
          assert.instanceOf(given, Failed)
          assert.deepStrictEqual({ ...given }, { ...failed, verdict: last })
        } else {
          assert.strictEqual(given, error)
        }
        assert.lengthOf(evidence.ended, 1)
      }
    }).pipe(Effect.provide(alone)))

  it.effect("does not blame the consumer for a defect of the upstream", () =>
    Effect.gen(function*() {
      const watched = yield* start(Stream.concat(Stream.make(token), Stream.die("a bug")))
      assert.deepStrictEqual(reasonsOf(watched.exit()).map(({ _tag }) => _tag), ["Die"])
      const { detail, kind } = lastOf(watched.verdicts, "Failed")
      assert.deepStrictEqual([kind, detail], ["connection-lost", "a bug"])
    }).pipe(Effect.provide(alone)))

  it.effect("is completed by the end after the finish, truncated by one without", () =>
    Effect.gen(function*() {
      const evidence = recorder()
      const whole = yield* start(timed([100, token], [100, finish])).pipe(Effect.provide(evidence.layer))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.isSuccess(whole.exit()!))
      assert.deepStrictEqual(whole.verdicts.at(-1), {
        _tag: "Completed",
        finishReason: "stop",
        closed: "eof",
        tokens: 1,
        degenerate: null
      })
      assert.lengthOf(evidence.ended, 1)
      const cut = yield* start(timed([100, token]))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.isSuccess(cut.exit()!))
      assert.strictEqual(lastOf(cut.verdicts, "Failed").kind, "truncated")
    }).pipe(Effect.provide(alone)))
})
