import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { type FinishedRun, fromState, teachesSomething } from "../../src/liveness/FinishedRun.ts"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { runs } from "../support/propertyRuns.ts"
import { bound, every, type Inputs, LAST, merged, moving, ticks, twenty } from "./Runs.ts"
import { frame, headers, opened, play, sample } from "./Worlds.ts"

/** What a run teaches that gets these inputs, ticks throughout. */
const taught = (
  ...parts: ReadonlyArray<Inputs>
): readonly [FinishedRun["largestGapMillis"], FinishedRun["firstTokenMillis"]] => {
  const inputs = parts.flat()
  const { state } = play(merged(inputs, ticks(0, Math.max(...inputs.map(({ at }) => at)))))
  const { firstTokenMillis, largestGapMillis } = fromState(state)
  return [largestGapMillis, firstTokenMillis]
}

const start: Inputs = [opened()]
const finish = (at: number, more: Partial<Input.Frame> = {}): Inputs => [
  frame(at, { tokens: 0, text: false, channel: null, finishReason: "stop", ...more }),
  { _tag: "Ended", at, how: "done" }
]
const ended = (at: number, how: Input.Ended["how"]): Inputs => [{ _tag: "Ended", at, how }]
const cancelled = (at: number, by: Input.Cancelled["by"] = "user"): Inputs => [{ _tag: "Cancelled", at, by }]

describe("a completed run teaches", () => {
  it("its largest gap and when its first token came", () => {
    assert.deepStrictEqual(taught(start, twenty, [frame(42_000)], finish(42_100)), [40_000, 100])
  })

  it("its largest gap, however many gaps came after it", () => {
    const many = Array.from({ length: 400 }, (_, index) => frame(42_000 + index * 10))
    assert.deepStrictEqual(taught(start, twenty, many, finish(46_000)), [40_000, 100])
  })

  it("the silence in front of its finish, if that is longer", () => {
    assert.deepStrictEqual(taught(start, twenty, finish(LAST + 70_000)), [70_000, 100])
    // The count comes after the finish, and with it the last token.
    const late = frame(LAST + 70_500, { tokens: 0, text: false, usage: 21 })
    const [finished, done] = finish(LAST + 70_000)
    assert.deepStrictEqual(taught(start, twenty, [finished!, late, { ...done!, at: LAST + 70_600 }]), [70_500, 100])
  })

  it("no gap where there was one token only, or the tokens came at once", () => {
    assert.deepStrictEqual(taught(start, [frame(700), frame(700)], finish(700)), [0, 700])
  })

  it("how long it took without a token, where none came", () => {
    assert.deepStrictEqual(taught(start, finish(50_000)), [null, 50_000])
  })

  it("the same if it is cancelled or cut after its finish", () => {
    const [finished] = finish(LAST + 100)
    for (const last of [cancelled(LAST + 4000), ended(LAST + 4000, "reset")]) {
      assert.deepStrictEqual(taught(start, twenty, [finished!], last), [100, 100])
    }
  })

  it("no time in which this machine stood still, or did not let us read", () => {
    const { state } = play([...start, ...twenty, frame(600_000), ...finish(600_100)])
    assert.deepStrictEqual(fromState(state), { largestGapMillis: 1000, firstTokenMillis: 100 })
  })
})

describe("a run that was given up teaches", () => {
  it("that it was longer than anybody waited, if that was inferred from silence", () => {
    assert.deepStrictEqual(taught(start, twenty, [{ _tag: "Tick", at: 1_000_000 }]), [Infinity, 100])
    assert.deepStrictEqual(taught(start, [headers, { _tag: "Tick", at: 2_000_000 }]), [null, Infinity])
  })

  it("nothing about silence, if evidence proved the hang", () => {
    const hung = every(3000, 203_000, () => sample({ heartbeat: "still" }))
    assert.deepStrictEqual(taught([bound], twenty, hung), [null, 100])
    assert.deepStrictEqual(taught([bound], hung), [null, null])
    assert.deepInclude(play(merged([bound], hung, ticks(0, 203_000))).verdict, {
      _tag: "Stalled",
      confidence: "proved"
    })
  })
})

describe("a run that failed or was cancelled teaches", () => {
  const suspected = 5001

  it("that it was longer, if it ended in a silence without like", () => {
    for (const end of [cancelled, (at: number) => ended(at, "eof"), (at: number) => cancelled(at, "downstream-gone")]) {
      assert.deepStrictEqual(taught(start, twenty, end(LAST + suspected)), [Infinity, 100])
      assert.deepStrictEqual(taught(start, end(30_001)), [null, Infinity])
    }
    const vouched = every(3000, LAST + 600_000, moving())
    assert.deepStrictEqual(taught([bound], twenty, vouched, cancelled(LAST + 600_000)), [Infinity, 100])
  })

  it("nothing about silence otherwise", () => {
    const paused = [...twenty, frame(42_000)]
    for (const end of [cancelled, (at: number) => ended(at, "reset"), (at: number) => ended(at, "malformed")]) {
      // Nobody was suspicious yet.
      assert.deepStrictEqual(taught(start, twenty, end(LAST + 5000)), [null, 100])
      assert.deepStrictEqual(taught(start, end(30_000)), [null, null])
      // It had a gap like this before.
      assert.deepStrictEqual(taught(start, paused, end(82_000)), [null, 100])
      assert.deepStrictEqual(taught(start, paused, end(82_001)), [Infinity, 100])
    }
  })

  it("nothing if nobody took it", () => {
    for (const how of ["connect-error", "connect-timeout"] as const) {
      assert.deepStrictEqual(taught(start, ended(90_000, how)), [null, null])
    }
    const rejected = (status: number): Inputs => [{ _tag: "Rejected", at: 90_000, status, retryAfterMillis: null }]
    assert.deepStrictEqual(taught(start, rejected(400)), [null, null])
    // The patience of a gateway says that it took long.
    assert.deepStrictEqual(taught(start, rejected(504)), [null, Infinity])
  })

  it("nothing while it goes on", () => {
    const { state } = play([...start, ...twenty])
    assert.isFalse(teachesSomething(fromState(state)))
    assert.isTrue(teachesSomething({ largestGapMillis: 0, firstTokenMillis: null }))
    assert.isTrue(teachesSomething({ largestGapMillis: null, firstTokenMillis: 0 }))
  })
})

describe("any run", () => {
  const Wait = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 80_000 }))
  const Waits = Schema.NonEmptyArray(Wait).check(Schema.isMaxLength(5))

  it.prop("teaches exact numbers if it completes, and never a number that it did not show if it does not", [
    Waits,
    Wait
  ], ([waits, last]) => {
    let at = 0
    const frames = waits.map((wait) => frame(at += wait))
    const gaps = waits.slice(1)
    const suspect = 30_000
    const end = at + last
    assert.deepStrictEqual(taught(start, frames, finish(end)), [Math.max(last, ...gaps), waits[0]])
    const isCensored = last > Math.max(suspect, ...gaps)
    for (const unfinished of [cancelled(end), ended(end, "eof")]) {
      assert.deepStrictEqual(taught(start, frames, unfinished), [isCensored ? Infinity : null, waits[0]])
    }
    assert.deepStrictEqual(taught(start, finish(last)), [null, last])
    assert.deepStrictEqual(taught(start, cancelled(last)), [null, last > suspect ? Infinity : null])
  }, runs)
})
