/** Nothing is left of a run, however it ends (20 in the model's list): on the operator, in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { runs } from "../support/propertyRuns.ts"
import { scraped, streamOf, Upstream, watched } from "./WatchedRuns.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Later than any run that ends by itself. */
const LAST_LEAVES_MILLIS = 200_000

const Run = Schema.Struct({
  upstream: Upstream,
  think: between(0, 10_000),
  policy: Schema.Literals(["warn", "enforce"]),
  /** The consumer is interrupted then, if it is still there. */
  leavesAtMillis: Schema.Union([between(0, 10_000), Schema.Literal(LAST_LEAVES_MILLIS)]),
  /** It has enough after so many elements. */
  takes: Schema.NullOr(between(0, 3)),
  /** How long its upstream takes to close. */
  closesMillis: between(0, 3000)
})
type Run = typeof Run.Type

/** What lives at the moment: fibers, and sleepers at the clock. */
interface Living {
  fibers: number
  sleepers: number
}

const countFibers = (living: Living): Metric.FiberRuntimeMetricsService => ({
  recordFiberStart: () => {
    living.fibers++
  },
  recordFiberEnd: () => {
    living.fibers--
  }
})

const countSleepers = (clock: Clock.Clock, living: Living): Clock.Clock => ({
  ...clock,
  sleep: (duration) =>
    Effect.suspend(() => {
      living.sleepers++
      return Effect.ensuring(clock.sleep(duration), Effect.sync(() => living.sleepers--))
    })
})

const runOf = (run: Run, ends: { opened: number; closed: number }) =>
  watched(
    streamOf(run.upstream).pipe(
      Stream.onStart(Effect.sync(() => ends.opened++)),
      // Counted at once: Effect itself may cut a finalizer short that waits, also without a watch.
      Stream.ensuring(Effect.andThen(Effect.sync(() => ends.closed++), Effect.sleep(run.closesMillis)))
    ),
    {
      thinks: [run.think],
      policy: run.policy,
      leavesAtMillis: run.leavesAtMillis,
      ...run.takes === null ? {} : { takes: run.takes }
    }
  )

describe("no leak", () => {
  it.effect.prop("20: after any runs no fiber, sleeper or reader is left, and what was opened is closed, once", [
    Schema.Array(Run).check(Schema.isMinLength(1), Schema.isMaxLength(3))
  ], ([all]) =>
    Effect.gen(function*() {
      const living = { fibers: 0, sleepers: 0 }
      const clock = countSleepers(yield* Clock.Clock, living)
      yield* Effect.gen(function*() {
        const before = { ...living }
        const ends = all.map(() => ({ opened: 0, closed: 0 }))
        const sources = yield* Effect.forEach(all, () => scraped("none", () => 0))
        for (const [index, run] of all.entries()) {
          yield* Effect.forkChild(
            Effect.provideService(runOf(run, ends[index]!), EngineEvidence, sources[index]!.evidence),
            { startImmediately: true }
          )
        }
        yield* TestClock.adjust(LAST_LEAVES_MILLIS + 10_000)
        assert.deepStrictEqual(living, before)
        for (const [index, { ended, readers }] of sources.entries()) {
          assert.strictEqual(readers.size, 0)
          const { closed, opened } = ends[index]!
          assert.strictEqual(closed, opened)
          assert.isAtMost(opened, 1)
          assert.lengthOf(ended, opened)
        }
      }).pipe(
        Effect.provide(Layer.fresh(Ticker.layer())),
        Effect.provideService(Clock.Clock, clock),
        Effect.provideService(Metric.FiberRuntimeMetrics, countFibers(living))
      )
    }).pipe(Effect.provide(Layer.fresh(TestClock.layer()))), runs)
})
