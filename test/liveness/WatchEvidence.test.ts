/** The watch and its evidence: what a run tells it, what it believes, and who else asks. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import { Signal } from "../../src/token/TokenEvent.ts"
import { accepted, alone, finish, lastOf, recorder, run, stalledOf, start, timed, token } from "./watching.ts"
import { sample } from "./Worlds.ts"

describe("LivenessWatch, with evidence", () => {
  it.effect("tells the evidence once that the run has begun, with the first token", () =>
    Effect.gen(function*() {
      const evidence = recorder()
      const watched = yield* start(
        timed([100, Signal.make({ signal: "accepted" })], [100, "comment"], [800, token], [1000, token], [1000, finish])
      ).pipe(Effect.provide(evidence.layer))
      yield* TestClock.adjust(900)
      assert.strictEqual(evidence.begun, 0)
      yield* TestClock.adjust(100)
      assert.strictEqual(evidence.begun, 1)
      assert.lengthOf(evidence.ended, 0)
      yield* TestClock.adjust("10 seconds")
      assert.isTrue(Exit.isSuccess(watched.exit()!))
      assert.strictEqual(evidence.begun, 1)
      assert.deepStrictEqual(evidence.ended, [{ binding: "unproven", longestStepMillis: 0 }])
    }).pipe(Effect.provide(alone)))

  it.effect("tells the evidence of its end with the finish, whatever the connection does", () =>
    Effect.gen(function*() {
      const evidence = recorder()
      const stream = Stream.concat(timed([100, token], [100, finish]), Stream.never)
      const watched = yield* start(stream).pipe(Effect.provide(evidence.layer))
      yield* TestClock.adjust(150)
      assert.lengthOf(evidence.ended, 0)
      yield* TestClock.adjust(100)
      assert.lengthOf(evidence.ended, 1)
      assert.isUndefined(watched.exit())
      yield* watched.interrupt
      assert.lengthOf(evidence.ended, 1)
      // Who leaves then has a complete answer.
      assert.strictEqual(watched.verdicts.at(-1)?._tag, "Completed")
    }).pipe(Effect.provide(alone)))

  it.effect("tells the evidence of its end once when it was stalled", () =>
    Effect.gen(function*() {
      const evidence = recorder()
      const watched = yield* start(accepted(Effect.never)).pipe(Effect.provide(evidence.layer))
      yield* TestClock.adjust("1 minute")
      stalledOf(watched.exit())
      assert.lengthOf(evidence.ended, 1)
      assert.strictEqual(evidence.begun, 0)
      assert.strictEqual(evidence.readers.size, 0)
    }).pipe(Effect.provide(alone)))

  it.effect("begins with what is known of the endpoint and hands back what it found", () =>
    Effect.gen(function*() {
      const evidence = recorder({ binding: "proven", longestStepMillis: 1234 })
      const watched = yield* start(Stream.never).pipe(Effect.provide(evidence.layer))
      assert.isFalse([...evidence.readers][0]!.isSuspect())
      yield* TestClock.adjust("7 seconds")
      assert.isTrue([...evidence.readers][0]!.isSuspect())
      yield* watched.interrupt
      assert.deepStrictEqual(evidence.ended, [{ binding: "inherited", longestStepMillis: 1234 }])
    }).pipe(Effect.provide(alone)))

  it.effect("says when its last token came, and nothing else is one", () =>
    Effect.gen(function*() {
      const evidence = recorder()
      const signal = Signal.make({ signal: "keep-alive" })
      const watched = yield* start(Stream.concat(
        Stream.fromEffect(Effect.delay(Effect.succeed(token), "3 seconds")),
        Stream.concat(Stream.fromEffect(Effect.delay(Effect.succeed(signal), "2 seconds")), Stream.never)
      )).pipe(Effect.provide(evidence.layer))
      const lastTokenAt = () => [...evidence.readers][0]!.lastTokenAt?.()
      assert.strictEqual(lastTokenAt(), -Infinity)
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(lastTokenAt(), 3000)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(lastTokenAt(), 3000)
      yield* watched.interrupt
    }).pipe(Effect.provide(alone)))

  it.effect("believes the evidence: a moving engine vouches for a silent run, a gone one ends it", () =>
    Effect.gen(function*() {
      const evidence = recorder({ binding: "proven", longestStepMillis: 0 })
      const watched = yield* start(Stream.concat(Stream.make(token), Stream.never)).pipe(Effect.provide(evidence.layer))
      const clock = yield* Clock.Clock
      const tell = (outcome: ReturnType<typeof sample> | "refused") => {
        const at = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
        for (const reader of evidence.readers) {
          reader.tell({ _tag: "Scrape", at, askedAt: at, outcome, openStreams: 1, modelServed: null })
        }
      }
      for (let turn = 0; turn < 60; turn++) {
        tell(sample({ heartbeat: `${turn}`, running: 1, decodeOutputs: turn }))
        yield* TestClock.adjust("5 seconds")
      }
      assert.isUndefined(watched.exit())
      tell("refused")
      tell("refused")
      yield* TestClock.adjust("2 seconds")
      const stalled = stalledOf(watched.exit())
      assert.deepStrictEqual([stalled.kind, stalled.confidence], ["engine-dead", "proved"])
    }).pipe(Effect.provide(alone)))

  it.effect("knows which run it is also where the evidence speaks at once", () =>
    Effect.gen(function*() {
      const eager = Layer.succeed(EngineEvidence, {
        running: Effect.succeed(null),
        learn: () => Effect.void,
        follow: (reader) =>
          Effect.sync(() => {
            reader.tell({ _tag: "Scrape", at: 0, askedAt: 0, outcome: "failed", openStreams: 0, modelServed: null })
            return {
              known: { binding: "proven", longestStepMillis: 9 },
              begun: () => {},
              ended: () => {},
              dropped: Effect.never
            }
          })
      })
      const watched = yield* start(Stream.never).pipe(Effect.provide(eager))
      yield* watched.interrupt
      const last = lastOf(watched.verdicts, "Cancelled")
      assert.deepStrictEqual(last.circumstances.run, run)
      assert.strictEqual(last.circumstances.evidence.binding, "inherited")
    }).pipe(Effect.provide(alone)))

  it.effect("needs one timer for a hundred runs", () =>
    Effect.gen(function*() {
      const testClock = yield* Clock.Clock
      let sleeping = 0
      let most = 0
      const clock: Clock.Clock = {
        ...testClock,
        sleep: (duration) =>
          Effect.suspend(() => {
            most = Math.max(most, ++sleeping)
            return Effect.ensuring(testClock.sleep(duration), Effect.sync(() => sleeping--))
          })
      }
      yield* Effect.gen(function*() {
        const all = yield* Effect.forEach(Array.from({ length: 100 }), () =>
          start(Stream.concat(Stream.make(token), Stream.never)))
        yield* TestClock.adjust("7 seconds")
        assert.strictEqual(most, 1)
        assert.strictEqual(sleeping, 1)
        for (const { verdicts } of all) {
          lastOf(verdicts, "Slow")
        }
        yield* TestClock.adjust("10 seconds")
        for (const { exit } of all) {
          stalledOf(exit())
        }
        assert.strictEqual(sleeping, 0)
      }).pipe(Effect.provide(alone), Effect.provideService(Clock.Clock, clock))
    }))
})
