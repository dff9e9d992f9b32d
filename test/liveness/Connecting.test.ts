/** Requests that no server takes, and runs that outlive what their user grants them. */
import { assert, describe, it } from "@effect/vitest"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { step, verdictOf } from "../../src/liveness/LivenessStep.ts"
import { every, type Inputs, LAST, merged, moving, run, ticks, twenty } from "./Runs.ts"
import { frame, opened, play, sample, tick } from "./Worlds.ts"

const LIMIT = defaults.headersMillis

/** A run without headers. */
const unanswered = (to: number, ...parts: ReadonlyArray<Inputs>) => play(merged(...parts, ticks(0, to)))
const failure = (...parts: ReadonlyArray<Inputs>) => {
  const { endedAt, verdict } = unanswered(LIMIT + 1_000_000, ...parts)
  return verdict._tag === "Failed"
    ? [verdict.kind, verdict.circumstances.decidedBy, verdict.detail, verdict.silentMillis === endedAt, endedAt]
    : [verdict._tag, "kind" in verdict ? verdict.kind : "", endedAt]
}
const purple = (more: Partial<Input.Opened> = {}) =>
  opened({ run: { hop: "purple", attempt: 1, endpoint: "", model: "" }, ...more })

describe("a request that no server takes", () => {
  const detail = (millis: number) => `no answer to the request within ${millis / 1000} s`

  it("has failed to connect after its limit, which is longer further out", () => {
    assert.deepStrictEqual(failure([opened()]), ["connect-timeout", "limit", detail(LIMIT), true, LIMIT + 1000])
    assert.deepStrictEqual(failure([purple()]), [
      "connect-timeout",
      "limit",
      detail(LIMIT + 15_000),
      true,
      LIMIT + 16_000
    ])
  })

  it("has not at its limit, but a millisecond later", () => {
    const { state } = unanswered(LIMIT - 1000, [opened()])
    const looked = (at: number) => step(step(state, tick(at)), tick(at)).outcome?._tag
    assert.deepStrictEqual([looked(LIMIT), looked(LIMIT + 1)], [undefined, "Failed"])
  })

  it("is waited for like any other once a server has taken it", () => {
    const { verdict } = unanswered(LIMIT + 100_000, [opened(), { _tag: "Headers", at: 1000 }])
    assert.strictEqual(verdict._tag, "Slow")
  })

  it("was not lost by an engine that never had it, and an agent that is silent never took it", () => {
    const idle = every(0, LIMIT, () => sample({ running: 0 }), { openStreams: 0 })
    const other = every(0, LIMIT, moving({ running: 0 }), { openStreams: 0 })
    const bound = opened({ binding: "proven" })
    assert.deepStrictEqual(failure([bound], idle).slice(0, 2), ["connect-timeout", "evidence"])
    assert.deepStrictEqual(failure([bound], other).slice(0, 2), ["connect-timeout", "evidence"])
    assert.deepStrictEqual(failure([purple({ heartbeatMillis: 4000 })]).slice(0, 2), ["connect-timeout", "limit"])
    const hung = every(0, LIMIT, () => sample(), { openStreams: 0 })
    assert.deepStrictEqual(failure([bound], hung).slice(0, 2), ["Stalled", "engine-hung"])
  })
})

describe("a run with a budget", () => {
  const budget = opened({ budgetMillis: 10_000 })

  it("is cancelled when that is used up, and says what it was slow with", () => {
    const { state } = run([[budget], twenty], 9000)
    assert.isUndefined(step(state, tick(9999)).outcome)
    const verdict = verdictOf(step(state, tick(10_000)))
    assert.deepInclude(verdict, {
      _tag: "Cancelled",
      by: "budget",
      slow: "silent-unverified",
      silentMillis: 10_000 - LAST
    })
    const quick = run([[budget], Array.from({ length: 100 }, (_, index) => frame(index * 100))], 10_000).verdict
    assert.deepInclude(quick, { _tag: "Cancelled", by: "budget", slow: null, silentMillis: 100 })
  })

  it("is complete within it once it has finished", () => {
    const late = [frame(9900, { finishReason: "stop" })]
    assert.deepInclude(run([[budget], twenty, late], 20_000).verdict, { _tag: "Completed", closed: "grace" })
  })
})

describe("what has begun", () => {
  const limitOf = (...parts: ReadonlyArray<Inputs>) => {
    const { state } = run(parts, 6000)
    const verdict = verdictOf(step(state, { _tag: "Cancelled", at: 6000, by: "user" }))
    return verdict._tag === "Cancelled" ? verdict.circumstances.limits[2]?.name : verdict._tag
  }
  const line = frame(100, { tokens: 0, channel: "work" })

  it("is an answer with text, or with a token where an agent counts them", () => {
    assert.strictEqual(limitOf([opened()]), "first-token")
    assert.strictEqual(limitOf([opened()], [frame(100, { tokens: 0 })]), "silent")
    assert.strictEqual(limitOf([purple({ heartbeatMillis: 4000 })], [line]), "first-token")
    assert.strictEqual(limitOf([purple({ heartbeatMillis: 4000 })], [line, frame(200)]), "silent")
    assert.strictEqual(run([[purple()], [line]], 1000).state.phase, "agent-work")
  })
})

describe("a request that waits for its first token", () => {
  const reasonOf = (...parts: ReadonlyArray<Inputs>) => {
    const { verdict } = run([[opened({ binding: "proven" })], ...parts], 42_000)
    return verdict._tag === "Slow" ? verdict.reason : verdict._tag
  }

  it("is decoded unseen if it is all that the engine runs and the engine decodes", () => {
    const at = (more: (turn: number) => Parameters<typeof sample>[0]) =>
      every(0, 40_000, (turn) => sample({ heartbeat: `${turn}`, ...more(turn) }), { openStreams: 0 })
    assert.strictEqual(reasonOf(at((turn) => ({ decodeOutputs: turn }))), "silent-decoding")
    assert.strictEqual(reasonOf(at((turn) => ({ decodeOutputs: turn, running: 2 }))), "prefill")
    assert.strictEqual(reasonOf(at((turn) => ({ decodeOutputs: turn, waiting: 1 }))), "queued")
    // It moves without an output.
    assert.strictEqual(reasonOf(at((turn) => ({ decodeOutputs: Math.min(turn, 7) }))), "prefill")
    // Of two of ours it holds one, which then is the other.
    const other = every(0, 40_000, moving(), { openStreams: 1 })
    assert.strictEqual(reasonOf(other), "prefill")
  })

  it("is not decoded by an engine that has only been seen to stand still, whatever it did before", () => {
    const still = every(5000, 40_000, () => sample({ decodeOutputs: 7 }), { openStreams: 0 })
    assert.strictEqual(reasonOf(still), "prefill")
    const slept = every(
      5000,
      40_000,
      (turn) => sample({ heartbeat: `${Math.min(turn, 1)}`, decodeOutputs: Math.min(turn, 1), asleep: turn === 3 }),
      {
        openStreams: 0
      }
    )
    assert.strictEqual(reasonOf(slept), "prefill")
    const stopped = every(
      5000,
      40_000,
      (turn) => sample({ heartbeat: `${Math.min(turn, 2)}`, decodeOutputs: Math.min(turn, 2) }),
      { openStreams: 0 }
    )
    assert.strictEqual(reasonOf(stopped), "silent-decoding")
  })
})
