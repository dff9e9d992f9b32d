/** What is said of a silence in advance is what ends it: the same limit, at its time. */
import { assert, describe, it } from "@effect/vitest"
import { heartbeatOf } from "../../src/liveness/Heartbeat.ts"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { step } from "../../src/liveness/LivenessStep.ts"
import * as Outlook from "../../src/liveness/Outlook.ts"
import { outlookOf } from "../../src/liveness/outlookOf.ts"
import type { RunState } from "../../src/liveness/RunState.ts"
import { bound, every, type Inputs, LAST, merged, moving, run, ticks, twenty } from "./Runs.ts"
import { frame, opened, play, sample, tick } from "./Worlds.ts"

const FAR = 1_300_000

/** The run as it is at that moment. */
const stateAt = (to: number, ...parts: ReadonlyArray<Inputs>): RunState =>
  run(parts.map((inputs) => inputs.filter(({ at }) => at <= to)), to).state

/** The limit that was told at some moment of the silence that a stall ended, and by how much it was off. */
const toldBefore = (beforeMillis: number, ...parts: ReadonlyArray<Inputs>) => {
  const { endedAt, state: { outcome } } = run(parts, FAR)
  assert.strictEqual(outcome?._tag, "Stalled")
  const { limit } = outcome as Extract<typeof outcome, { readonly _tag: "Stalled" }>
  const told = outlookOf(stateAt(endedAt! - beforeMillis, ...parts))
  return {
    same: told.limit?.name === limit.name && told.limit.millis === limit.millis && told.limit.origin === limit.origin,
    early: endedAt! - told.limit!.sinceMillis - told.limit!.millis,
    engine: told.engine,
    slow: told.slow
  }
}

const beat = (at: number, more: Partial<Input.Heartbeat> = {}): Input.Heartbeat => ({
  _tag: "Heartbeat",
  at,
  phase: "decoding",
  tokens: 20,
  tokenAgeMillis: at - LAST,
  engine: "moving",
  intervalMillis: 5000,
  ...more
})

const beats = (from: number, to: number, more: Partial<Input.Heartbeat> = {}): Inputs =>
  Array.from({ length: Math.floor((to - from) / 5000) + 1 }, (_, turn) => beat(from + turn * 5000, more))

describe("an outlook", () => {
  it("tells the limit that ends the silence: without evidence, and while an engine stands still", () => {
    const silent = toldBefore(60_000, [opened()], twenty)
    assert.deepInclude(silent, { same: true, engine: "unknown", slow: "silent-unverified" })
    assert.isAtMost(Math.abs(silent.early), 2000)
    const frozen = toldBefore(20_000, [bound], twenty, every(3000, FAR, () => sample()))
    assert.deepInclude(frozen, { same: true, engine: "still", slow: "silent-decoding" })
    // It is believed with the next scrape only.
    assert.isAtMost(Math.abs(frozen.early), 7000)
  })

  it("tells no limit where evidence or an agent vouches, and the silent one from when nobody does", () => {
    const well = run([[bound], twenty, every(3000, 40_000, moving())], 40_000).state
    assert.deepInclude(outlookOf(well), { limit: null, engine: "moving", slow: "silent-decoding" })
    const vouched = run([[opened()], twenty, beats(7000, 40_000)], 40_000).state
    assert.deepInclude(outlookOf(vouched), { limit: null, engine: "moving" })
    const doubted = run(
      [[opened()], twenty, beats(7000, 40_000), beats(42_000, 70_000, { engine: "unknown" })],
      70_000
    ).state
    const { engine, limit } = outlookOf(doubted)
    assert.deepStrictEqual([engine, limit?.name, limit?.sinceMillis], ["unknown", "silent", 37_000])
  })

  it("tells the heartbeats' limit once they stay away", () => {
    const missing = toldBefore(5000, [opened()], twenty, beats(7000, 12_000))
    assert.deepInclude(missing, { same: true, engine: "moving" })
    assert.isAtMost(Math.abs(missing.early), 2000)
  })

  it("hands a limit on from hop to hop, as old as it is", () => {
    const parts = [[bound], twenty, every(3000, FAR, () => sample())]
    const inner = (at: number) => stateAt(at, ...parts)
    const limitAt = (at: number) => outlookOf(inner(at)).limit
    const outer = play(
      merged(
        [opened({ run: { hop: "purple", attempt: 1, endpoint: "agent", model: "" } })],
        twenty,
        [20_000, 25_000, 30_000].map((at): Input.Heartbeat => ({ _tag: "Heartbeat", at, ...heartbeatOf(inner(at)) })),
        ticks(0, 33_000)
      )
    ).state
    assert.deepStrictEqual(outlookOf(outer), {
      limit: limitAt(30_000),
      engine: "still",
      slow: "silent-decoding",
      stalled: null
    })
    assert.strictEqual(limitAt(30_000)?.name, "frozen")
    // What an agent says of limits is for people: nothing is judged by it.
    const { limit: _limit, ...silent } = heartbeatOf(inner(30_000))
    const without = step(outer, { _tag: "Heartbeat", at: 33_000, ...silent })
    const { agent: _one, ...judged } = step(outer, { _tag: "Heartbeat", at: 33_000, ...heartbeatOf(inner(30_000)) })
    const { agent: _other, ...same } = without
    assert.deepStrictEqual(judged, same)
  })

  it("is calm while tokens come, after the finish, and after whatever else ended it", () => {
    const calmAt = (to: number, ...parts: ReadonlyArray<Inputs>) => outlookOf(run(parts, to).state)
    assert.deepStrictEqual(calmAt(LAST + 5000, [opened()], twenty), Outlook.calm)
    assert.notDeepEqual(calmAt(LAST + 6000, [opened()], twenty), Outlook.calm)
    assert.deepStrictEqual(calmAt(30_000, [opened()], twenty, [frame(29_000)]), Outlook.calm)
    assert.deepStrictEqual(calmAt(1_200_000, [opened()], twenty), { ...Outlook.calm, stalled: "silent" })
    const finished = play([opened(), ...twenty, frame(2100, { finishReason: "stop" }), tick(3000)]).state
    assert.deepStrictEqual(outlookOf(finished), Outlook.calm)
  })

  it("is another one where anything in it differs but a second of a limit's beginning", () => {
    const one = outlookOf(run([[opened()], twenty], 30_000).state)
    const limit = one.limit!
    const others: ReadonlyArray<Outlook.Outlook> = [
      { ...one, engine: "moving" },
      { ...one, slow: null },
      { ...one, stalled: "silent" },
      { ...one, limit: null },
      { ...one, limit: { ...limit, millis: limit.millis + 1 } },
      { ...one, limit: { ...limit, name: "frozen" } },
      { ...one, limit: { ...limit, origin: "floor" } },
      { ...one, limit: { ...limit, sinceMillis: limit.sinceMillis + 2000 } }
    ]
    assert.deepStrictEqual(others.map((other) => Outlook.isSame(one, other)), others.map(() => false))
    assert.isTrue(Outlook.isSame(one, { ...one, limit: { ...limit, sinceMillis: limit.sinceMillis + 1000 } }))
  })
})
