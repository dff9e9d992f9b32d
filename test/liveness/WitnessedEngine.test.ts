/** What an engine says for runs that are not seen at it, as it comes into their streams, in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import type { EngineSample } from "../../src/liveness/EngineSample.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import * as WitnessedEngine from "../../src/liveness/WitnessedEngine.ts"
import { failureOf, recorder } from "./watching.ts"
import { sample, scrape } from "./Worlds.ts"

/** An engine whose every scrape is told by the test. */
const engine = Effect.gen(function*() {
  const evidence = recorder({ binding: "unproven", longestStepMillis: 10 })
  const witnessed = WitnessedEngine.make({
    evidence: yield* Effect.provide(EngineEvidence, evidence.layer),
    ticker: yield* Ticker,
    endpoint: "http://engine/v1",
    model: () => "m"
  })
  let at = 0
  return {
    evidence,
    /** Lets five seconds pass and scrapes. */
    scraped: (outcome: Partial<EngineSample> | "refused", openStreams = 0) =>
      Effect.gen(function*() {
        yield* TestClock.adjust("5 seconds")
        at += 5000
        for (const reader of evidence.readers) {
          reader.tell(scrape(at, typeof outcome === "string" ? outcome : sample(outcome), { openStreams }))
        }
      }),
    watch: (run = { lastMillis: 0, pieces: 0, tokens: 0, phase: "awaiting" as const }) =>
      Effect.gen(function*() {
        const beats: Array<string> = []
        const fiber = yield* witnessed.watch({ attempt: 2, run: () => run }).pipe(
          Stream.runForEach((beat) => Effect.sync(() => beats.push(beat.engine))),
          Effect.forkChild({ startImmediately: true })
        )
        yield* Effect.yieldNow
        return { beats, fiber, run }
      })
  }
})

describe("WitnessedEngine", () => {
  it.effect("says every five seconds how the engine is, and asks for nothing more once it is left", () =>
    Effect.gen(function*() {
      const { evidence, scraped, watch } = yield* engine
      const { beats, fiber } = yield* watch()
      assert.isFalse([...evidence.readers][0]!.isSuspect())
      yield* scraped({ heartbeat: "1" })
      yield* scraped({ heartbeat: "2" })
      yield* scraped({ heartbeat: "3", running: 0 })
      yield* scraped({ heartbeat: "4" })
      assert.deepStrictEqual(beats, ["unknown", "moving", "moving", "unknown"])
      assert.isTrue([...evidence.readers][0]!.isSuspect())
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(evidence.readers.size, 0)
      // It was never one of those that the engine must hold.
      assert.strictEqual(evidence.begun, 0)
    }).pipe(Effect.provide(Ticker.layer())))

  it.effect("speaks for none of two runs of which one is not there", () =>
    Effect.gen(function*() {
      const { scraped, watch } = yield* engine
      const one = yield* watch()
      const other = yield* watch()
      yield* scraped({ heartbeat: "1", running: 1 })
      yield* scraped({ heartbeat: "2", running: 2 })
      yield* Fiber.interrupt(other.fiber)
      yield* scraped({ heartbeat: "3", running: 1 })
      yield* scraped({ heartbeat: "4", running: 1 })
      assert.deepStrictEqual(one.beats, ["unknown", "unknown", "moving", "moving"])
      assert.deepStrictEqual(other.beats, ["unknown", "unknown"])
    }).pipe(Effect.provide(Ticker.layer())))

  it.effect("ends a run of which nothing is seen while the engine stands still, with what proved it", () =>
    Effect.gen(function*() {
      const { scraped, watch } = yield* engine
      const { fiber } = yield* watch()
      for (let turn = 0; turn < 13; turn++) yield* scraped({ heartbeat: "still", running: 4 })
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      const exit = fiber.pollUnsafe()
      assert.isTrue(exit !== undefined && Exit.isFailure(exit))
      const error = failureOf(exit)
      assert.deepInclude(error, {
        _tag: "Stalled",
        hop: "engine",
        kind: "engine-hung",
        confidence: "proved",
        phase: "awaiting",
        tokens: 0,
        silentMillis: 66_000,
        cancel: "unconfirmed"
      })
      assert.match(
        String(error),
        /no token from the engine for 66 s \(limit 60 s\).*proved by the engine's metrics: its counters stand still/
      )
      const { circumstances } = error as { circumstances: { evidence: unknown; run: unknown } }
      assert.deepInclude(circumstances.evidence, { binding: "inherited", frozenMillis: 60_000 })
      assert.deepStrictEqual(circumstances.run, {
        hop: "engine",
        attempt: 2,
        endpoint: "http://engine/v1",
        model: "m"
      })
    }).pipe(Effect.provide(Ticker.layer())))

  it.effect("ends no run of which something is seen meanwhile", () =>
    Effect.gen(function*() {
      const { scraped, watch } = yield* engine
      const { fiber, run } = yield* watch()
      for (let turn = 0; turn < 40; turn++) {
        yield* scraped({ heartbeat: "still", running: 4 })
        run.lastMillis = 5000 * turn
      }
      assert.isUndefined(fiber.pollUnsafe())
    }).pipe(Effect.provide(Ticker.layer())))

  it.effect("ends a run whose engine refuses connections", () =>
    Effect.gen(function*() {
      const { scraped, watch } = yield* engine
      const { fiber } = yield* watch()
      yield* scraped({})
      yield* scraped("refused")
      yield* scraped("refused")
      yield* TestClock.adjust("1 second")
      assert.deepInclude(failureOf(fiber.pollUnsafe()), { kind: "engine-dead", cancel: "confirmed" })
    }).pipe(Effect.provide(Ticker.layer())))
})
