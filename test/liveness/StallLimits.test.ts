/** What a stall says of itself, kind by kind: how sure, by whom, by which limit and where that comes from. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { step, verdictOf } from "../../src/liveness/LivenessStep.ts"
import { Verdict } from "../../src/liveness/Verdict.ts"
import { bound, every, type Inputs, LAST, moving, run, twenty } from "./Runs.ts"
import { frame, opened, sample, tick } from "./Worlds.ts"

const FAR = 1_300_000

/** What the stall says, once stored and read again. */
const stallOf = (...parts: ReadonlyArray<Inputs>) => {
  const { endedAt, verdict } = run(parts, FAR)
  const read = Schema.decodeUnknownSync(Verdict)(JSON.parse(JSON.stringify(Schema.encodeSync(Verdict)(verdict))))
  assert.deepStrictEqual(read, verdict)
  if (read._tag !== "Stalled") return [read._tag]
  const { circumstances: { decidedBy }, confidence, kind, limit } = read
  return [kind, confidence, decidedBy, `${limit.name} ${limit.millis} ${limit.origin}`, endedAt]
}

describe("a stall says of itself", () => {
  it("what evidence proved: the engine is gone, another one, or has lost the request", () => {
    assert.deepStrictEqual(stallOf([bound], twenty, every(5000, FAR, () => "refused")), [
      "engine-dead",
      "proved",
      "evidence",
      "dead 5000 floor",
      10_000
    ])
    const restarts = every(0, FAR, (turn) => sample(turn < 2 ? { heartbeat: `${turn}` } : { startedAtSeconds: 2000 }))
    assert.deepStrictEqual(stallOf([bound], twenty, restarts), [
      "engine-restarted",
      "proved",
      "evidence",
      "restarted 5000 floor",
      15_000
    ])
    assert.deepStrictEqual(stallOf([bound], twenty, every(0, FAR, moving({ running: 0 }))), [
      "orphaned",
      "proved",
      "evidence",
      "lost 5000 floor",
      15_000
    ])
    assert.deepStrictEqual(stallOf([bound], every(0, FAR, moving({ running: 0 }), { openStreams: 0 })), [
      "orphaned",
      "inferred",
      "evidence",
      "lost 180000 preparing",
      181_000
    ])
  })

  it("what evidence proved: the engine stands still, or decodes nothing, or defers for ever", () => {
    assert.deepStrictEqual(stallOf([bound], twenty, every(3000, FAR, () => sample())), [
      "engine-hung",
      "proved",
      "evidence",
      "frozen 60000 floor",
      63_000
    ])
    const still = every(3000, FAR, () => sample())
    assert.include(stallOf([opened({ binding: "proven", firstRun: true })], twenty, still), "frozen 180000 first-run")
    assert.include(
      stallOf([opened({ binding: "proven", longestStepMillis: 45_000 })], twenty, still),
      "frozen 90000 engine-steps"
    )
    const prefills = (each: number) =>
      every(0, FAR, (turn) => sample({ heartbeat: `${turn}`, firstTokens: Math.floor(turn / each) }))
    assert.deepStrictEqual(stallOf([bound], twenty, prefills(3)), [
      "decode-hung",
      "proved",
      "evidence",
      "frozen 60000 floor",
      65_000
    ])
    assert.deepStrictEqual(stallOf([bound], twenty, prefills(1000)), [
      "decode-hung",
      "inferred",
      "evidence",
      "undecoded 900000 default",
      905_000
    ])
    const deferred = every(0, FAR, moving({ running: 3, waiting: 1, deferred: 1 }), { openStreams: 3 })
    assert.deepStrictEqual(stallOf([bound], deferred), [
      "deferred-stuck",
      "proved",
      "evidence",
      "deferred 600000 default",
      605_000
    ])
  })

  it("what only a limit says: nobody vouches, or the agent has stopped", () => {
    assert.deepStrictEqual(stallOf([opened()], twenty), [
      "silent",
      "inferred",
      "limit",
      "silent 900000 not-learned",
      LAST + 901_000
    ])
    const learned = { gapMillis: 1, firstTokenMillis: 150_000 }
    assert.deepStrictEqual(stallOf([opened({ learned })]), [
      "silent",
      "inferred",
      "limit",
      "first-token 150000 learned",
      151_000
    ])
    assert.deepStrictEqual(stallOf([opened({ learned })], [frame(0), frame(100_000)]), [
      "silent",
      "inferred",
      "limit",
      "silent 900000 ceiling",
      1_001_000
    ])
    assert.deepStrictEqual(stallOf([opened({ heartbeatMillis: 4000 })], twenty), [
      "agent-silent",
      "inferred",
      "limit",
      "agent-heartbeat 27000 default",
      LAST + 28_000
    ])
  })

  it("how long its engine was seen to stand still: not at all, where the last token came after the last scrape", () => {
    const { state } = run([[bound], [frame(6000)], every(0, 5000, () => sample())], 7000)
    const verdict = verdictOf(step(state, { _tag: "Cancelled", at: 7000, by: "user" }))
    assert.strictEqual(verdict._tag === "Cancelled" ? verdict.circumstances.evidence.frozenMillis : undefined, 0)
  })

  it("a silence of its limit is none, one a millisecond longer is", () => {
    const learned = { gapMillis: null, firstTokenMillis: 150_000 }
    const silentAt = (at: number) => {
      const { state } = run([[opened({ learned })]], 149_000)
      return step(step(state, tick(at)), tick(at)).outcome?._tag
    }
    assert.deepStrictEqual([silentAt(150_000), silentAt(150_001)], [undefined, "Stalled"])
    const bound = (at: number) => {
      const { state } = run([[opened({ learned, binding: "proven" })]], 149_000)
      return step(step(state, tick(at)), tick(at)).outcome?._tag
    }
    assert.deepStrictEqual([bound(150_000), bound(150_001)], [undefined, "Stalled"])
  })

  it("nothing between the two looks: then it is slow by the suspect limit", () => {
    const { state } = run([[opened({ heartbeatMillis: 4000 })], twenty], LAST + 27_000)
    const condemned = step(state, tick(LAST + 28_000))
    assert.isTrue(condemned.condemned)
    assert.deepInclude(verdictOf(condemned), {
      _tag: "Slow",
      reason: "silent-unverified",
      limit: { name: "suspect", millis: 5000, origin: "floor", learning: null }
    })
  })
})

describe("an engine that stands still", () => {
  it("is not hung while all it holds waits for something outside, but ours may not wait there for ever", () => {
    const still = (more: Parameters<typeof sample>[0]) => every(0, FAR, () => sample(more), { openStreams: 0 })
    const kindOf = (...parts: ReadonlyArray<Inputs>) => stallOf(...parts).filter((_, index) => index % 4 === 0)
    const impatient = opened({ binding: "proven", learned: { gapMillis: 1, firstTokenMillis: 1 } })
    // Its evidence vouches for the run all that time, so no learned limit cuts it.
    assert.deepStrictEqual(kindOf([impatient], still({ running: 0, waiting: 1, deferred: 1 })), [
      "deferred-stuck",
      605_000
    ])
    assert.deepStrictEqual(kindOf([bound], still({ running: 1, waiting: 1, deferred: 1 })), ["engine-hung", 60_000])
    assert.deepStrictEqual(kindOf([bound], still({ running: 0, waiting: 2, deferred: 1 })), ["engine-hung", 60_000])
    assert.deepStrictEqual(kindOf([bound], still({ running: 0, waiting: 1, deferred: null })), ["engine-hung", 60_000])
    assert.deepStrictEqual(kindOf([bound], still({ running: 0, waiting: 1, deferred: 0 })), ["engine-hung", 60_000])
  })

  it("may still prepare a request without a token only if it says that it holds none, or does not say", () => {
    const still = (more: Parameters<typeof sample>[0]) => every(0, FAR, () => sample(more), { openStreams: null })
    assert.include(stallOf([bound], still({ running: null })), "frozen 180000 preparing")
    assert.include(stallOf([bound], still({ running: 0 })), "frozen 180000 preparing")
    assert.include(stallOf([bound], still({ running: 1 })), "frozen 60000 floor")
    assert.include(stallOf([bound], [frame(1)], still({ running: 0 })), "frozen 60000 floor")
  })

  it("at decoding is not hung before it was seen for so long", () => {
    const prefills = every(40_000, FAR, (turn) => sample({ heartbeat: `${turn}`, firstTokens: turn }))
    assert.deepStrictEqual(stallOf([bound], twenty, prefills).slice(-1), [100_000])
  })

  it("with a request of somebody else has lost ours, and is not idle", () => {
    const still = every(0, FAR, () => sample(), { openStreams: 2 })
    assert.deepStrictEqual(stallOf([bound], twenty, still).slice(0, 1), ["orphaned"])
  })
})
