import { assert, describe, it } from "@effect/vitest"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { initial, step, verdictOf } from "../../src/liveness/LivenessStep.ts"
import { type Inputs, LAST, merged, ticks, twenty } from "./Runs.ts"
import { frame, inputsOf, opened, play, sample, scrape, type Stretch, tick } from "./Worlds.ts"

describe("failed and completed", () => {
  const failures: ReadonlyArray<[string, Input.LivenessInput, string, string]> = [
    [
      "connection refused",
      { _tag: "Ended", at: 9, how: "connect-error", detail: "ECONNREFUSED" },
      "connect-error",
      "transport"
    ],
    ["no connection in time", { _tag: "Ended", at: 9, how: "connect-timeout" }, "connect-timeout", "transport"],
    ["a reset", { _tag: "Ended", at: 9, how: "reset" }, "connection-lost", "transport"],
    ["a clean end", { _tag: "Ended", at: 9, how: "eof" }, "truncated", "transport"],
    ["[DONE]", { _tag: "Ended", at: 9, how: "done" }, "done-without-finish", "engine"],
    ["an error event", { _tag: "Ended", at: 9, how: "error", code: 500 }, "mid-stream-error", "engine"],
    ["an error event of our fault", { _tag: "Ended", at: 9, how: "error", code: 400 }, "mid-stream-error", "engine"],
    ["a refusal as the first event", { _tag: "Ended", at: 9, how: "error", code: 503 }, "unavailable", "engine"],
    [
      "too many requests as the first event",
      { _tag: "Ended", at: 9, how: "error", code: 429 },
      "rate-limited",
      "engine"
    ],
    ["broken JSON", { _tag: "Ended", at: 9, how: "malformed" }, "malformed", "engine"],
    ["500", { _tag: "Rejected", at: 9, status: 500, retryAfterMillis: null }, "server-error", "engine"],
    ["408", { _tag: "Rejected", at: 9, status: 408, retryAfterMillis: null }, "server-error", "engine"],
    ["409", { _tag: "Rejected", at: 9, status: 409, retryAfterMillis: null }, "server-error", "engine"],
    ["302", { _tag: "Rejected", at: 9, status: 302, retryAfterMillis: null }, "server-error", "engine"],
    ["503", { _tag: "Rejected", at: 9, status: 503, retryAfterMillis: null }, "unavailable", "engine"],
    ["429", { _tag: "Rejected", at: 9, status: 429, retryAfterMillis: 7000 }, "rate-limited", "engine"],
    ["400", { _tag: "Rejected", at: 9, status: 400, retryAfterMillis: null }, "rejected", "engine"],
    ["499", { _tag: "Rejected", at: 9, status: 499, retryAfterMillis: null }, "rejected", "engine"],
    ["finish abort", frame(9, { finishReason: "abort" }), "aborted-by-server", "engine"],
    ["finish error", frame(9, { finishReason: "error" }), "finish-error", "engine"]
  ]
  for (const [what, input, kind, decidedBy] of failures) {
    it(`${what} is ${kind}`, () => {
      const { verdict } = play([opened(), input])
      if (verdict._tag !== "Failed") return assert.fail(verdict._tag)
      assert.strictEqual(verdict.kind, kind)
      assert.strictEqual(verdict.circumstances.decidedBy, decidedBy)
    })
  }

  it("a refusal inside a stream that has begun is an error of the stream", () => {
    const { verdict } = play([opened(), frame(5), { _tag: "Ended", at: 9, how: "error", code: 503, detail: "paused" }])
    assert.deepInclude(verdict, { _tag: "Failed", kind: "mid-stream-error", code: 503, detail: "paused", tokens: 1 })
  })

  it("keeps what the server asked for and said", () => {
    const { verdict } = play([
      opened(),
      { _tag: "Rejected", at: 9, status: 429, retryAfterMillis: 7000, detail: "later" }
    ])
    assert.deepInclude(verdict, { status: 429, retryAfterMillis: 7000, detail: "later", code: null })
  })

  for (
    const [how, closed] of [["done", "done"], ["eof", "eof"], ["reset", "reset-after-finish"], [
      "error",
      "reset-after-finish"
    ]] as const
  ) {
    it(`after the finish reason, ${how} closes it as ${closed}`, () => {
      const { verdict } = play([opened(), frame(5, { finishReason: "stop" }), { _tag: "Ended", at: 9, how }])
      assert.deepStrictEqual(verdict, {
        _tag: "Completed",
        finishReason: "stop",
        closed,
        tokens: 1,
        degenerate: null
      })
    })
  }

  it("a connection that stays open after the finish reason is closed by the grace, not before", () => {
    const inputs = [opened(), frame(500, { finishReason: "stop" }), ...[1000, 2000, 3000, 4000, 5499].map(tick)]
    assert.isUndefined(play(inputs).state.outcome)
    assert.deepInclude(play([...inputs, tick(5500)]).verdict, { _tag: "Completed", closed: "grace" })
  })

  it("whatever comes after the finish reason changes nothing, and after the verdict not even the state", () => {
    const finish = [opened(), frame(5, { finishReason: "stop" })]
    const rejected = play([...finish, { _tag: "Rejected", at: 6, status: 500, retryAfterMillis: null }])
    assert.deepInclude(rejected.verdict, { _tag: "Completed", closed: "reset-after-finish" })
    const cancelled = play([...finish, { _tag: "Cancelled", at: 6, by: "user" }])
    assert.deepInclude(cancelled.verdict, { _tag: "Completed", closed: "grace" })
    const twice = play([...finish, frame(6, { finishReason: "abort" }), { _tag: "Ended", at: 7, how: "done" }])
    assert.deepInclude(twice.verdict, { _tag: "Completed", finishReason: "stop", tokens: 2 })
    assert.strictEqual(step(twice.state, tick(9)), twice.state)
  })

  it("keeps only numbers that can be stored", () => {
    assert.deepInclude(play([opened(), { _tag: "Ended", at: 9, how: "error", code: 1e300 }]).verdict, { code: null })
  })

  it("says what an answer is worth, and fails it only where asked to", () => {
    const repeated = play([opened(), frame(5, { finishReason: "repetition" }), { _tag: "Ended", at: 9, how: "done" }])
    assert.deepInclude(repeated.verdict, { _tag: "Completed", degenerate: "repetition" })
    const garbage: Inputs = [opened({ maxTokens: 3 }), { _tag: "Worthless", at: 4, as: "garbage" }]
    const rest: Inputs = [frame(5, { tokens: 4, finishReason: "stop" }), { _tag: "Ended", at: 9, how: "done" }]
    assert.deepInclude(play([...garbage, ...rest]).verdict, { _tag: "Completed", degenerate: "garbage" })
    const strict = { ...defaults, failRunaway: true }
    assert.deepInclude(play([...garbage, ...rest], strict).verdict, { _tag: "Failed", kind: "runaway" })
    const late: Inputs = [opened(), rest[0]!, { _tag: "Worthless", at: 6, as: "garbage" }, rest[1]!]
    assert.deepInclude(play(late, strict).verdict, { _tag: "Completed", degenerate: "garbage" })
  })

  it("an answer longer than asked for is a runaway, only where asked to, and not before", () => {
    const strict = { ...defaults, failRunaway: true }
    const long = (tokens: number) => [opened({ maxTokens: 3 }), frame(5, { tokens })]
    assert.deepInclude(play(long(4), strict).verdict, { _tag: "Failed", kind: "runaway" })
    assert.strictEqual(play(long(3), strict).verdict._tag, "Alive")
    assert.strictEqual(play(long(4)).verdict._tag, "Alive")
  })

  it("says who cancelled", () => {
    for (const by of ["user", "budget", "shutdown", "downstream-gone"] as const) {
      const { verdict } = play([opened(), frame(5), { _tag: "Cancelled", at: 9, by }])
      if (verdict._tag !== "Cancelled") return assert.fail(verdict._tag)
      assert.deepStrictEqual([verdict.by, verdict.circumstances.decidedBy, verdict.tokens], [by, by, 1])
    }
  })
})

describe("phases", () => {
  const phaseAfter = (...inputs: Inputs) => play([opened({ binding: "proven" }), ...inputs]).state.phase

  it("go with what arrives", () => {
    assert.strictEqual(phaseAfter(), "connecting")
    assert.strictEqual(phaseAfter({ _tag: "Headers", at: 1 }), "awaiting")
    assert.strictEqual(phaseAfter({ _tag: "TransportOnly", at: 1 }), "awaiting")
    assert.strictEqual(phaseAfter(frame(1, { channel: "reasoning" })), "thinking")
    assert.strictEqual(phaseAfter(frame(1)), "decoding")
    assert.strictEqual(phaseAfter(frame(1, { channel: "tool-call" })), "tool-call")
    assert.strictEqual(phaseAfter(frame(1, { finishReason: "stop" })), "finishing")
    const hidden = frame(2, { channel: null, text: false })
    assert.strictEqual(phaseAfter(hidden), "decoding")
    assert.strictEqual(phaseAfter(frame(1, { channel: "reasoning" }), hidden), "thinking")
    assert.strictEqual(phaseAfter(frame(1, { channel: "tool-call" }), hidden), "tool-call")
    const nothing = frame(2, { channel: "reasoning", text: false, tokens: 0 })
    assert.strictEqual(phaseAfter(frame(1), nothing), "decoding")
  })

  it("tell queued from prefill by evidence that is ours, and only before the first token", () => {
    const headers = { _tag: "Headers", at: 1 } as const
    const running = sample({ running: 1, waiting: 0 })
    const waiting = sample({ running: 3, waiting: 1 })
    const empty = sample({ running: 0 })
    assert.strictEqual(phaseAfter(headers, scrape(2, running)), "prefill")
    assert.strictEqual(phaseAfter(headers, scrape(2, waiting)), "queued")
    assert.strictEqual(phaseAfter(headers, scrape(2, waiting), scrape(3, running)), "prefill")
    assert.strictEqual(phaseAfter(headers, scrape(2, empty)), "awaiting")
    assert.strictEqual(phaseAfter(scrape(2, running)), "connecting")
    assert.strictEqual(phaseAfter(frame(1), scrape(2, waiting)), "decoding")
    assert.strictEqual(play([opened(), headers, scrape(2, waiting)]).state.phase, "awaiting")
  })

  it("are kept, the last ones", () => {
    const many = Array.from({ length: 100 }, (_, at) => frame(at, { channel: at % 2 === 0 ? "reasoning" : "content" }))
    assert.strictEqual(play([opened(), ...many]).state.phases.length, 32)
  })

  it("are kept in order", () => {
    const { state } = play([opened({ at: 50 }), frame(60, { channel: "reasoning" }), frame(80)])
    assert.deepStrictEqual(state.phases, [
      { phase: "connecting", sinceMillis: 0 },
      { phase: "awaiting", sinceMillis: 10 },
      { phase: "thinking", sinceMillis: 10 },
      { phase: "decoding", sinceMillis: 30 }
    ])
  })
})

describe("our own pauses", () => {
  it("acquit: after one it takes two looks again", () => {
    const condemned = step(play(merged([opened()], twenty, ticks(0, 902_000))).state, tick(903_000))
    assert.isTrue(condemned.condemned)
    let after = condemned
    for (let at = 2_000_000; at <= 2_005_000; at += 1000) after = step(after, tick(at))
    assert.isUndefined(after.outcome)
    assert.strictEqual(step(after, tick(2_005_000)).outcome?._tag, "Stalled")
  })

  it("nobody is given up right after one, and no gap is learned from it", () => {
    const before = merged([opened()], twenty, ticks(0, 902_000))
    const { state } = play(before)
    let after = step(state, tick(2_000_000))
    assert.strictEqual(after.outcome, undefined)
    for (const at of [2_001_000, 2_002_000, 2_003_000, 2_004_000, 2_004_999]) after = step(after, tick(at))
    assert.isFalse(after.condemned)
    after = step(step(after, tick(2_005_000)), tick(2_005_000))
    assert.strictEqual(after.outcome?._tag, "Stalled")
    const spoke = step(step(play(merged([opened()], twenty)).state, tick(LAST + 500)), frame(LAST + 400_000))
    assert.isBelow(Math.max(...spoke.progress.gaps.open), 2000)
  })

  it("a stretch without input of up to a tick and 5 s is time like any other", () => {
    const at = (millis: number) => step(play([opened(), frame(0)]).state, tick(millis))
    assert.deepInclude(verdictOf(at(6000)), { silentMillis: 6000 })
    assert.deepInclude(verdictOf(at(6001)), { silentMillis: 1000 })
  })

  it("no time passes while the consumer does not let us read", () => {
    const { state } = play(merged([opened()], twenty, ticks(0, 4000), [{ _tag: "Reading", at: 4000, on: false }]))
    let blocked = state
    for (let at = 5000; at < 3_000_000; at += 1000) blocked = step(blocked, tick(at))
    assert.isUndefined(blocked.outcome)
    const on = step(blocked, { _tag: "Reading", at: 3_000_000, on: true })
    assert.deepInclude(verdictOf(on), { _tag: "Alive", silentMillis: 2000 })
    const [, ...more] = ticks(3_000_000, 4_000_000)
    assert.strictEqual(play(more, defaults, on).verdict._tag, "Stalled")
  })
})

describe("worlds of the fault catalogue", () => {
  it("a hang that recovers after 30 s is slow, then completed", () => {
    const stretches: ReadonlyArray<Stretch> = [
      { kind: "tokens", millis: 10_000 },
      { kind: "frozen", millis: 30_000 },
      { kind: "tokens", millis: 10_000 }
    ]
    const { reasons, verdict } = play(inputsOf({ stretches, end: "finish", opened: { binding: "proven" } }))
    assert.strictEqual(verdict._tag, "Completed")
    assert.deepStrictEqual([...reasons], ["silent-decoding"])
  })

  it("begins by itself with whatever comes first, and is opened only once", () => {
    const state = step(initial(defaults), frame(5000))
    assert.deepInclude(verdictOf(state), { _tag: "Alive", tokens: 1, silentMillis: 0 })
    assert.strictEqual(step(state, opened({ at: 6000, binding: "proven" })).binding.status, "unproven")
  })
})
