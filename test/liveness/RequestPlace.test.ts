import { assert, describe, it } from "@effect/vitest"
import { type EngineSample, held } from "../../src/liveness/EngineSample.ts"
import * as RequestPlace from "../../src/liveness/RequestPlace.ts"
import { sample } from "./Worlds.ts"

/** The place after samples 5 s apart, the first of them before the last token at 1 s. */
const after = (expected: number, ...samples: ReadonlyArray<Partial<EngineSample>>) => {
  const [first, ...rest] = samples.map((more) => sample(more))
  let before = first!
  let place = RequestPlace.seen(before)
  for (const [index, next] of rest.entries()) {
    place = RequestPlace.observe(place, before, next, {
      askedMillis: (index + 1) * 5000,
      lastTokenMillis: 1000,
      expected,
      isMissing: true
    })
    before = next
  }
  return place
}

const gone = { running: 0 }

describe("RequestPlace", () => {
  it("counts scrapes in a row with fewer requests than we have, but not asleep, nor asked for before the token", () => {
    assert.strictEqual(after(1, {}, gone, gone).lost, 2)
    assert.strictEqual(after(1, {}, gone, {}, gone).lost, 1)
    assert.strictEqual(after(1, {}, {}, {}).lost, 0)
    assert.strictEqual(after(1, {}, { ...gone, asleep: true }, { ...gone, asleep: true }).lost, 0)
    assert.strictEqual(after(1, {}, { running: null }, { ...gone, waiting: null }).lost, 0)
    const early = { askedMillis: 999, lastTokenMillis: 1000, expected: 1, isMissing: true }
    const place = RequestPlace.seen(sample())
    assert.strictEqual(RequestPlace.observe(place, sample(), sample(gone), early), place)
    assert.strictEqual(RequestPlace.observe(place, sample(), sample(gone), { ...early, askedMillis: 1000 }).lost, 1)
    // Another one it is that is gone.
    const other = { ...early, askedMillis: 1000, isMissing: false }
    assert.strictEqual(RequestPlace.observe({ ...place, lost: 2 }, sample(), sample(gone), other).lost, 0)
  })

  it("tells whether the engine moved while the request was lost", () => {
    const beats = (...heartbeats: ReadonlyArray<string>) =>
      after(1, {}, ...heartbeats.map((heartbeat) => ({ ...gone, heartbeat }))).lostWhileMoving
    assert.isFalse(beats("a", "a", "a"))
    assert.isTrue(beats("a", "b", "b"))
    assert.isTrue(beats("a", "a", "b"))
  })

  it("knows since when one of ours must be deferred", () => {
    const deferred = { running: 1, waiting: 1, deferred: 1 }
    assert.strictEqual(after(2, {}, deferred, deferred).deferredSinceMillis, 5000)
    assert.isUndefined(after(1, {}, deferred, deferred).deferredSinceMillis)
    assert.isUndefined(after(2, {}, deferred, { running: 2 }).deferredSinceMillis)
    assert.isUndefined(after(2, {}, { ...deferred, deferred: 0 }).deferredSinceMillis)
    assert.isUndefined(after(3, {}, { ...deferred, deferred: 0 }).deferredSinceMillis)
    assert.isUndefined(after(2, {}, { ...deferred, deferred: null }).deferredSinceMillis)
    assert.isUndefined(after(2, {}, { ...deferred, asleep: true }).deferredSinceMillis)
  })

  it("takes a request for one that may have been put back by any sign of it, from before its last token on", () => {
    assert.isFalse(after(1, {}, {}, {}).maybePutBack)
    assert.isTrue(after(1, {}, { waiting: 1 }, {}).maybePutBack)
    assert.isTrue(after(1, { waiting: 1 }, {}).maybePutBack)
    assert.isTrue(after(1, {}, { waiting: null }, {}).maybePutBack)
    assert.isTrue(after(1, { preemptions: 3 }, { preemptions: 4 }).maybePutBack)
    assert.isFalse(after(1, { preemptions: 3 }, { preemptions: 3 }).maybePutBack)
    // Nothing was seen before the token.
    const context = { askedMillis: 5000, lastTokenMillis: 1000, expected: 1, isMissing: true }
    assert.isFalse(RequestPlace.observe(RequestPlace.seen(undefined), sample(), sample(), context).maybePutBack)
  })

  it("counts intervals with a first token, no end and no second one, since anybody decoded", () => {
    assert.strictEqual(after(1, {}, { firstTokens: 1 }, { firstTokens: 2 }, { firstTokens: 2 }).undecoded, 2)
    assert.strictEqual(after(1, {}, { firstTokens: 1, finished: 1 }).undecoded, 0)
    assert.strictEqual(after(1, {}, { firstTokens: 2, finished: 1 }).undecoded, 1)
    const decoded = { firstTokens: 1, decodeOutputs: 1 }
    assert.strictEqual(after(1, {}, { firstTokens: 1 }, decoded, decoded).undecoded, 0)
    assert.strictEqual(after(1, {}, { firstTokens: 1, decodeOutputs: null }).undecoded, 0)
  })

  it("does not know what a server holds that does not say", () => {
    assert.deepStrictEqual(
      [held(sample({ waiting: 2 })), held(sample({ waiting: null })), held(sample({ running: null }))],
      [3, undefined, undefined]
    )
  })
})
