/** What heartbeats of an agent do to a run, number by number. */
import { assert, describe, it } from "@effect/vitest"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { engineDigestOf, step, verdictOf } from "../../src/liveness/LivenessStep.ts"
import { type Inputs, LAST, run, twenty } from "./Runs.ts"
import { frame, opened, tick } from "./Worlds.ts"

const purple = (more: Partial<Input.Opened> = {}) =>
  opened({ run: { hop: "purple", attempt: 1, endpoint: "http://purple", model: "m" }, ...more })

const beat = (at: number, more: Partial<Input.Heartbeat> = {}): Input.Heartbeat => ({
  _tag: "Heartbeat",
  at,
  phase: "decoding",
  tokens: 0,
  tokenAgeMillis: 0,
  engine: "unknown",
  ...more
})

const saidAt = (to: number, ...parts: ReadonlyArray<Inputs>) => {
  const { verdict } = run(parts, to)
  return verdict._tag === "Alive" || verdict._tag === "Slow"
    ? [verdict.tokens, verdict.silentMillis]
    : assert.fail(verdict._tag)
}

describe("an agent that promised heartbeats and has sent none", () => {
  const promised = purple({ heartbeatMillis: 4000 })

  it("has given no token, is silent since the beginning and cannot vouch", () => {
    assert.deepStrictEqual(saidAt(4000, [promised]), [0, 4000])
    assert.strictEqual(engineDigestOf(run([[promised]], 3000).state), "unknown")
    const rarely = purple({ heartbeatMillis: 100_000, learned: { gapMillis: null, firstTokenMillis: 130_000 } })
    assert.deepInclude(run([[rarely]], 50_000).verdict, { _tag: "Slow", reason: "silent-unverified" })
    assert.deepInclude(run([[rarely]], 200_000).verdict, { _tag: "Stalled", kind: "silent" })
  })

  it("is missing a millisecond after its limit", () => {
    const { state } = run([[promised]], 26_000)
    const looked = (at: number) => step(step(state, tick(at)), tick(at)).outcome?._tag
    assert.deepStrictEqual([looked(27_000), looked(27_001)], [undefined, "Stalled"])
  })
})

describe("an agent that promised heartbeats and cannot vouch", () => {
  it("is silent a millisecond after the limit for the first token", () => {
    const learned = { gapMillis: null, firstTokenMillis: 130_000 }
    const { state } = run([[purple({ heartbeatMillis: 100_000, learned })]], 144_000)
    const looked = (at: number) => step(step(state, tick(at)), tick(at)).outcome?._tag
    assert.deepStrictEqual([looked(145_000), looked(145_001)], [undefined, "Stalled"])
  })
})

describe("a heartbeat", () => {
  it("counts only whole tokens", () => {
    for (const tokens of [Number.NaN, 20.5, Infinity, -7]) {
      assert.deepStrictEqual(saidAt(6000, [purple()], [beat(5000, { tokens })]), [0, 6000])
      assert.deepStrictEqual(saidAt(6000, [purple()], twenty, [beat(5000, { tokens })]), [20, 4000])
    }
    assert.deepStrictEqual(saidAt(6000, [purple()], [beat(5000, { tokens: 1 })]), [1, 1000])
    assert.deepStrictEqual(saidAt(6000, [purple()], [beat(5000)]), [0, 6000])
  })

  it("never takes tokens back, and a lower count is no life", () => {
    const beats = [beat(3000, { tokens: 100 }), beat(5000, { tokens: 60 }), beat(5500, { tokens: 90 })]
    assert.deepStrictEqual(saidAt(6000, [purple()], twenty, beats), [100, 3000])
  })

  it("says how old its last token is, if it says a number, and no older than the run", () => {
    const aged = (tokenAgeMillis: number) => saidAt(6000, [purple()], [beat(5000, { tokens: 1, tokenAgeMillis })])
    assert.deepStrictEqual(aged(0), [1, 1000])
    assert.deepStrictEqual(aged(300), [1, 1300])
    assert.deepStrictEqual(aged(1e9), [1, 6000])
    assert.deepStrictEqual(aged(Number.NaN), [1, 1000])
    assert.deepStrictEqual(aged(Infinity), [1, 1000])
    assert.deepStrictEqual(aged(-500), [1, 1000])
  })

  it("after the finish reason still counts tokens, and moves no phase", () => {
    const { state } = run([[purple()], twenty, [frame(2500, { finishReason: "stop" })]], 3000)
    const told = step(state, beat(3500, { tokens: 25, phase: "decoding" }))
    assert.strictEqual(told.phase, "finishing")
    const completed = verdictOf(step(told, tick(9000)))
    assert.deepInclude(completed, { _tag: "Completed", finishReason: "stop", tokens: 25 })
  })

  it("promises the next one, as often as it says or as was said before", () => {
    const missedAt = (...beats: Inputs) => run([[purple({ heartbeatMillis: 4000 })], beats], 200_000).endedAt
    assert.strictEqual(missedAt(beat(5000)), 5000 + 27_000 + 1000)
    assert.strictEqual(missedAt(beat(5000, { intervalMillis: 20_000 })), 5000 + 75_000 + 1000)
    assert.strictEqual(missedAt(beat(5000, { intervalMillis: 20_000 }), beat(6000)), 6000 + 75_000 + 1000)
    assert.strictEqual(run([[purple()], [beat(5000)]], 200_000).endedAt, 5000 + 30_000 + 1000)
  })

  it("leaves a run that only has a finish reason alive", () => {
    const { state } = run([[purple()], twenty], LAST + 7000)
    assert.strictEqual(verdictOf(state)._tag, "Slow")
    const finished = step(state, frame(LAST + 7500, { tokens: 0, text: false, channel: null, finishReason: "stop" }))
    assert.deepInclude(verdictOf(finished), { _tag: "Alive", phase: "finishing" })
  })
})
