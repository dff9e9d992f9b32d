import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Artifact, Heartbeat, Replaced, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import * as BattleProgress from "../../src/agents/BattleProgress.ts"
import type { EngineDigest } from "../../src/liveness/LivenessInput.ts"
import type { Phase } from "../../src/liveness/Phase.ts"
import { Delta, Signal, Usage } from "../../src/token/TokenEvent.ts"
import { said } from "../support/agents.ts"

const beat = (phase: Phase, engine: EngineDigest): TaskEvent =>
  Heartbeat.make({ phase, tokens: 0, tokenAgeMillis: 0, engine, intervalMillis: 5000 })

/** The line at a moment, in seconds, of a battle that began at 100 s and saw this. */
const line = (atSeconds: number, ...seen: ReadonlyArray<readonly [atSeconds: number, event: TaskEvent]>) => {
  let progress = BattleProgress.begin(100_000)
  for (const [at, event] of seen) progress = BattleProgress.step(progress, [event], 100_000 + at * 1000)
  return BattleProgress.textOf(progress, "roman-numerals against agent (2 of 6)", 100_000 + atSeconds * 1000)
}
const name = "roman-numerals against agent (2 of 6): "

describe("the line about a battle", () => {
  it("says what flows, how fast, and since when it does not", () => {
    const flow = Array.from({ length: 340 }, (_, index) => [1 + index / 41, said("x")] as const)
    assert.strictEqual(
      line(9.5, [0.1, Signal.make({ signal: "accepted" })], ...flow),
      `${name}decoding, 340 tokens, 40 tokens/s, quiet for 0.2 s`
    )
    assert.strictEqual(line(2, [1.5, said("x")]), `${name}decoding, 1 token, quiet for 0.5 s`)
    assert.strictEqual(
      line(3, [1, Delta.make({ channel: "reasoning", text: "x", tokens: 1 })], [2, said("x")]),
      `${name}decoding, 2 tokens, 0.5 tokens/s, quiet for 1.0 s`
    )
  })

  it("says what it waits for while there is no token", () => {
    assert.strictEqual(line(0.4), `${name}connecting, no token yet for 0.4 s`)
    assert.strictEqual(
      line(80, [5, beat("queued", "moving")]),
      `${name}queued, no token yet for 1:20, engine stepping`
    )
    assert.strictEqual(line(3725, [5, beat("queued", "unknown")]), `${name}queued, no token yet for 1:02:05`)
    assert.strictEqual(
      line(59.99, [5, beat("prefill", "frozen")]),
      `${name}reading the prompt, no token yet for 59 s, engine standing still`
    )
  })

  it("says what the engine does only while it is silent, and not what it did before the last token", () => {
    const frozen = [3, beat("decoding", "frozen")] as const
    assert.include(line(10, [1, said("x")], frozen), "quiet for 9.0 s, engine standing still")
    assert.notInclude(line(2.5, [1, said("x")], [2, beat("decoding", "moving")]), "engine")
    assert.notInclude(line(20, [1, said("x")], frozen, [4, said("y")]), "engine")
  })

  it("takes the engine's count, text without a count for life, and no signal for a token", () => {
    assert.include(line(2, [1, said("x")], [1, Usage.make({ promptTokens: 9, completionTokens: 70 })]), ", 70 tokens,")
    assert.include(line(9, [1, Replaced.make({ text: "x" })]), "0 tokens")
    assert.strictEqual(line(9, [1, Signal.make({ signal: "keep-alive" })]), `${name}waiting, no token yet for 9.0 s`)
  })

  it("shows what the participant says of itself, in one short line", () => {
    assert.strictEqual(
      line(3, [1, Status.make({ state: "working", text: ` searching\n the \u001b[2J web ${"x".repeat(500)}` })], [
        2,
        Status.make({ state: "working", text: "" })
      ]),
      `${name}waiting, no token yet for 3.0 s, says "searching the [2J web ${"x".repeat(77)}…"`
    )
  })

  it("says how long it has been grading", () => {
    const progress = BattleProgress.enter(BattleProgress.step(BattleProgress.begin(0), [said("x")], 1), "grading", 5000)
    assert.strictEqual(BattleProgress.textOf(progress, "a", 17_000), "a: grading for 12 s, 1 token")
  })
})

/** When lines are told, of a battle whose phase changes at the given moments, looked at every so often; milliseconds. */
const toldAt = (changes: ReadonlyArray<number>, pace: BattleProgress.Pace, untilMillis: number, lookMillis = 1000) => {
  const phases: ReadonlyArray<Phase> = ["queued", "prefill", "decoding", "thinking", "tool-call", "agent-work"]
  let progress = BattleProgress.begin(0)
  const lines: Array<number> = []
  for (let at = 0; at <= untilMillis; at += lookMillis) {
    const phase = changes.filter((change) => change <= at).length
    const event = phase === 0
      ? Artifact.make({ artifactId: "a", name: "a", parts: [] })
      : beat(phases[phase % 6]!, "moving")
    progress = BattleProgress.step(progress, [event], at)
    if (!BattleProgress.isDue(progress, at, pace)) continue
    progress = BattleProgress.told(progress, at)
    lines.push(at)
  }
  return lines
}

describe("when a line is due", () => {
  const pace = BattleProgress.defaultPace

  it("every ten seconds, and two after the last where the phase has changed", () => {
    assert.deepStrictEqual(toldAt([], pace, 35_000), [10_000, 20_000, 30_000])
    assert.deepStrictEqual(toldAt([500, 3000, 3500, 13_500], pace, 25_000), [2000, 4000, 14_000, 24_000])
  })

  it("never after the end", () => {
    const over = BattleProgress.enter(BattleProgress.begin(0), "over", 1)
    assert.isFalse(BattleProgress.isDue(over, 1e9, pace))
  })

  it("more rarely of each where several run at once, so that all together are no louder than one", () => {
    assert.deepStrictEqual(BattleProgress.shared(pace, 1), pace)
    assert.deepStrictEqual(BattleProgress.shared(pace, 16), { everyMillis: 32_000, leastMillis: 32_000 })
    assert.deepStrictEqual(BattleProgress.shared(pace, 3), { everyMillis: 10_000, leastMillis: 6000 })
  })

  it.prop("never more often than it may, never more rarely than it must", [
    Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60_000 }))),
    Schema.Literals([100, 500, 1000])
  ], ([changes, look]) => {
    const lines = [0, ...toldAt(changes, pace, 60_000, look)]
    for (const [index, at] of lines.slice(1).entries()) {
      const gap = at - lines[index]!
      assert.isAtLeast(gap, pace.leastMillis)
      assert.isAtMost(gap, pace.everyMillis)
    }
    assert.isAtMost(60_000 - lines.at(-1)!, pace.everyMillis)
  }, { arbitrary: { runs: 300 } })
})
