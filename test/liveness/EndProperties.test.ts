/** How runs end: once, and complete only with a finish reason. Numbers as in the model's list. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { step, verdictOf } from "../../src/liveness/LivenessStep.ts"
import { runs } from "../support/propertyRuns.ts"
import { allMetrics, between, worlds, worldsWith } from "./PropertyWorlds.ts"
import { frame, gist, inputsOf, play, scrape, TICK, tick } from "./Worlds.ts"

describe("the properties of the model: ends", () => {
  it.prop("3: one final verdict, and nothing after it changes it", [worlds, worlds], ([world, more]) => {
    const { state, verdict } = play(inputsOf(world))
    if (state.outcome === undefined) return
    let after = state
    for (const input of inputsOf(more).slice(0, 2000)) after = step(after, { ...input, at: input.at + 1e7 })
    after = step(after, { _tag: "Cancelled", at: 2e7, by: "user" })
    assert.deepStrictEqual(verdictOf(after), verdict)
    assert.strictEqual(after, state)
  }, runs)

  it.prop("11: after the finish reason only completion is possible, with all tokens", [
    worlds,
    Schema.Array(between(0, 10)).check(Schema.isMaxLength(8)),
    between(0, 8000)
  ], ([world, turns, every]) => {
    const inputs = inputsOf({ ...world, end: "open" })
    const before = play(inputs)
    if (before.state.outcome !== undefined) return
    let at = inputs.at(-1)!.at
    const all = gist(before).tokens! + 1
    const finished = step(before.state, frame(at, { finishReason: "length" }))
    const rest = turns.map((turn): Input.LivenessInput => {
      at += every
      return ([
        { _tag: "Ended", at, how: "reset" },
        { _tag: "Ended", at, how: "error", code: 500 },
        { _tag: "Ended", at, how: "done" },
        { _tag: "Ended", at, how: "eof" },
        scrape(at, "refused"),
        { _tag: "Health", at, status: 503 },
        frame(at, { tokens: 0, text: false, usage: all }),
        { _tag: "Rejected", at, status: 500, retryAfterMillis: null },
        { _tag: "Cancelled", at, by: "user" },
        { _tag: "Worthless", at, as: "garbage" },
        { _tag: "TransportOnly", at }
      ] as const)[turn]!
    })
    const ticks = Array.from({ length: 12 }, (_, index) => tick(at + (index + 1) * TICK))
    const { verdict } = play([...rest, ...ticks], defaults, finished)
    if (verdict._tag !== "Completed") return assert.fail(verdict._tag)
    assert.strictEqual(verdict.tokens, all)
    assert.strictEqual(verdict.finishReason, "length")
  }, runs)

  it.prop("12: an end without a finish reason is never a completion", [
    worldsWith(allMetrics, ["done", "eof", "reset", "error", "malformed"])
  ], ([world]) => {
    const { verdict } = play(inputsOf(world))
    assert.include(["Failed", "Stalled"], verdict._tag)
  }, runs)
})
