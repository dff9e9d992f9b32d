import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { EngineSample } from "../../src/liveness/EngineSample.ts"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { defaults, type LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import { engineDigestOf, initial, step, verdictOf } from "../../src/liveness/LivenessStep.ts"
import { Verdict } from "../../src/liveness/Verdict.ts"
import { frame, inputsOf, opened, play, sample, scrape, type Stretch, tick } from "./Worlds.ts"

type Inputs = ReadonlyArray<Input.LivenessInput>

const ticks = (from: number, to: number): Inputs => {
  const made: Array<Input.LivenessInput> = []
  for (let at = Math.ceil((from + 1) / 1000) * 1000; at <= to; at += 1000) made.push(tick(at))
  return made
}
const merged = (...parts: ReadonlyArray<Inputs>): Inputs =>
  parts.flat().toSorted((one, other) => one.at - other.at || rank(one) - rank(other))
const rank = ({ _tag }: Input.LivenessInput) => _tag === "Opened" ? 0 : _tag === "Tick" ? 2 : 1

/** 20 tokens 100 ms apart, the first at 100 ms: enough gaps for a suspect limit of 5 s. The last is at 2000. */
const twenty: Inputs = Array.from({ length: 20 }, (_, index) => frame((index + 1) * 100))
const LAST = 2000

const every = (
  from: number,
  to: number,
  outcome: (turn: number) => EngineSample | "refused" | "failed",
  more: Partial<Input.Scrape> = { openStreams: 1 }
): Inputs =>
  Array.from(
    { length: Math.floor((to - from) / 5000) + 1 },
    (_, turn) => scrape(from + turn * 5000, outcome(turn), more)
  )

const moving = (more: Partial<EngineSample> = {}) => (turn: number) =>
  sample({ heartbeat: `${turn}`, decodeOutputs: turn, generationTokens: turn, ...more })

const bound = opened({ binding: "proven" })

const run = (parts: ReadonlyArray<Inputs>, to: number, limits: LivenessLimits = defaults) =>
  play(merged(...parts, ticks(0, to)), limits)

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
      limit: { name: "suspect", millis: 5000, origin: "floor" },
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

  it("shows the last scrape to whom it is bound", () => {
    const { verdict } = run([[bound], twenty, every(0, 10_000, moving())], 10_000)
    if (verdict._tag !== "Slow") return assert.fail(verdict._tag)
    assert.deepInclude(verdict.engine, { atMillis: 10_000, outcome: "ok" })
  })
})

describe("stalled", () => {
  const stalled = (
    parts: ReadonlyArray<Inputs>,
    kind: string,
    at: number
  ) => {
    const { endedAt, verdict } = run(parts, at + 20_000)
    if (verdict._tag !== "Stalled") return assert.fail(`${verdict._tag}, expected ${kind}`)
    assert.deepStrictEqual([verdict.kind, endedAt], [kind, at])
    return verdict
  }
  /** The kind it ends with and when, in a run that goes on for a while after `at`. */
  const endOf = (parts: ReadonlyArray<Inputs>, at: number) => {
    const { endedAt, verdict } = run(parts, at + 20_000)
    return [verdict._tag === "Stalled" ? verdict.kind : verdict._tag, endedAt]
  }
  const outcomeAt = (parts: ReadonlyArray<Inputs>, to: number) => run(parts, to).state.outcome
  const FAR = 1_300_000

  it("engine-hung: stands still for 60 s as seen by a scrape, and says all it knows", () => {
    const still = every(3000, FAR, () => sample({ running: 2 }))
    const verdict = stalled([[bound], twenty, still], "engine-hung", 63_000)!
    assert.deepStrictEqual(verdict.limit, { name: "frozen", millis: 60_000, origin: "floor" })
    assert.deepStrictEqual([verdict.confidence, verdict.silentMillis, verdict.tokens], ["proved", 61_000, 20])
    const { atMillis, decidedBy, evidence, gapsMillis, limits, phases, run: name } = verdict.circumstances
    assert.deepStrictEqual(name, { hop: "engine", attempt: 1, endpoint: "http://engine/v1", model: "m" })
    assert.deepStrictEqual([decidedBy, atMillis, evidence.binding, evidence.frozenMillis], [
      "evidence",
      63_000,
      "inherited",
      60_000
    ])
    assert.deepStrictEqual(evidence.samples.map(({ atMillis }) => atMillis), [53_000, 58_000, 63_000])
    assert.deepStrictEqual(gapsMillis, Array(8).fill(100))
    assert.deepStrictEqual(phases.map(({ phase }) => phase), ["connecting", "awaiting", "decoding"])
    assert.deepStrictEqual(limits.map(({ millis, name, origin }) => [name, millis, origin]), [
      ["suspect", 5000, "floor"],
      ["frozen", 60_000, "floor"],
      ["silent", 900_000, "not-learned"]
    ])
    const stored = JSON.parse(JSON.stringify(Schema.encodeSync(Verdict)(verdict)))
    assert.deepStrictEqual(Schema.decodeUnknownSync(Verdict)(stored), verdict)
  })

  it("engine-hung: not as long as anything moves once a minute, nor asleep, nor without a bound", () => {
    assert.isUndefined(
      outcomeAt([[bound], twenty, every(0, FAR, (turn) => sample({ heartbeat: `${Math.floor(turn / 11)}` }))], 600_000)
    )
    assert.isUndefined(outcomeAt([[bound], twenty, every(0, FAR, () => sample({ asleep: true }))], FAR))
    assert.isUndefined(outcomeAt([[opened()], twenty, every(3000, FAR, () => sample())], 900_000))
  })

  it("engine-hung: the time asleep does not count", () => {
    const sleeps = every(0, FAR, (turn) => sample({ asleep: turn < 20, heartbeat: "same" }))
    assert.deepStrictEqual(endOf([[bound], twenty, sleeps], 95_000 + 60_000), ["engine-hung", 95_000 + 60_000])
  })

  it("engine-hung: the first run after a start, and slower engines and runs, get longer", () => {
    const still = every(3000, FAR, () => sample())
    assert.deepStrictEqual(endOf([[opened({ binding: "proven", firstRun: true })], twenty, still], 183_000), [
      "engine-hung",
      183_000
    ])
    assert.deepStrictEqual(endOf([[opened({ binding: "proven", longestStepMillis: 45_000 })], twenty, still], 93_000), [
      "engine-hung",
      93_000
    ])
    const gaps = [100, 30_100, 30_200].map((at) => frame(at))
    assert.deepStrictEqual(endOf([[bound], gaps, every(33_000, FAR, () => sample())], 123_000 + 5000 - 5000), [
      "engine-hung",
      123_000 + 5000 - 5000
    ])
  })

  it("engine-hung: a scrape counts from when it was asked for", () => {
    const late = every(3000, FAR, () => sample()).map((input) => ({ ...input, askedAt: input.at - 3000 }))
    assert.deepStrictEqual(endOf([[bound], twenty, late], 68_000), ["engine-hung", 68_000])
  })

  it("engine-idle: gauges read 0 while a stream of ours is open", () => {
    const verdict = stalled([[bound], twenty, every(0, FAR, () => sample({ running: 0 }))], "engine-idle", 15_000)!
    assert.strictEqual(verdict.limit.name, "lost")
    assert.strictEqual(verdict.confidence, "proved")
  })

  it("engine-idle: before the first token only after the time to prepare, and not proved", () => {
    const verdict = stalled(
      [[bound], every(0, FAR, () => sample({ running: 0 }), { openStreams: 0 })],
      "engine-idle",
      180_000
    )!
    assert.deepStrictEqual(verdict.limit, { name: "frozen", millis: 180_000, origin: "preparing" })
    const others = every(0, FAR, moving({ running: 0 }), { openStreams: 0 })
    const lost = stalled([[bound], others], "orphaned", 181_000)!
    assert.deepStrictEqual([lost.confidence, lost.limit.origin], ["inferred", "preparing"])
  })

  it("orphaned: fewer requests than we have open, three scrapes in a row, after our last token", () => {
    const two = { openStreams: 2 }
    assert.deepStrictEqual(endOf([[bound], twenty, every(0, FAR, moving(), two)], 15_000), ["orphaned", 15_000])
    assert.isUndefined(outcomeAt([[bound], twenty, every(0, FAR, moving(), { openStreams: 1 })], 200_000))
    assert.isUndefined(outcomeAt([[bound], twenty, every(0, FAR, moving(), { openStreams: null })], 200_000))
    // Every third scrape finds both.
    assert.isUndefined(outcomeAt(
      [[bound], twenty, every(0, FAR, (turn) => moving({ running: turn % 3 === 0 ? 2 : 1 })(turn), two)],
      200_000
    ))
    // Waiting ones are held too; asleep, gauges stand.
    assert.isUndefined(outcomeAt([[bound], twenty, every(0, FAR, moving({ waiting: 1 }), two)], 200_000))
    assert.isUndefined(outcomeAt([[bound], twenty, every(0, FAR, moving({ asleep: true }), two)], 200_000))
  })

  it("orphaned: not by evidence that has become old", () => {
    const lost = [1, 2, 3, 4].map((turn) => scrape(turn * 1000, moving({ running: 0 })(turn), { openStreams: 1 }))
    const { reasons, state } = run([[bound], [frame(0)], lost], 100_000)
    assert.isUndefined(state.outcome)
    assert.deepStrictEqual([...reasons], ["silent-unverified"])
  })

  it("orphaned and decode-hung: not by what was counted asleep", () => {
    const sleeps = (more: Partial<EngineSample>) =>
      every(0, 1_215_000, (turn) => sample({ heartbeat: `${turn}`, asleep: turn > 1 && turn < 241, ...more }))
    assert.isUndefined(outcomeAt([[bound], twenty, sleeps({})], 1_215_000))
    const empty = every(0, 105_000, (turn) => sample({ running: turn > 0 ? 0 : 1, asleep: turn > 0 && turn < 20 }))
    assert.isUndefined(outcomeAt([[bound], twenty, empty], 105_000))
    assert.strictEqual(
      stalled(
        [
          [bound],
          twenty,
          every(0, FAR, () => sample({ running: 0 }), { openStreams: null })
        ],
        "engine-idle",
        65_000
      )?.limit.name,
      "frozen"
    )
    assert.isUndefined(
      outcomeAt([[bound], twenty, every(0, FAR, moving({ running: 0 }), { openStreams: null })], 800_000)
    )
  })

  it("engine-idle: the gauges fell to 0 with the last movement", () => {
    const falls = every(0, FAR, (turn) => sample(turn === 0 ? {} : { heartbeat: "1", running: 0 }))
    assert.deepStrictEqual(endOf([[bound], twenty, falls], 15_000), ["engine-idle", 15_000])
  })

  it("orphaned: a stream that has begun is counted even where it was forgotten", () => {
    assert.deepStrictEqual(
      endOf([[bound], twenty, every(0, FAR, moving({ running: 0 }), { openStreams: 0 })], 15_000),
      [
        "orphaned",
        15_000
      ]
    )
  })

  it("orphaned: a request that is still being tokenised is not missed", () => {
    const prepares = every(0, 175_000, moving({ running: 0 }), { openStreams: 0 })
    assert.isUndefined(outcomeAt([[bound], prepares], 175_000))
  })

  it("orphaned: with one more than the begun ones, before the first token", () => {
    assert.isUndefined(outcomeAt([[bound], every(0, FAR, moving({ running: 2 }), { openStreams: 1 })], 400_000))
    assert.deepStrictEqual(endOf([[bound], every(0, FAR, moving({ running: 2 }), { openStreams: 2 })], 181_000), [
      "orphaned",
      181_000
    ])
  })

  it("engine-dead: two refused scrapes in a row and a suspect silence", () => {
    assert.deepStrictEqual(endOf([[bound], twenty, every(5000, FAR, () => "refused")], 10_000), ["engine-dead", 10_000])
    assert.isUndefined(outcomeAt([[opened()], twenty, every(5000, 100_000, () => "refused")], 100_000))
    assert.isUndefined(
      outcomeAt([[bound], twenty, every(5000, 100_000, (turn) => turn % 2 === 0 ? "refused" : "failed")], 100_000)
    )
    // One of them was before the last token.
    const refused = [scrape(1000, "refused"), scrape(6000, "refused")]
    assert.isUndefined(outcomeAt([[bound], twenty, refused], 50_000))
  })

  it("engine-dead: unhealthy for longer than a blip, and nothing moves", () => {
    const health = (...statuses: ReadonlyArray<readonly [number, number]>): Inputs =>
      statuses.map(([at, status]) => ({ _tag: "Health", at, status }))
    assert.deepStrictEqual(endOf([[bound], twenty, health([8000, 503], [13_000, 503])], 13_000), [
      "engine-dead",
      13_000
    ])
    assert.isUndefined(outcomeAt([[bound], twenty, health([8000, 503], [12_999, 503])], 100_000))
    assert.isUndefined(outcomeAt([[bound], twenty, health([8000, 503], [11_000, 200], [14_000, 503])], 100_000))
    assert.isUndefined(outcomeAt([[bound], twenty, health([1000, 503], [7000, 503])], 100_000))
    assert.isUndefined(outcomeAt([[bound], twenty, health([8000, 500], [14_000, 404])], 100_000))
    const recovers = [[bound], [frame(100)], health([8000, 503], [13_000, 503]), every(15_000, 60_000, moving())]
    assert.isUndefined(outcomeAt(recovers, 60_000))
    assert.isUndefined(
      outcomeAt([[bound], twenty, health([3000, 503]), every(0, 10_000, moving()), health([12_000, 503])], 14_000)
    )
  })

  it("engine-restarted: another process in two scrapes, by its start or by its counters", () => {
    const after = (from: Partial<EngineSample>, to: Partial<EngineSample>) =>
      every(0, FAR, (turn) => sample(turn < 2 ? { heartbeat: `${turn}`, ...from } : to))
    assert.deepStrictEqual(
      endOf(
        [[bound], twenty, after({ startedAtSeconds: 10 }, { startedAtSeconds: 20 })],
        15_000
      ),
      [
        "engine-restarted",
        15_000
      ]
    )
    const counted = { startedAtSeconds: null, generationTokens: 500 }
    assert.deepStrictEqual(
      endOf(
        [[bound], twenty, after(counted, { startedAtSeconds: null, generationTokens: 3 })],
        15_000
      ),
      [
        "engine-restarted",
        15_000
      ]
    )
  })

  it("several servers behind one address are not a restart, and refute the evidence", () => {
    const alternating = (one: Partial<EngineSample>, other: Partial<EngineSample>, period = 1): Inputs =>
      every(0, FAR, (turn) => sample(Math.floor(turn / period) % 2 === 0 ? one : other))
    const gone = [
      alternating({ startedAtSeconds: 10 }, { startedAtSeconds: 20 }),
      alternating({ startedAtSeconds: 20 }, { startedAtSeconds: 10 }),
      alternating({ startedAtSeconds: null, generationTokens: 500 }, { startedAtSeconds: null, generationTokens: 5 }),
      // The same start with counters that fall is no process that ever was.
      alternating({ generationTokens: 500 }, { generationTokens: 5 })
    ]
    for (const scrapes of gone) {
      const { state } = run([[bound], twenty, scrapes], 300_000)
      assert.strictEqual(state.binding.status, "refuted")
      assert.isUndefined(state.outcome)
    }
    const falls = every(0, FAR, (turn) => sample({ startedAtSeconds: null, generationTokens: 500 - turn }))
    assert.strictEqual(run([[bound], twenty, falls], 300_000).state.binding.status, "refuted")
  })

  it("a scrape that took long may be older than the tokens, and does not contradict them", () => {
    const contradictions = (took: number) =>
      run([[bound], twenty, [1000, 2000].map((at) => scrape(at, sample(), { askedAt: at - took }))], 3000)
        .state.binding.contradictions
    assert.deepStrictEqual([contradictions(1000), contradictions(1001)], [1, 0])
  })

  it("a server that does not serve our model is not ours", () => {
    const status = (modelServed: boolean | null) =>
      run([[bound], twenty, every(0, 10_000, moving(), { modelServed })], 10_000).state.binding.status
    assert.deepStrictEqual([status(false), status(true), status(null)], ["refuted", "proven", "proven"])
  })

  it("a stream that goes on after a restart was never with that server", () => {
    const restarts = [
      sample({ startedAtSeconds: 10, generationTokens: 100 }),
      sample({ startedAtSeconds: 20, generationTokens: 5 }),
      sample({ startedAtSeconds: 20, generationTokens: 9 })
    ]
      .map((outcome, index) => scrape(500 + index * 500, outcome))
    const { state } = run([[bound], twenty, restarts], 8000)
    assert.strictEqual(state.binding.contradictions, 1)
    assert.isUndefined(state.outcome)
    assert.strictEqual(verdictOf(state)._tag, "Slow")
  })

  it("deferred-stuck: ours is among the deferred for ten minutes, for certain", () => {
    const deferred = { running: 3, waiting: 1, deferred: 1 }
    const open = (openStreams: number) => every(0, FAR, moving(deferred), { openStreams })
    assert.deepStrictEqual(endOf([[bound], open(3)], 605_000), ["deferred-stuck", 605_000])
    assert.isUndefined(outcomeAt([[bound], open(2)], FAR))
    const released = every(0, FAR, (turn) => moving(turn === 60 ? { running: 4 } : deferred)(turn), { openStreams: 3 })
    assert.deepStrictEqual(endOf([[bound], released], 905_000), ["deferred-stuck", 905_000])
  })

  it("decode-hung: first tokens come out, and nobody gets a second one", () => {
    const prefills = (more: Partial<EngineSample>, each = 3) =>
      every(0, FAR, (turn) => sample({ heartbeat: `${turn}`, firstTokens: Math.floor(turn / each), ...more }))
    assert.deepStrictEqual(endOf([[bound], twenty, prefills({})], 65_000), ["decode-hung", 65_000])
    const since = every(2000, FAR, (turn) => sample({ heartbeat: `${turn}`, firstTokens: Math.floor(turn / 3) }))
    assert.deepStrictEqual(endOf([[bound], twenty, since], 62_000), ["decode-hung", 62_000])
    // Some request waits, perhaps ours: that takes a second witness, which here comes later.
    assert.deepStrictEqual(endOf([[bound], twenty, prefills({ waiting: 1 }, 10)], 100_000), ["decode-hung", 100_000])
    assert.deepStrictEqual(endOf([[bound], twenty, prefills({}, 10)], 65_000), ["decode-hung", 65_000])
  })

  it("decode-hung: not while somebody decodes, or those that began also ended, or nobody began", () => {
    const begins = (more: (turn: number) => Partial<EngineSample>) =>
      every(0, FAR, (turn) => sample({ heartbeat: `${turn}`, firstTokens: turn, ...more(turn) }))
    assert.isUndefined(
      outcomeAt([[bound], twenty, begins((turn) => ({ decodeOutputs: Math.floor(turn / 10) }))], 880_000)
    )
    assert.isUndefined(outcomeAt([[bound], twenty, begins((turn) => ({ finished: turn }))], 880_000))
    assert.isUndefined(outcomeAt([[bound], twenty, begins(() => ({ firstTokens: 1 }))], 880_000))
    assert.isUndefined(outcomeAt([[bound], begins(() => ({ running: 2 }))], 880_000))
    assert.isUndefined(outcomeAt([[bound], twenty, begins(() => ({ decodeOutputs: null }))], FAR))
  })

  it("decode-hung: after a quarter of an hour without a witness, and then not proved", () => {
    const verdict = stalled(
      [[bound], twenty, every(0, FAR, (turn) => sample({ heartbeat: `${turn}` }))],
      "decode-hung",
      905_000
    )!
    assert.deepStrictEqual([verdict.confidence, verdict.limit.name], ["inferred", "undecoded"])
  })

  it("silent: without evidence, from the last token or from when evidence last vouched", () => {
    const learned = { gapMillis: 150_000, firstTokenMillis: 200_000 }
    assert.deepStrictEqual(endOf([[opened({ learned })], twenty], LAST + 151_000), ["silent", LAST + 151_000])
    assert.deepStrictEqual(endOf([[opened({ learned })]], 201_000), ["silent", 201_000])
    const vouched = every(0, 100_000, moving())
    assert.deepStrictEqual(endOf([[opened({ learned, binding: "proven" })], twenty, vouched], 251_000), [
      "silent",
      251_000
    ])
    assert.deepStrictEqual(endOf([[opened({ learned, binding: "refuted" })], twenty, vouched], LAST + 151_000), [
      "silent",
      LAST + 151_000
    ])
    const verdict = stalled([[opened()], twenty], "silent", LAST + 901_000)!
    assert.deepStrictEqual(verdict.limit, { name: "silent", millis: 900_000, origin: "not-learned" })
    assert.strictEqual(verdict.circumstances.decidedBy, "limit")
  })

  it("evidence between the two looks acquits, and the next suspicion is looked at twice again", () => {
    const still = every(3000, 60_000, () => sample())
    const { state } = play(merged([bound], twenty, still, ticks(0, 62_000)))
    const condemned = step(step(state, scrape(63_000, sample())), tick(63_000))
    assert.isTrue(condemned.condemned)
    const acquitted = step(step(condemned, scrape(63_000, sample({ heartbeat: "1" }))), tick(63_000))
    assert.isFalse(acquitted.condemned)
    assert.strictEqual(verdictOf(acquitted)._tag, "Slow")
  })

  it("a token between the two looks acquits", () => {
    const inputs = merged([opened()], twenty, ticks(0, 903_000 - 1000))
    const { state } = play(inputs)
    const condemned = step(state, tick(903_000))
    assert.isTrue(condemned.condemned)
    assert.isUndefined(condemned.outcome)
    assert.strictEqual(step(condemned, tick(903_000)).outcome?._tag, "Stalled")
    assert.isFalse(step(condemned, frame(903_000)).condemned)
    const acquitted = step(step(condemned, frame(903_000)), tick(903_000))
    assert.strictEqual(verdictOf(acquitted)._tag, "Alive")
    const unread = step(step(condemned, { _tag: "Reading", at: 903_000, on: false }), tick(903_000))
    assert.isUndefined(unread.outcome)
    const late = step(step(condemned, tick(990_000)), tick(990_000))
    assert.isUndefined(late.outcome)
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
    assert.deepStrictEqual(promised.verdict.limit, { name: "agent-heartbeat", millis: 27_000, origin: "default" })
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
    assert.deepInclude(slow({ ...waits, phase: "awaiting" }, false), { _tag: "Slow", reason: "prefill" })
  })

  it("tells the next hop in one word what it knows of its engine", () => {
    const digest = (parts: ReadonlyArray<Inputs>, to: number) => engineDigestOf(run(parts, to).state)
    assert.strictEqual(digest([[opened()], twenty], 5000), "unknown")
    assert.strictEqual(digest([[bound], twenty], 5000), "unknown")
    assert.strictEqual(digest([[bound], twenty, every(0, 40_000, moving())], 42_000), "moving")
    assert.strictEqual(digest([[bound], twenty, every(0, 10_000, moving())], 42_000), "unknown")
    assert.strictEqual(digest([[bound], twenty, every(0, 40_000, () => sample({ asleep: true }))], 42_000), "asleep")
    assert.strictEqual(
      digest([[bound], twenty, every(0, 60_000, () => sample())], 200_000),
      "frozen".replace("frozen", "unknown")
    )
    assert.strictEqual(engineDigestOf(play(merged([bound], every(0, 60_000, () => sample()))).state), "frozen")
    assert.strictEqual(digest([[bound], twenty, [scrape(3000, "refused"), scrape(3500, "refused")]], 5000), "gone")
    assert.strictEqual(digest([[purple()], beats(10_000, () => ({ engine: "asleep" }))], 10_000), "asleep")
    assert.strictEqual(digest([[purple()], beats(10_000, () => ({ engine: "asleep" }))], 41_000), "unknown")
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
