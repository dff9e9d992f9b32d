/** What scrapes and probes of one engine show: when it moved, whether it is gone, whether it is another. */
import { assert, describe, it } from "@effect/vitest"
import * as EngineRecord from "../../src/liveness/EngineRecord.ts"
import { type EngineSample, rise } from "../../src/liveness/EngineSample.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { sample } from "./Worlds.ts"

type Outcome = Parameters<typeof EngineRecord.scraped>[1]

describe("EngineRecord", () => {
  const scrapes = (...outcomes: ReadonlyArray<Outcome>) =>
    outcomes.reduce(
      (record, outcome, index) => EngineRecord.scraped(record, outcome, (index + 1) * 5000, (index + 1) * 5000 - 10),
      EngineRecord.empty()
    )
  const beat = (heartbeat: string, more = {}) => sample({ heartbeat, ...more })

  it("learns the longest standstill that ended by itself while requests were running", () => {
    assert.strictEqual(scrapes(beat("a"), beat("b"), beat("c")).longestStepMillis, 0)
    const slow = scrapes(beat("a"), beat("a"), beat("a"), beat("a"), beat("b"), beat("c"))
    assert.strictEqual(slow.longestStepMillis, 14_990)
    assert.strictEqual(scrapes(beat("a"), beat("a"), beat("a")).longestStepMillis, 0)
    const idle = { running: 0 }
    assert.strictEqual(scrapes(beat("a", idle), beat("a", idle), beat("a", idle), beat("b")).longestStepMillis, 0)
    const asleep = { asleep: true }
    assert.strictEqual(scrapes(beat("a"), beat("a"), beat("a"), beat("b", asleep)).longestStepMillis, 0)
    assert.strictEqual(scrapes(beat("a"), beat("a", asleep), beat("a", asleep), beat("b")).longestStepMillis, 0)
  })

  it("keeps the last three scrapes, and what fails says nothing", () => {
    const record = scrapes("failed", beat("a"), "failed", "refused")
    assert.deepStrictEqual(record.recent.map(({ outcome }) => outcome), ["ok", "failed", "refused"])
    assert.deepStrictEqual([record.movedMillis, record.asOfMillis, record.refusals], [10_000, 9990, 1])
    assert.strictEqual(scrapes("refused", "refused", beat("a")).refusals, 0)
    assert.strictEqual(scrapes("refused", "failed", "refused").refusals, 1)
  })

  it("knows when the engine moved, and when it decoded", () => {
    const record = scrapes(beat("a"), beat("b", { decodeOutputs: 1 }), beat("c", { decodeOutputs: 1 }), beat("c"))
    assert.deepStrictEqual([record.movedMillis, record.decodedMillis], [15_000, 10_000])
  })

  it("is decoding while its last movement brought outputs, which neither a first sight nor sleep does", () => {
    const decoding = (...beats: ReadonlyArray<readonly [heartbeat: string, decodeOutputs: number, asleep?: boolean]>) =>
      scrapes(...beats.map(([heartbeat, decodeOutputs, asleep]) => beat(heartbeat, { decodeOutputs, asleep }))).decoding
    assert.deepStrictEqual([decoding(["a", 7]), decoding(["a", 7], ["a", 7])], [false, false])
    assert.deepStrictEqual([decoding(["a", 7], ["b", 8]), decoding(["a", 7], ["b", 8], ["b", 8])], [true, true])
    assert.isFalse(decoding(["a", 7], ["b", 8], ["c", 8]))
    assert.isFalse(decoding(["a", 7], ["b", 8], ["b", 8, true], ["b", 8]))
  })

  it("learns nothing from a server that does not say whether requests run", () => {
    const mute = { running: null }
    assert.strictEqual(scrapes(beat("a", mute), beat("a", mute), beat("a", mute), beat("b")).longestStepMillis, 0)
  })

  it("counts refusals in a row, from the first scrape on and after each answer", () => {
    const isDead = (...outcomes: ReadonlyArray<Outcome>) => EngineRecord.isDead(scrapes(...outcomes), defaults)
    assert.deepStrictEqual([isDead("refused"), isDead("refused", "refused")], [false, true])
    assert.deepStrictEqual([isDead(beat("a"), "refused"), isDead(beat("a"), "refused", "refused")], [false, true])
    assert.deepStrictEqual(
      [isDead(beat("a"), beat("a"), "refused"), isDead(beat("a"), beat("a"), "refused", "refused")],
      [false, true]
    )
    const spoke = EngineRecord.spoke(scrapes("refused", "refused"))
    const refused = (record: EngineRecord.EngineRecord) => EngineRecord.scraped(record, "refused", 1, 1)
    assert.isFalse(EngineRecord.isDead(refused(spoke), defaults))
    assert.isTrue(EngineRecord.isDead(refused(refused(spoke)), defaults))
  })

  it("is dead while it says so of itself, until it says otherwise, moves or gives a token", () => {
    const probed = (record: EngineRecord.EngineRecord, ...probes: ReadonlyArray<readonly [number, number]>) =>
      probes.reduce((record, [at, status]) => EngineRecord.probed(record, status, at, defaults), record)
    const isDead = (record: EngineRecord.EngineRecord) => EngineRecord.isDead(record, defaults)
    const unhealthy = probed(scrapes(beat("a")), [6000, 503], [11_000, 503])
    assert.isTrue(isDead(unhealthy))
    assert.isFalse(isDead(probed(unhealthy, [12_000, 200])))
    assert.isFalse(isDead(EngineRecord.spoke(unhealthy)))
    const scraped = (heartbeat: string) => EngineRecord.scraped(unhealthy, beat(heartbeat), 12_000, 12_000)
    assert.deepStrictEqual([isDead(scraped("a")), isDead(scraped("b"))], [true, false])
    // A scrape that shows no movement does not begin the count anew.
    const still = EngineRecord.scraped(probed(scrapes(beat("a")), [6000, 503]), beat("a"), 8000, 8000)
    assert.isTrue(isDead(probed(still, [11_000, 503])))
  })

  it("is another process once several scrapes in a row show it", () => {
    const isRestarted = (restartScrapes: number, ...starts: ReadonlyArray<number>) =>
      EngineRecord.isRestarted(scrapes(...starts.map((startedAtSeconds) => sample({ startedAtSeconds }))), {
        ...defaults,
        restartScrapes
      })
    assert.deepStrictEqual([isRestarted(2, 10, 20), isRestarted(2, 10, 20, 20)], [false, true])
    assert.deepStrictEqual([isRestarted(3, 10, 20, 20), isRestarted(3, 10, 20, 20, 20)], [false, true])
  })

  it("is several servers once and for all: by starts that go back, counters that fall twice or come back", () => {
    const alternates = (...samples: ReadonlyArray<Partial<EngineSample>>) =>
      scrapes(...samples.map((more) => sample(more))).alternates
    const starts = (...all: ReadonlyArray<number | null>) =>
      alternates(...all.map((startedAtSeconds) => ({ startedAtSeconds })))
    const counts = (...all: ReadonlyArray<number>) =>
      alternates(...all.map((generationTokens) => ({ startedAtSeconds: null, generationTokens })))
    assert.deepStrictEqual([starts(10, 20), starts(20, 10), starts(20, 10, 10), starts(20, 10, 30)], [
      false,
      true,
      true,
      true
    ])
    assert.deepStrictEqual([counts(500, 5, 6), counts(500, 5, 4), counts(500, 5, 500), counts(500, 5, 6, 500)], [
      false,
      true,
      true,
      true
    ])
    // The same start with counters that fall is no process that ever was.
    assert.isTrue(alternates({ generationTokens: 500 }, { generationTokens: 5 }))
    assert.isFalse(alternates({ generationTokens: 5 }, { generationTokens: 500 }))
    // A start that is told only now and then says nothing.
    assert.deepStrictEqual([starts(10, null), starts(null, 10), starts(10, null, 10)], [false, false, false])
    assert.isUndefined(scrapes(sample({ startedAtSeconds: null }), sample({ startedAtSeconds: 10 })).change)
  })

  it("is another process if any counter falls that never falls in the life of one", () => {
    const counters = [
      "generationTokens",
      "promptTokens",
      "decodeOutputs",
      "firstTokens",
      "finished",
      "preemptions"
    ] as const
    for (const counter of counters) {
      const falls = scrapes(...[5, 4].map((count) => sample({ startedAtSeconds: null, [counter]: count })))
      assert.isDefined(falls.change, counter)
      const unknown = scrapes(...[5, null, 5].map((count) => sample({ startedAtSeconds: null, [counter]: count })))
      assert.isUndefined(unknown.change, counter)
    }
    for (const gauge of ["running", "waiting", "deferred", "kvCacheUsage", "decodeP99Millis"] as const) {
      const falls = scrapes(...[5, 4].map((count) => sample({ startedAtSeconds: null, [gauge]: count })))
      assert.isUndefined(falls.change, gauge)
    }
  })
})

describe("EngineSample", () => {
  it("rises by what is known of both, and by nothing where it fell", () => {
    assert.strictEqual(rise(3, 5), 2)
    for (const [before, after] of [[5, 3], [null, 5], [5, null], [undefined, 5], [5, undefined]] as const) {
      assert.strictEqual(rise(before, after), 0)
    }
  })
})
