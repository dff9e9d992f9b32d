import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Binding from "../../src/liveness/Binding.ts"
import * as Gaps from "../../src/liveness/Gaps.ts"
import { fromTokenEvents, ofTokenEvents } from "../../src/liveness/LivenessInput.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import * as Progress from "../../src/liveness/Progress.ts"
import * as RunClock from "../../src/liveness/RunClock.ts"
import { Delta, Finish, Signal, ToolCallDelta, Usage } from "../../src/token/TokenEvent.ts"
import { runs } from "../support/propertyRuns.ts"
import { sample } from "./Worlds.ts"

const nothing = { tokens: 0, text: false, usage: null }

type Frames = ReadonlyArray<readonly [number, Partial<Progress.Received>]>

const receive = (...frames: Frames) =>
  frames.reduce(
    (progress, [at, received]) => Progress.receive(progress, { ...nothing, ...received }, at, 30_000),
    Progress.none(256)
  )

describe("Progress", () => {
  it("is text, a counted token or a count that rose above everything counted", () => {
    const three = receive([0, { tokens: 3, text: true }])
    const isLife = (received: Partial<Progress.Received>) => Progress.isLife(three, { ...nothing, ...received })
    assert.isTrue(isLife({ text: true }))
    assert.isTrue(isLife({ tokens: 1 }))
    assert.isTrue(isLife({ usage: 4 }))
    assert.isFalse(isLife({}))
    assert.isFalse(isLife({ usage: 3 }))
    assert.isFalse(isLife({ usage: 0 }))
    for (const number of [Number.NaN, -1, Infinity, 0.5]) assert.isFalse(isLife({ tokens: number, usage: number }))
  })

  it("counts each token once, whoever counts", () => {
    const tokens = (...frames: Frames) => Progress.tokensOf(receive(...frames))
    assert.strictEqual(tokens([0, { tokens: 3 }], [1, { tokens: 2 }]), 5)
    assert.strictEqual(tokens([0, { tokens: 3, usage: 3 }], [1, { tokens: 2, usage: 5 }]), 5)
    assert.strictEqual(tokens([0, { tokens: 1 }], [1, { usage: 7 }], [2, { tokens: 1 }]), 8)
    assert.strictEqual(tokens([0, { usage: 7 }], [1, { usage: 7 }], [2, { usage: 6 }]), 7)
    // What is no count takes nothing away.
    for (const number of [-3, -0.5, Number.NaN, Infinity]) {
      assert.strictEqual(tokens([0, { tokens: 5 }], [1, { tokens: number }]), 5)
    }
    assert.strictEqual(tokens([0, { usage: Number.MAX_SAFE_INTEGER }]), Number.MAX_SAFE_INTEGER)
    // Text without a count stands for no known token.
    assert.strictEqual(tokens([0, { text: true }]), 0)
    // The engine knows better than we.
    assert.strictEqual(tokens([0, { tokens: 10 }], [1, { usage: 8 }]), 8)
  })

  it("learns gaps between arrivals, from the first token on, and none within an instant", () => {
    const progress = receive(
      [1000, { tokens: 1 }],
      [1200, { tokens: 1 }],
      [1200, { tokens: 1 }],
      [1300, { ...nothing }],
      [1500, { text: true }]
    )
    assert.deepStrictEqual(Gaps.values(progress.gaps), [200, 300])
    assert.strictEqual(progress.lastMillis, 1500)
    assert.deepStrictEqual(Gaps.values(receive([1, { tokens: 1 }], [2, { tokens: 1 }]).gaps), [1])
  })

  it.prop("knows the largest of all gaps, and when the first token came, long after the window has forgotten them", [
    Schema.NonEmptyArray(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))).check(
      Schema.isMaxLength(40)
    ),
    Schema.Literals([1, 4, 32])
  ], ([waits, window]) => {
    let at = 0
    const progress = waits.reduce((before, wait) => {
      at += wait
      const arrived = Progress.receive(before, { ...nothing, tokens: 1 }, at, 300)
      // What is no token is no arrival.
      return Progress.receive(arrived, nothing, at + 1, 300)
    }, Progress.none(window))
    assert.strictEqual(progress.firstMillis, waits[0])
    assert.strictEqual(progress.longestGapMillis, Math.max(0, ...waits.slice(1)))
    assert.strictEqual(progress.lastMillis, at)
  }, runs)

  it("measures the rate over one to two windows", () => {
    const at = (frames: number, gap: number) =>
      receive(...Array.from({ length: frames }, (_, index) => [index * gap, { tokens: 2 }] as const))
    assert.deepStrictEqual(Progress.rateAt(at(0, 1), 500), { tokensPerSecond: 0, overMillis: 0 })
    assert.deepStrictEqual(Progress.rateAt(at(1, 1), 500), { tokensPerSecond: 0, overMillis: 500 })
    assert.deepStrictEqual(Progress.rateAt(at(11, 1000), 10_000), { tokensPerSecond: 2, overMillis: 10_000 })
    assert.deepStrictEqual(Progress.rateAt(at(11, 1000), 20_000), { tokensPerSecond: 1, overMillis: 20_000 })
    assert.deepStrictEqual(Progress.rateAt(at(2, 1), 1), { tokensPerSecond: 2000, overMillis: 1 })
    // Measured from the first token, however long that took, and never below nothing.
    const late = receive([50_000, { tokens: 1 }], [51_000, { tokens: 4 }])
    assert.deepStrictEqual(Progress.rateAt(late, 51_000), { tokensPerSecond: 4, overMillis: 1000 })
    const corrected = receive([0, { tokens: 10 }], [1000, { usage: 8 }])
    assert.deepStrictEqual(Progress.rateAt(corrected, 1000), { tokensPerSecond: 0, overMillis: 1000 })
    const long = Progress.rateAt(at(101, 1000), 100_000)
    assert.deepStrictEqual(long, { tokensPerSecond: 2, overMillis: 40_000 })
  })
})

describe("RunClock", () => {
  const limits = { tickMillis: 1000, localPauseMillis: 5000 }
  it("leaves out our own pauses, what we may not read, and times that run back or are none", () => {
    let clock = RunClock.begin(500)
    const at = (millis: number) => {
      const advanced = RunClock.advance(clock, millis, limits)
      clock = advanced.clock
      return [RunClock.now(clock), advanced.paused]
    }
    assert.deepStrictEqual(at(1500), [1000, false])
    assert.deepStrictEqual(at(7500), [7000, false])
    assert.deepStrictEqual(at(13_501), [8000, true])
    assert.deepStrictEqual(at(13_000), [8000, false])
    assert.deepStrictEqual(at(Number.NaN), [8000, false])
    assert.deepStrictEqual(at(14_501), [9000, false])
    clock = { ...clock, reading: false }
    assert.deepStrictEqual(at(16_501), [9000, false])
    assert.deepStrictEqual(at(99_501), [9000, true])
    assert.strictEqual(RunClock.now(RunClock.begin(Number.NaN)), 0)
  })

  it("counts as far as numbers can", () => {
    assert.isTrue(RunClock.advance(RunClock.begin(0), Number.MAX_SAFE_INTEGER, limits).paused)
  })

  it("takes times that cannot be counted for none, so that it is always finite", () => {
    for (const millis of [1.7e308, -1.3e293, Infinity]) {
      assert.strictEqual(RunClock.now(RunClock.begin(millis)), 0)
      const { clock } = RunClock.advance(RunClock.begin(millis), 1000, limits)
      assert.strictEqual(RunClock.now(RunClock.advance(clock, -millis, limits).clock), 1000)
    }
  })
})

describe("Binding", () => {
  const interval = (tokens: number, moved: boolean, prompt = true): Binding.Interval => ({
    before: sample({ generationTokens: 5 }),
    after: sample({ generationTokens: moved ? 6 : 5 }),
    tokens,
    prompt
  })
  const observe = (binding: Binding.Binding, ...intervals: ReadonlyArray<Binding.Interval>) =>
    intervals.reduce((binding, interval) => Binding.observe(binding, interval, defaults), binding)
  const fresh = Binding.inherit("unproven")
  const status = (...intervals: ReadonlyArray<Binding.Interval>) => observe(fresh, ...intervals).status

  it("is inherited only from a proof", () => {
    assert.strictEqual(Binding.inherit("proven").status, "inherited")
    assert.strictEqual(Binding.inherit("refuted").status, "refuted")
    assert.deepStrictEqual(
      ["unproven", "proven", "inherited", "refuted"].map((status) =>
        Binding.isBound({ ...fresh, status: status as Binding.BindingStatus })
      ),
      [false, true, true, false]
    )
  })

  it("is proved by five tokens that moved the counter", () => {
    assert.strictEqual(status(interval(5, true)), "proven")
    assert.strictEqual(status(interval(4, true)), "unproven")
    assert.strictEqual(status(interval(5, true, false)), "proven")
  })

  it("is refuted by two contradictions, for good", () => {
    const no = interval(5, false)
    const yes = interval(5, true)
    assert.strictEqual(status(no), "unproven")
    assert.strictEqual(status(no, no), "refuted")
    assert.strictEqual(status(no, no, yes, yes), "refuted")
    assert.strictEqual(status(interval(4, false), interval(4, false)), "unproven")
    assert.strictEqual(status(interval(5, false, false), interval(5, false, false)), "unproven")
    assert.strictEqual(status(no, yes, no), "refuted")
    assert.strictEqual(status(no, yes, yes, yes, yes, yes, no), "refuted")
    assert.strictEqual(status(no, yes, yes, yes, yes, yes, yes, no), "proven")
    // What is forgotten counts as never said.
    assert.strictEqual(status(no, yes, yes, yes, yes, yes, yes, no, no), "refuted")
    // Confirmations count from the last contradiction on.
    assert.strictEqual(status(yes, yes, yes, no, yes, yes, yes, no), "refuted")
    const unknown = { ...no, before: sample({ generationTokens: null }), after: sample({ generationTokens: null }) }
    assert.strictEqual(status(unknown, unknown), "unproven")
  })
})

describe("fromTokenEvents", () => {
  it("makes one input of what arrived together", () => {
    const events = [
      Signal.make({ signal: "role" }),
      Delta.make({ channel: "reasoning", text: "hm", tokens: 2 }),
      Delta.make({ channel: "content", text: "a", tokens: 1 }),
      Delta.make({ channel: "content", text: "", tokens: 1 }),
      Finish.make({ reason: "stop" }),
      Usage.make({ promptTokens: 3, completionTokens: 4 })
    ]
    assert.deepStrictEqual(fromTokenEvents(events, 7), {
      _tag: "Frame",
      at: 7,
      tokens: 4,
      text: true,
      usage: 4,
      channel: "content",
      finishReason: "stop"
    })
    assert.deepStrictEqual(ofTokenEvents(events, 7), [fromTokenEvents(events, 7)])
    const call = ToolCallDelta.make({ index: 0, arguments: "{", tokens: 1 })
    assert.deepStrictEqual(fromTokenEvents([call, Signal.make({ signal: "empty" })], 7), {
      _tag: "Frame",
      at: 7,
      tokens: 1,
      text: true,
      usage: null,
      channel: "tool-call",
      finishReason: null
    })
    const hidden = Delta.make({ channel: "content", text: "", tokens: 1 })
    assert.deepInclude(fromTokenEvents([hidden], 7), { _tag: "Frame", tokens: 1, text: false, channel: null })
    assert.deepInclude(fromTokenEvents([Finish.make({ reason: "length" })], 7), {
      _tag: "Frame",
      tokens: 0,
      text: false,
      finishReason: "length"
    })
  })

  it("takes signals for the transport, and an accepted request for its headers", () => {
    assert.deepStrictEqual(fromTokenEvents([Signal.make({ signal: "keep-alive" })], 7), {
      _tag: "TransportOnly",
      at: 7
    })
    assert.deepStrictEqual(fromTokenEvents([], 7), { _tag: "TransportOnly", at: 7 })
    assert.deepStrictEqual(fromTokenEvents([Signal.make({ signal: "accepted" })], 7), { _tag: "Headers", at: 7 })
    const usage = fromTokenEvents([Usage.make({ promptTokens: 3, completionTokens: 0 })], 7)
    assert.deepInclude(usage, { _tag: "Frame", tokens: 0, text: false, usage: 0, finishReason: null })
  })
})
