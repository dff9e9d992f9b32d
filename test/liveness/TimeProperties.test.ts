/** Time: shifted, paused, running back, and many things at one instant. Numbers as in the model's list. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { initial, step } from "../../src/liveness/LivenessStep.ts"
import { runs } from "../support/propertyRuns.ts"
import { between, worlds } from "./PropertyWorlds.ts"
import { gist, inputsOf, play, randomOf, SCRAPE, TICK, tick } from "./Worlds.ts"

describe("the properties of the model: time", () => {
  it.prop("9: shifting all times shifts the verdict and changes nothing in it", [
    worlds,
    between(-1_000_000_000, 1_000_000_000)
  ], ([world, shift]) => {
    const inputs = inputsOf(world)
    const here = play(inputs)
    const there = play(inputs.map((input) =>
      input._tag === "Scrape"
        ? { ...input, at: input.at + shift, askedAt: input.askedAt + shift }
        : { ...input, at: input.at + shift }
    ))
    assert.deepStrictEqual(there.verdict, here.verdict)
    assert.strictEqual(there.endedAt, here.endedAt === undefined ? undefined : here.endedAt + shift)
  }, runs)

  it.prop("10: a late tick of any length never ends a run, and moves its end by as much", [
    worlds,
    between(0, 400_000),
    between(7001, 100_000_000)
  ], ([world, at, pause]) => {
    const inputs = inputsOf({ ...world, end: "open" })
    const plain = play(inputs)
    const before = inputs.filter((input) => input.at <= at)
    if (plain.endedAt !== undefined && plain.endedAt <= before.at(-1)!.at) return
    const { state } = play(before)
    const late = step(step(state, tick(before.at(-1)!.at + pause)), tick(before.at(-1)!.at + pause))
    assert.isUndefined(late.outcome)
    assert.strictEqual(late.progress.lastMillis, state.progress.lastMillis)
    // The other inputs go on as if nothing had been, only later; the first tick stands for the one that was missed.
    const later = (by: number) => [
      tick(before.at(-1)!.at + by),
      ...inputs.filter((input) => input.at > at).map((input) => ({
        ...input,
        at: input.at + by,
        ...input._tag === "Scrape" ? { askedAt: input.askedAt + by } : {}
      } as Input.LivenessInput))
    ]
    const after = play(later(pause), defaults, state)
    // All of a pause but one tick is left out, so it is as if they had come that much later.
    const punctual = play(later(TICK), defaults, state)
    const ended = punctual.endedAt
    if (ended === undefined) return
    // After a pause nobody is given up for a moment; who has shown nothing by its end, nor anybody else, is given up then.
    const moment = defaults.localPauseMillis + SCRAPE + 2 * TICK
    const isSaved = ended > inputs.at(-1)!.at - moment ||
      inputs.some(({ _tag, at }) => _tag !== "Tick" && at > ended - 2 * TICK && at <= ended + moment)
    if (after.endedAt === undefined) return assert.isTrue(isSaved)
    assert.isAtLeast(after.endedAt - pause, ended - TICK - SCRAPE)
  }, runs)

  it.prop("25: only monotonic time is known, and it never runs back for a run", [
    worlds,
    Schema.Array(between(-100_000_000, 0)).check(Schema.isMinLength(1), Schema.isMaxLength(5))
  ], ([world, jumps]) => {
    // What claims to be of an earlier time happens now.
    const inputs = inputsOf(world)
    const disturbed = inputs.map((input, index) =>
      input._tag === "TransportOnly" || input._tag === "Headers"
        ? { ...input, at: input.at + jumps[index % jumps.length]! }
        : input
    )
    assert.deepStrictEqual(gist(play(disturbed)), gist(play(inputs)))
  }, runs)

  it.prop(
    "26: what arrives at the instant of a tick counts, in any order",
    [worlds, between(1, 1_000_000)],
    ([world, seed]) => {
      const random = randomOf(seed)
      const inputs = inputsOf({
        ...world,
        stretches: world.stretches.map((stretch) => ({
          ...stretch,
          millis: stretch.millis - stretch.millis % 1000 + 1000,
          gapMillis: Math.ceil((stretch.gapMillis as number) / 1000) * 1000
        })),
        end: "open",
        scrapeAt: 0
      })
      // Ticks anywhere among what else is told of their instant; the second look comes after all of it.
      const [first, ...rest] = inputs
      const shuffled = rest
        .map((input, index) => ({ input, order: input._tag === "Tick" ? random() * rest.length : index }))
        .toSorted((one, other) => one.input.at - other.input.at || one.order - other.order)
        .map(({ input }) => input)
      const looked = (list: ReadonlyArray<Input.LivenessInput>) => {
        let state = step(initial(defaults), first!)
        for (const [index, input] of list.entries()) {
          state = step(state, input)
          if (list[index + 1]?.at !== input.at) {
            state = step(state, tick(input.at))
            if (state.condemned) state = step(state, tick(input.at))
          }
          if (state.outcome !== undefined) {
            return {
              kind: state.outcome,
              at: input.at,
              tokens: gist({
                state,
                verdict: state.outcome,
                endedAt: 0,
                reasons: new Set()
              }).tokens
            }
          }
        }
        return undefined
      }
      const one = looked(rest)
      const other = looked(shuffled)
      assert.strictEqual(other?.tokens, one?.tokens)
      assert.strictEqual(other?.kind._tag, one?.kind._tag)
    },
    runs
  )
})
