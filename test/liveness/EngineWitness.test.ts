/** What metrics say for a run that is not seen at its engine: when they speak for it, when against it, and when not at all. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { EngineSample } from "../../src/liveness/EngineSample.ts"
import * as EngineWitness from "../../src/liveness/EngineWitness.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { runs } from "../support/propertyRuns.ts"
import { sample, scrape } from "./Worlds.ts"

const silent: EngineWitness.WitnessedRun = { lastMillis: 0, pieces: 0 }

type Reading = Partial<EngineSample> | "refused" | "failed"

/** The witness after a scrape every five seconds, with the pieces of the answer that had come by then. */
const after = (
  readings: ReadonlyArray<Reading>,
  { longest = 0, openStreams = 0, pieces = [] as ReadonlyArray<number>, took = 0 } = {}
) => {
  let witness = EngineWitness.initial(longest)
  for (const [index, reading] of readings.entries()) {
    const outcome = typeof reading === "string" ? reading : sample(reading)
    const run = { lastMillis: 0, pieces: pieces[index] ?? 0 }
    const at = 5000 * (index + 1)
    witness = EngineWitness.scraped(witness, scrape(at, outcome, { openStreams, askedAt: at - took }), run, defaults)
  }
  return { witness, now: 5000 * readings.length }
}

const digest = (readings: ReadonlyArray<Reading>, more: Parameters<typeof after>[1] = {}, unseen = 1, later = 0) => {
  const { now, witness } = after(readings, more)
  return EngineWitness.digestOf(witness, now + later, unseen, defaults)
}

const stall = (readings: ReadonlyArray<Reading>, run = silent, more: Parameters<typeof after>[1] = {}) => {
  const { now, witness } = after(readings, more)
  return EngineWitness.stallOf(witness, now, run, defaults)
}

/** So many scrapes of an engine that moves, or that does not. */
const moving = (count: number, more: Partial<EngineSample> = {}) =>
  Array.from({ length: count }, (_, index) => ({ heartbeat: String(index), ...more }))
const still = (count: number, more: Partial<EngineSample> = {}) => Array.from({ length: count }, () => more)

describe("EngineWitness", () => {
  it("speaks for all its runs while the engine moves and holds enough requests for them", () => {
    assert.strictEqual(digest(moving(3, { running: 1 })), "moving")
    assert.strictEqual(digest(moving(3, { running: 1, waiting: 2 }), {}, 3), "moving")
    assert.strictEqual(digest(moving(3, { running: 2 }), { openStreams: 1 }), "moving")
  })

  it("speaks for none of them where one is not there, or that is not told, or nothing is held", () => {
    assert.strictEqual(digest(moving(3, { running: 1, waiting: 1 }), {}, 3), "unknown")
    assert.strictEqual(digest(moving(3, { running: 1 }), { openStreams: 1 }), "unknown")
    assert.strictEqual(digest(moving(3, { running: 0 })), "unknown")
    assert.strictEqual(digest(moving(3, { running: null })), "unknown")
    assert.strictEqual(digest([]), "unknown")
  })

  it("does not speak of an engine that was not seen for a while", () => {
    assert.strictEqual(digest(moving(3), {}, 1, 20_000), "moving")
    assert.strictEqual(digest(moving(3), {}, 1, 20_001), "unknown")
  })

  it("says that it sleeps, or that it is gone", () => {
    assert.strictEqual(digest(moving(3, { asleep: true })), "asleep")
    assert.strictEqual(digest([{}, "refused"]), "moving")
    assert.strictEqual(digest([{}, "refused", "refused"]), "gone")
    assert.strictEqual(digest([{}, "failed", "failed"]), "moving")
  })

  it("ends a run whose engine holds requests and stands still for the frozen limit", () => {
    // First seen at 5 s; asked for at 65 s it has stood still for a minute.
    assert.isUndefined(stall(still(12)))
    assert.deepInclude(stall(still(13)), { kind: "engine-hung" })
    assert.strictEqual(stall(still(13))?.limit.millis, 60_000)
    assert.strictEqual(digest(still(13)), "frozen")
  })

  it("waits for longer where the engine has had longer steps while it was well", () => {
    assert.isUndefined(stall(still(16), silent, { longest: 40_000 }))
    assert.deepInclude(stall(still(17), silent, { longest: 40_000 }), { kind: "engine-hung" })
  })

  it("ends no run that has shown something since, nor one whose engine holds nothing or only waits", () => {
    assert.isUndefined(stall(still(20), { lastMillis: 41_000, pieces: 0 }))
    assert.isDefined(stall(still(20), { lastMillis: 40_000, pieces: 0 }))
    // Only what was asked for later can show a standstill that long.
    const { now, witness } = after(still(14))
    assert.isUndefined(EngineWitness.stallOf(witness, now + 15_000, { lastMillis: 12_000, pieces: 0 }, defaults))
    assert.isUndefined(stall(still(100, { running: 0 })))
    assert.isUndefined(stall(still(100, { running: 0, waiting: 2, deferred: 2 })))
    assert.isUndefined(stall(still(100, { asleep: true })))
    assert.isUndefined(stall(still(100, { running: null })))
  })

  it("ends a run whose engine is gone, once it is suspect itself", () => {
    assert.deepInclude(stall([{}, "refused", "refused"]), { kind: "engine-dead" })
    assert.isUndefined(stall([{}, "refused", "refused"], { lastMillis: 12_000, pieces: 0 }))
    assert.isUndefined(stall([{}, "refused"]))
  })

  it("concludes nothing of an engine that did not move while the answer came", () => {
    const pieces = [0, 20, 40, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60]
    assert.isUndefined(stall(still(18, { generationTokens: 7 }), silent, { pieces }))
    assert.strictEqual(digest(still(18, { generationTokens: 7 }), { pieces }), "unknown")
    const generating = moving(18).map((reading, index) => ({ ...reading, generationTokens: 100 * index }))
    assert.strictEqual(digest(generating, { pieces }), "moving")
  })

  it("takes nothing amiss that came before, slowly, or while the engine was started anew", () => {
    const early = Array.from({ length: 18 }, () => 60)
    assert.isDefined(stall(still(18, { generationTokens: 7 }), silent, { pieces: early }))
    const pieces = early.map((_, index) => 20 * index)
    const quiet = moving(18, { generationTokens: 7 })
    assert.strictEqual(digest(quiet, { pieces, took: 1001 }), "moving")
    assert.strictEqual(digest(quiet, { pieces, took: 1000 }), "unknown")
    const restarted = moving(6).map((reading, index) => ({
      ...reading,
      generationTokens: index < 3 ? 1000 * index : 10 * index,
      startedAtSeconds: index < 3 ? 1000 : 1100
    }))
    assert.strictEqual(digest(restarted, { pieces }), "moving")
  })

  it("concludes nothing where several servers answer", () => {
    const alternating = moving(8).map((reading, index) => ({
      ...reading,
      startedAtSeconds: index % 2 === 0 ? 1000 : 900
    }))
    assert.strictEqual(digest(alternating), "unknown")
  })

  const readings = Schema.Array(Schema.Union([
    Schema.Struct({
      heartbeat: Schema.Literals(["a", "b"]),
      running: Schema.NullOr(Schema.Literals([0, 1, 3])),
      waiting: Schema.Literals([0, 2]),
      generationTokens: Schema.NullOr(Schema.Literals([0, 10]))
    }),
    Schema.Literals(["refused", "failed"])
  ]))

  it.prop("never ends a run that has just shown something, whatever was scraped", [readings], ([all]) => {
    const { now, witness } = after(all)
    assert.isUndefined(EngineWitness.stallOf(witness, now, { lastMillis: now, pieces: 3 }, defaults))
  }, runs)

  it.prop("never proves an engine hung that moved, or held nothing, within a minute", [readings], ([all]) => {
    const { now, witness } = after(all)
    const found = EngineWitness.stallOf(witness, now, silent, defaults)
    if (found?.kind !== "engine-hung") return
    const seen = all.map((reading, index) => ({ reading, at: 5000 * (index + 1) }))
      .filter(({ at, reading }) => typeof reading !== "string" && at > now - 60_000)
    const beats = new Set(seen.map(({ reading }) => typeof reading === "string" ? "" : reading.heartbeat))
    assert.isAtMost(beats.size, 1)
    const last = seen.at(-1)?.reading
    assert.isTrue(typeof last === "object" && (last.running ?? 0) + last.waiting > 0)
  }, runs)
})
