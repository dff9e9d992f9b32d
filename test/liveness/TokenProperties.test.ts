/** What counts as a token, and what does not. Numbers as in the model's list. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { step, verdictOf } from "../../src/liveness/LivenessStep.ts"
import { runs } from "../support/propertyRuns.ts"
import { between, merged, ticksTo, worlds } from "./PropertyWorlds.ts"
import { frame, gist, inputsOf, opened, play, TICK } from "./Worlds.ts"

describe("the properties of the model: tokens", () => {
  it.prop("6: comments, roles, empty deltas, constant counts and headers change nothing", [
    worlds,
    between(300, 20_000)
  ], ([world, noiseEveryMillis]) => {
    const quiet = play(inputsOf(world))
    const loud = play(inputsOf({ ...world, noiseEveryMillis }))
    assert.deepStrictEqual(gist(loud), gist(quiet))
  }, runs)

  it.prop(
    "13: chunks do not matter: n tokens at once are n tokens at that instant",
    [worlds, between(2, 9)],
    ([world, n]) => {
      const chunked = inputsOf({ ...world, tokensPerFrame: n })
      const single = chunked.flatMap((input) =>
        input._tag === "Frame" && input.tokens === n
          ? Array.from({ length: n }, () => ({ ...input, tokens: 1 }))
          : [input]
      )
      assert.deepStrictEqual(gist(play(single)), gist(play(chunked)))
    },
    runs
  )

  it.prop("14: slow is not final: a token makes it alive again", [worlds], ([world]) => {
    const { state, verdict } = play(inputsOf({ ...world, end: "open" }))
    if (verdict._tag !== "Slow") return
    const again = verdictOf(step(state, frame(1e8)))
    assert.strictEqual(again._tag, "Alive")
  }, runs)

  it.prop("16: a rising count is life even without text, a constant one is not", [
    Schema.Array(between(1000, 100_000)).check(Schema.isMinLength(2), Schema.isMaxLength(12)),
    Schema.Boolean
  ], ([gaps, rises]) => {
    let at = 0
    const frames = gaps.map((gap, index) =>
      frame(at += gap, { tokens: 0, text: false, channel: null, usage: rises ? index + 1 : 1 })
    )
    const limits = { ...defaults, silentCeilingMillis: 120_000 }
    const { endedAt, verdict } = play(merged([opened()], frames, ticksTo(at)), limits)
    if (rises) return assert.strictEqual("tokens" in verdict ? verdict.tokens : 0, gaps.length)
    const silence = at - gaps[0]!
    assert.strictEqual(endedAt !== undefined, Math.ceil(at / TICK) * TICK > gaps[0]! + 120_000, `${silence}`)
  }, runs)
})
