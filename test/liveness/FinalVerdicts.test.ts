/** What final verdicts say besides their kind, and that all of it can be stored. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { engineDigestOf, initial, step, verdictOf } from "../../src/liveness/LivenessStep.ts"
import { Verdict } from "../../src/liveness/Verdict.ts"
import { bound, every, moving, run, twenty } from "./Runs.ts"
import { frame, headers, opened, sample, scrape, tick } from "./Worlds.ts"

const strict = { ...defaults, failRunaway: true }

/** The verdict after twenty tokens and this, stored and read again. */
const after = (input: Input.LivenessInput, limits = defaults) => {
  const { state } = run([[opened({ maxTokens: 20 })], twenty], 3000, limits)
  const verdict = verdictOf(step(state, input))
  const read = Schema.decodeUnknownSync(Verdict)(JSON.parse(JSON.stringify(Schema.encodeSync(Verdict)(verdict))))
  assert.deepStrictEqual(read, verdict)
  return read
}

const failedAfter = (input: Input.LivenessInput, limits = defaults) => {
  const verdict = after(input, limits)
  if (verdict._tag !== "Failed") return assert.fail(verdict._tag)
  assert.deepStrictEqual([verdict.phase, verdict.tokens >= 20], ["decoding", true])
  const { circumstances: { decidedBy }, code, detail, kind, retryAfterMillis, status } = verdict
  return { kind, decidedBy, status, code, retryAfterMillis, detail }
}

const nothing = { status: null, code: null, retryAfterMillis: null, detail: "" }

describe("a failure says", () => {
  it("who found it", () => {
    const by = { ...nothing, decidedBy: "engine" as const }
    assert.deepStrictEqual(failedAfter(frame(3000, { finishReason: "abort" })), { ...by, kind: "aborted-by-server" })
    assert.deepStrictEqual(failedAfter(frame(3000, { finishReason: "error" })), { ...by, kind: "finish-error" })
    assert.deepStrictEqual(failedAfter({ _tag: "Ended", at: 3000, how: "done" }), {
      ...by,
      kind: "done-without-finish"
    })
    assert.deepStrictEqual(failedAfter({ _tag: "Ended", at: 3000, how: "malformed" }), { ...by, kind: "malformed" })
    for (
      const [how, kind] of [
        ["eof", "truncated"],
        ["reset", "connection-lost"],
        ["connect-error", "connect-error"],
        ["connect-timeout", "connect-timeout"]
      ] as const
    ) {
      assert.deepStrictEqual(failedAfter({ _tag: "Ended", at: 3000, how }), {
        ...nothing,
        decidedBy: "transport",
        kind
      })
    }
  })

  it("that a check or the agent itself did", () => {
    for (
      const [how, decidedBy] of [["runaway", "check"], ["unsupported", "agent"], ["agent-failed", "agent"]] as const
    ) {
      assert.deepStrictEqual(failedAfter({ _tag: "Ended", at: 3000, how, detail: "because" }), {
        ...nothing,
        kind: how,
        decidedBy,
        detail: "because"
      })
    }
  })

  it("what the server said, as far as that is a number that can be stored", () => {
    assert.deepStrictEqual(failedAfter({ _tag: "Ended", at: 3000, how: "error", code: 500, detail: "x" }), {
      ...nothing,
      kind: "mid-stream-error",
      decidedBy: "engine",
      code: 500,
      detail: "x"
    })
    assert.deepStrictEqual(failedAfter({ _tag: "Rejected", at: 3000, status: 503, retryAfterMillis: 1500.5 }), {
      ...nothing,
      kind: "unavailable",
      decidedBy: "engine",
      status: 503,
      retryAfterMillis: 1500.5
    })
    for (const number of [Infinity, Number.NaN]) {
      assert.deepStrictEqual(failedAfter({ _tag: "Rejected", at: 3000, status: number, retryAfterMillis: number }), {
        ...nothing,
        kind: "server-error",
        decidedBy: "engine"
      })
    }
  })

  it("what kind of refusal it was", () => {
    const kindOf = (status: number) => failedAfter({ _tag: "Rejected", at: 3000, status, retryAfterMillis: null }).kind
    assert.deepStrictEqual([399, 400, 404, 429, 499, 500, 503, 504].map(kindOf), [
      "server-error",
      "rejected",
      "rejected",
      "rate-limited",
      "rejected",
      "server-error",
      "unavailable",
      "server-error"
    ])
  })

  it("what a check found", () => {
    assert.deepStrictEqual(failedAfter({ _tag: "Worthless", at: 3000, as: "garbage" }, strict), {
      ...nothing,
      kind: "runaway",
      decidedBy: "check",
      detail: "garbage"
    })
    assert.deepStrictEqual(failedAfter(frame(3000), strict), {
      ...nothing,
      kind: "runaway",
      decidedBy: "check",
      detail: "more than 20 tokens"
    })
  })
})

describe("a cancelled run says", () => {
  it("in what phase, by whom, and what was known of the engine, or that nothing was", () => {
    for (const by of ["user", "budget", "shutdown", "downstream-gone"] as const) {
      const verdict = after({ _tag: "Cancelled", at: 3000, by })
      if (verdict._tag !== "Cancelled") return assert.fail(verdict._tag)
      assert.deepStrictEqual([verdict.by, verdict.phase, verdict.circumstances.decidedBy], [by, "decoding", by])
      assert.isNull(verdict.circumstances.evidence.frozenMillis)
    }
  })

  it("what became of the last scrapes", () => {
    const scrapes = [sample(), "failed", "refused"].map((outcome, index) =>
      scrape(100 * index, outcome as Input.Scrape["outcome"])
    )
    const { state } = run([[bound], scrapes], 1000)
    const verdict = verdictOf(step(state, { _tag: "Cancelled", at: 1000, by: "user" }))
    const read = Schema.decodeUnknownSync(Verdict)(JSON.parse(JSON.stringify(Schema.encodeSync(Verdict)(verdict))))
    assert.deepStrictEqual(read, verdict)
    assert.deepStrictEqual(
      read._tag === "Cancelled" && read.circumstances.evidence.samples.map(({ outcome }) => outcome),
      ["ok", "failed", "refused"]
    )
  })

  it("whose evidence that was", () => {
    for (
      const [binding, status] of [
        ["unproven", "unproven"],
        ["proven", "inherited"],
        ["inherited", "inherited"],
        ["refuted", "refuted"]
      ] as const
    ) {
      const { state } = run([[opened({ binding })]], 1000)
      const verdict = verdictOf(step(state, { _tag: "Cancelled", at: 1000, by: "user" }))
      assert.isTrue(Schema.is(Verdict)(verdict))
      assert.strictEqual(verdict._tag === "Cancelled" && verdict.circumstances.evidence.binding, status)
    }
    const { state } = run([[bound], twenty, every(0, 5000, (turn) => moving()(turn))], 6000)
    const verdict = verdictOf(step(state, { _tag: "Cancelled", at: 6000, by: "user" }))
    assert.isTrue(Schema.is(Verdict)(verdict))
    assert.strictEqual(verdict._tag === "Cancelled" && verdict.circumstances.evidence.binding, "proven")
  })
})

describe("a run that was never opened", () => {
  it("is a first attempt of nobody, with the limits of any", () => {
    const unknown = initial(defaults)
    assert.deepInclude(verdictOf(unknown), { _tag: "Alive", phase: "connecting", tokens: 0, silentMillis: 0 })
    const verdict = verdictOf(step(unknown, { _tag: "Cancelled", at: 3000, by: "user" }))
    if (verdict._tag !== "Cancelled") return assert.fail(verdict._tag)
    assert.deepStrictEqual(verdict.circumstances, {
      run: { hop: "engine", attempt: 1, endpoint: "", model: "" },
      decidedBy: "user",
      atMillis: 0,
      phases: [{ phase: "connecting", sinceMillis: 0 }],
      gapsMillis: [],
      limits: [
        { name: "suspect", millis: 30_000, origin: "default", learning: null },
        { name: "frozen", millis: 60_000, origin: "floor", learning: null },
        { name: "first-token", millis: 1_800_000, origin: "not-learned", learning: null }
      ],
      evidence: { binding: "unproven", frozenMillis: null, samples: [] }
    })
  })

  it("is not given up at one glance, not even at the first", () => {
    const limits = { ...defaults, heartbeatsMissed: 0, heartbeatSlackMillis: 0 }
    const first = step(step(step(initial(limits), opened({ heartbeatMillis: 1 })), headers), tick(5500))
    assert.isUndefined(first.outcome)
    assert.strictEqual(step(first, tick(5500)).outcome?._tag, "Stalled")
  })
})

describe("a completed run", () => {
  it("knows how its connection ended", () => {
    const { state } = run([[bound], twenty, every(0, 2000, moving()), [frame(3000, { finishReason: "stop" })]], 4000)
    for (
      const [how, closed] of [
        ["done", "done"],
        ["eof", "eof"],
        ["reset", "reset-after-finish"],
        ["error", "reset-after-finish"],
        ["malformed", "reset-after-finish"],
        ["connect-error", "reset-after-finish"],
        ["connect-timeout", "reset-after-finish"],
        ["runaway", "reset-after-finish"],
        ["unsupported", "reset-after-finish"],
        ["agent-failed", "reset-after-finish"]
      ] as const
    ) {
      const ended = step(state, { _tag: "Ended", at: 4000, how })
      assert.deepInclude(verdictOf(ended), { _tag: "Completed", closed })
      // And still what it knew of its engine.
      assert.strictEqual(engineDigestOf(ended), "moving")
    }
  })
})
