/** Additive increase, multiplicative decrease: what each input does to the limit, and what no sequence of them can. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { type ConcurrencyInput, initial, limitOf, step } from "../../src/campaign/ConcurrencyStep.ts"
import { runs } from "../support/propertyRuns.ts"

const adaptive = (first: number, most: number) => initial({ _tag: "Adaptive", first, most })
const completed = (at: number, full = true): ConcurrencyInput => ({ _tag: "Completed", at, full })
const refused = (at: number, beganAtMillis: number): ConcurrencyInput => ({ _tag: "Refused", at, beganAtMillis })
const queued = (at: number, sinceMillis: number, seconds: number): ConcurrencyInput => ({
  _tag: "Queued",
  at,
  sinceMillis,
  seconds
})
const after = (first: number, most: number, ...inputs: ReadonlyArray<ConcurrencyInput>) =>
  inputs.reduce((state, input) => step(state, input), adaptive(first, most))

describe("ConcurrencyStep", () => {
  it("adds about one for each round that was full, and nothing where there was room", () => {
    const round = Array.from({ length: 5 }, (_, index) => completed(index))
    assert.strictEqual(limitOf(after(4, 32, ...round)), 5)
    assert.strictEqual(limitOf(after(4, 32, ...round.map(({ at }) => completed(at, false)))), 4)
    assert.strictEqual(limitOf(after(4, 5, ...Array.from({ length: 100 }, (_, index) => completed(index)))), 5)
  })

  it("halves for a refusal, once for all battles that began before it", () => {
    assert.strictEqual(limitOf(after(16, 16, refused(100, 10))), 8)
    assert.strictEqual(limitOf(after(16, 16, refused(100, 10), refused(101, 11), refused(140, 99))), 8)
    assert.strictEqual(limitOf(after(16, 16, refused(100, 10), refused(200, 101))), 4)
    assert.strictEqual(limitOf(after(1, 16, refused(100, 10))), 1)
  })

  it("takes a quarter where queue time doubles and is more than a second, measured after the last cut", () => {
    assert.strictEqual(limitOf(after(16, 16, queued(5, 0, 0.1), queued(10, 5, 0.9))), 16)
    assert.strictEqual(limitOf(after(16, 16, queued(5, 0, 0.1), queued(10, 5, 1.1))), 12)
    assert.strictEqual(limitOf(after(16, 16, queued(5, 0, 2), queued(10, 5, 3.9))), 16)
    assert.strictEqual(limitOf(after(16, 16, queued(5, 0, 2), queued(10, 5, 4.2))), 12)
    // The interval lay before the cut.
    assert.strictEqual(limitOf(after(16, 16, queued(5, 0, 0.1), queued(10, 5, 3), queued(15, 9, 3))), 12)
    assert.strictEqual(limitOf(after(16, 16, queued(5, 0, 0.1), queued(10, 5, 3), queued(15, 10, 3))), 9)
    // An engine that is always slow is nobody's fault.
    assert.strictEqual(
      limitOf(after(16, 16, ...Array.from({ length: 50 }, (_, index) => queued(index, index - 1, 30)))),
      16
    )
  })

  it("forgets its best moment in time", () => {
    const one = [queued(0, -1, 0.6), ...Array.from({ length: 200 }, (_, index) => queued(1 + index, index, 1.19))]
    assert.strictEqual(limitOf(after(16, 16, ...one, queued(300, 299, 2))), 16)
    assert.strictEqual(limitOf(after(16, 16, one[0]!, queued(300, 299, 2))), 12)
  })

  const Input = Schema.Union([
    Schema.TaggedStruct("Completed", { at: Schema.Finite, full: Schema.Boolean }),
    Schema.TaggedStruct("Refused", { at: Schema.Finite, beganAtMillis: Schema.Finite }),
    Schema.TaggedStruct("Queued", { at: Schema.Finite, sinceMillis: Schema.Finite, seconds: Schema.Finite })
  ])
  const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 64 }))

  it.prop(
    "is never below 1 nor above its bound, and rises only by completions",
    [Count, Count, Schema.Array(Input)],
    ([a, b, inputs]) => {
      let state = adaptive(Math.min(a, b), Math.max(a, b))
      for (const input of inputs) {
        const next = step(state, input)
        assert.isAtLeast(limitOf(next), 1)
        assert.isAtMost(limitOf(next), Math.max(a, b))
        if (next.level > state.level) assert.strictEqual(input._tag, "Completed")
        if (input._tag === "Completed") assert.isAtLeast(next.level, state.level)
        state = next
      }
    },
    runs
  )

  it.prop("is what a campaign has fixed", [Count, Schema.Array(Input)], ([battles, inputs]) => {
    const state = inputs.reduce((before, input) => step(before, input), initial({ _tag: "Fixed", battles }))
    assert.strictEqual(limitOf(state), battles)
  }, runs)
})
