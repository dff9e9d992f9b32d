import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { EngineDigest } from "../../src/liveness/LivenessInput.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { engineDigestOf, step, verdictOf } from "../../src/liveness/LivenessStep.ts"
import { bound, every, type Inputs, LAST, merged, moving, run, twenty } from "./Runs.ts"
import { frame, opened, play, sample, scrape } from "./Worlds.ts"

describe("alive and slow", () => {
  it("is alive with its phase, tokens, rate and silence", () => {
    assert.deepStrictEqual(run([[opened()], twenty], 4000).verdict, {
      _tag: "Alive",
      phase: "decoding",
      tokens: 20,
      tokensPerSecond: 1000 * 19 / 3900,
      silentMillis: 2000
    })
  })

  it("is slow from the suspect limit on, with its reason, and never before a tick says so", () => {
    assert.strictEqual(run([[opened()], twenty], LAST + 5000).verdict._tag, "Alive")
    const { verdict } = run([[opened()], twenty], LAST + 7000)
    assert.deepStrictEqual(verdict, {
      _tag: "Slow",
      reason: "silent-unverified",
      phase: "decoding",
      tokens: 20,
      silentMillis: 7000,
      sinceMillis: LAST + 6000,
      limit: { name: "suspect", millis: 5000, origin: "floor", learning: null },
      engine: null
    })
  })

  it("is suspect after 30 s without gaps of its own, or by the engine's, if it is ours", () => {
    const tagAt = (to: number, ...parts: ReadonlyArray<Inputs>) => run(parts, to).verdict._tag
    assert.deepStrictEqual([tagAt(30_000, [opened()]), tagAt(31_000, [opened()])], ["Alive", "Slow"])
    const fast = [frame(100), frame(200)]
    const scrapes = every(0, 20_000, moving({ decodeP99Millis: 100 }))
    assert.deepStrictEqual([tagAt(20_000, [bound], fast, scrapes), tagAt(20_000, [opened()], fast, scrapes)], [
      "Slow",
      "Alive"
    ])
  })

  it("is alive again with the next token, at once", () => {
    const { state } = run([[opened()], twenty], LAST + 7000)
    assert.strictEqual(verdictOf(step(state, frame(LAST + 7001)))._tag, "Alive")
  })

  const slowBecause = (name: string, parts: ReadonlyArray<Inputs>, reason: string, limits = defaults) =>
    it(`is slow: ${name}`, () => {
      const { verdict } = run(parts, 42_000, limits)
      if (verdict._tag !== "Slow") return assert.fail(verdict._tag)
      assert.strictEqual(verdict.reason, reason)
    })
  slowBecause("queued", [[bound], every(0, 40_000, moving({ waiting: 2 }))], "queued")
  slowBecause("prefill", [[bound], every(0, 40_000, moving())], "prefill")
  slowBecause("silent-decoding", [[bound], twenty, every(0, 40_000, moving())], "silent-decoding")
  slowBecause("others wait, none of them was running", [
    [bound],
    twenty,
    every(0, 40_000, (turn) => moving({ waiting: turn === 0 ? 0 : 1 })(turn))
  ], "silent-decoding")
  slowBecause("preempted by the gauges", [
    [bound],
    twenty,
    every(0, 40_000, (turn) => moving({ running: turn === 0 ? 3 : 2, waiting: turn === 0 ? 0 : 1 })(turn))
  ], "preempted")
  slowBecause("preempted by the counter", [
    [bound],
    twenty,
    every(0, 40_000, (turn) => moving({ preemptions: turn === 0 ? 3 : 4 })(turn))
  ], "preempted")
  slowBecause("fewer run, and none waits", [
    [bound],
    twenty,
    every(0, 40_000, (turn) => moving({ running: turn === 0 ? 3 : 2 })(turn))
  ], "silent-decoding")
  slowBecause(
    "nobody says whether any waits",
    [[bound], every(0, 40_000, moving({ waiting: null, running: 2 }))],
    "prefill"
  )
  slowBecause("asleep", [[bound], twenty, every(0, 40_000, () => sample({ asleep: true }))], "engine-asleep")
  slowBecause("the metrics of nobody", [[opened()], twenty, every(5000, 40_000, moving())], "silent-unverified")
  slowBecause("metrics that fail", [[bound], twenty, every(0, 15_000, moving())], "silent-unverified")
  slowBecause(
    "below the rate that was asked for",
    [[opened()], Array.from({ length: 42 }, (_, index) => frame(index * 1000 + 1))],
    "below-rate",
    { ...defaults, minimumTokensPerSecond: 2 }
  )

  it("is not below the rate where nothing was asked, or it is not measured long enough", () => {
    const frames = Array.from({ length: 42 }, (_, index) => frame(index * 1000 + 1))
    assert.strictEqual(run([[opened()], frames], 42_000).verdict._tag, "Alive")
    const limits = { ...defaults, minimumTokensPerSecond: 2 }
    assert.strictEqual(run([[opened()], frames.slice(0, 30)], 29_500, limits).reasons.size, 0)
  })

  it("is below the rate as soon as that is measured over its window", () => {
    const at = (to: number, minimumTokensPerSecond: number) =>
      run([[opened()], Array.from({ length: to / 1000 + 1 }, (_, index) => frame(index * 1000))], to, {
        ...defaults,
        minimumTokensPerSecond
      }).verdict
    assert.strictEqual(at(29_000, 2)._tag, "Alive")
    assert.deepInclude(at(30_000, 2), {
      _tag: "Slow",
      reason: "below-rate",
      limit: { name: "rate", millis: 30_000, origin: "default", learning: null }
    })
    assert.strictEqual(at(30_000, 1)._tag, "Alive")
  })

  it("shows the last scrape to whom it is bound, and to nobody else", () => {
    const shown = (...parts: ReadonlyArray<Inputs>) => {
      const { verdict } = run(parts, 10_000)
      return verdict._tag === "Slow" ? verdict.engine : assert.fail(verdict._tag)
    }
    assert.deepInclude(shown([bound], twenty, every(0, 10_000, moving())), { atMillis: 10_000, outcome: "ok" })
    assert.isNull(shown([opened()], twenty, every(5000, 10_000, () => sample())))
    assert.isNull(shown([bound], twenty))
  })
})

describe("agents", () => {
  const purple = (more: Partial<Input.Opened> = {}) =>
    opened({ run: { hop: "purple", attempt: 2, endpoint: "http://purple", model: "m" }, ...more })
  const beats = (
    to: number,
    more: (at: number) => Partial<Input.Heartbeat> = () => ({})
  ): Inputs =>
    Array.from({ length: Math.floor(to / 5000) }, (_, index) => {
      const at = (index + 1) * 5000
      return { _tag: "Heartbeat", at, phase: "decoding", tokens: 20, tokenAgeMillis: 0, engine: "unknown", ...more(at) }
    })
  const learned = { gapMillis: 130_000, firstTokenMillis: 130_000 }

  it("agent-silent: heartbeats that were promised, or had come, are missing", () => {
    const promised = run([[purple({ heartbeatMillis: 4000 })], twenty], 100_000)
    if (promised.verdict._tag !== "Stalled") return assert.fail(promised.verdict._tag)
    assert.deepStrictEqual([promised.verdict.kind, promised.endedAt], ["agent-silent", LAST + 12_000 + 15_000 + 1000])
    assert.deepStrictEqual(promised.verdict.limit, {
      name: "agent-heartbeat",
      millis: 27_000,
      origin: "default",
      learning: null
    })
    const kept = run([[purple({ heartbeatMillis: 4000 })], twenty, beats(5000)], 100_000)
    assert.strictEqual(kept.endedAt, 5000 + 27_000 + 1000)
    const strict = { ...defaults, heartbeatsMissed: 0, heartbeatSlackMillis: 0 }
    const early = run([[purple({ heartbeatMillis: 4000 })], twenty], LAST + 5000, strict)
    assert.strictEqual(early.verdict._tag, "Alive")
    const stopped = run([[purple()], beats(50_000)], 100_000)
    assert.deepInclude(stopped.verdict, { _tag: "Stalled", kind: "agent-silent" })
    assert.strictEqual(stopped.endedAt, 81_000)
    // Tokens are as good as heartbeats.
    const talks = Array.from({ length: 50 }, (_, index) => frame(index * 2000))
    assert.strictEqual(run([[purple({ heartbeatMillis: 5000 })], talks], 100_000).verdict._tag, "Alive")
  })

  it("agent-silent: one that never promised any is waited for as without evidence, and longer than the engine", () => {
    const { endedAt, verdict } = run([[purple({ learned })], twenty], 200_000)
    assert.deepInclude(verdict, { _tag: "Stalled", kind: "agent-silent" })
    assert.strictEqual(endedAt, LAST + 130_000 + 15_000 + 1000)
    const green = opened({ run: { hop: "green", attempt: 1, endpoint: "", model: "" }, learned })
    assert.strictEqual(run([[green], twenty], 200_000).endedAt, LAST + 130_000 + 30_000 + 1000)
  })

  it("silent: the agent lives, its tokens do not, and it cannot vouch for its engine", () => {
    const { endedAt, verdict } = run([[purple({ learned })], twenty, beats(300_000)], 300_000)
    assert.deepInclude(verdict, { _tag: "Stalled", kind: "silent" })
    assert.strictEqual(endedAt, LAST + 145_000 + 1000)
    for (const engine of ["frozen", "gone", "unknown"] as const) {
      const outcome = run([[purple({ learned })], twenty, beats(300_000, () => ({ engine }))], 300_000)
      assert.strictEqual(outcome.verdict._tag, "Stalled", engine)
    }
  })

  it("is silent for as long as the agent says, if that is longer than we saw", () => {
    const { verdict } = run([[purple()], twenty, beats(10_000, () => ({ tokenAgeMillis: 9500 }))], 10_000)
    assert.deepInclude(verdict, { silentMillis: 9500 })
    const corrected = run(
      [[purple()], twenty, beats(10_000, (at) => ({ tokenAgeMillis: at === 5000 ? 4900 : 100 }))],
      10_000
    )
    assert.deepInclude(corrected.verdict, { silentMillis: 8000 })
    const spoke = run([[purple()], beats(5000, () => ({ tokenAgeMillis: 4900 })), [frame(6000)]], 8000)
    assert.deepInclude(spoke.verdict, { silentMillis: 2000 })
    const younger = run([[purple()], twenty, beats(10_000, () => ({ tokenAgeMillis: 1 }))], 10_000)
    assert.deepInclude(younger.verdict, { silentMillis: 8000 })
    const rising = run([[purple()], twenty, beats(10_000, (at) => ({ tokens: at / 100, tokenAgeMillis: 300 }))], 10_000)
    assert.deepInclude(rising.verdict, { silentMillis: 300, tokens: 100 })
  })

  const slow = (more: Partial<Input.Heartbeat>, begun = true) =>
    run([[purple({ learned })], begun ? twenty : [], beats(900_000, () => more)], 900_000).verdict

  it("an agent that vouches keeps it slow for ever", () => {
    assert.deepInclude(slow({ phase: "agent-work" }), { _tag: "Slow", reason: "agent-work", phase: "agent-work" })
    assert.deepInclude(slow({ engine: "moving" }), { _tag: "Slow", reason: "silent-decoding" })
    assert.deepInclude(slow({ engine: "asleep" }), { _tag: "Slow", reason: "engine-asleep" })
    const waits = { engine: "moving", tokens: 0 } as const
    assert.deepInclude(slow({ ...waits, phase: "queued" }, false), { _tag: "Slow", reason: "queued" })
    assert.deepInclude(slow({ ...waits, phase: "prefill" }, false), { _tag: "Slow", reason: "prefill" })
    // A second request of the same run.
    assert.deepInclude(slow({ engine: "moving", phase: "prefill" }), { _tag: "Slow", reason: "prefill" })
    assert.deepInclude(slow({ ...waits, phase: "awaiting" }, false), { _tag: "Slow", reason: "prefill" })
  })

  const vouchings: ReadonlyArray<Partial<Input.Heartbeat>> = [
    { engine: "moving" },
    { engine: "asleep" },
    { phase: "agent-work" }
  ]

  it("what an agent vouched for holds until its next heartbeat is missing, however rare they are", () => {
    for (const vouching of vouchings) {
      const rarely = { ...vouching, intervalMillis: 300_000 }
      const rare = beats(900_000, () => rarely).filter(({ at }) => at % 300_000 === 5000)
      assert.strictEqual(run([[purple({ learned })], twenty, rare], 900_000).verdict._tag, "Slow")
    }
  })

  it("an agent that stops to vouch is waited for as long as one that never did, from then on", () => {
    const stops = (at: number): Partial<Input.Heartbeat> => at < 600_000 ? { engine: "moving" } : {}
    // The engine's own hop waits 130 s, this one 15 s longer.
    for (const vouching of vouchings) {
      const until = (at: number) => at < 600_000 ? vouching : {}
      const begun = run([[purple({ learned })], twenty, beats(900_000, until)], 900_000)
      assert.deepInclude(begun.verdict, { _tag: "Stalled", kind: "silent" })
      assert.strictEqual(begun.endedAt, 595_000 + 145_000 + 1000)
    }
    const connecting = (at: number): Partial<Input.Heartbeat> => ({ ...stops(at), phase: "connecting", tokens: 0 })
    const unanswered = run([[purple()], beats(1_800_000, connecting)], 1_800_000)
    assert.deepInclude(unanswered.verdict, { _tag: "Failed", kind: "connect-timeout" })
    assert.strictEqual(unanswered.endedAt, 595_000 + 915_000 + 1000)
  })

  it("tells the next hop in one word what it knows of its engine", () => {
    const digest = (parts: ReadonlyArray<Inputs>, to: number) => engineDigestOf(run(parts, to).state)
    assert.strictEqual(digest([[opened()], twenty], 5000), "unknown")
    assert.strictEqual(digest([[bound], twenty], 5000), "unknown")
    assert.strictEqual(digest([[bound], twenty, every(0, 40_000, moving())], 42_000), "moving")
    assert.strictEqual(digest([[bound], twenty, every(0, 10_000, moving())], 42_000), "unknown")
    assert.strictEqual(digest([[bound], twenty, every(0, 40_000, () => sample({ asleep: true }))], 42_000), "asleep")
    assert.strictEqual(digest([[bound], twenty, every(0, 60_000, () => sample())], 200_000), "unknown")
    assert.strictEqual(engineDigestOf(play(merged([bound], every(0, 60_000, () => sample()))).state), "frozen")
    for (const word of ["unknown", "moving", "asleep", "frozen", "gone"]) assert.isTrue(Schema.is(EngineDigest)(word))
    assert.strictEqual(digest([[bound], twenty, [scrape(3000, "refused"), scrape(3500, "refused")]], 5000), "gone")
    assert.strictEqual(
      digest([[opened()], twenty, [scrape(3000, "refused"), scrape(3500, "refused")]], 5000),
      "unknown"
    )
    const another = sample({ startedAtSeconds: 2000 })
    const restarted = [sample(), another, another].map((outcome, index) => scrape(3000 + index, outcome))
    assert.strictEqual(digest([[bound], twenty, restarted], 5000), "gone")
    assert.strictEqual(digest([[purple()], beats(10_000, () => ({ engine: "asleep" }))], 10_000), "asleep")
    assert.strictEqual(digest([[purple()], beats(10_000, () => ({ engine: "asleep" }))], 41_000), "unknown")
  })
})
