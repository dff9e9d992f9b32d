/** Worlds under the real watch: what the operator says is what the reducer says, with any elements. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { ofTokenEvents } from "../../src/liveness/LivenessInput.ts"
import { Stalled } from "../../src/liveness/Stalled.ts"
import { play, playWorld } from "../../src/testing/play.ts"
import { replay, replayWith, tokenEventsOf } from "../../src/testing/replay.ts"
import { inputsOf, usualRhythm, type World } from "../../src/testing/World.ts"
import { worldsFor } from "../../src/testing/worlds.ts"

const hang: World = {
  stretches: [
    { kind: "prefill", millis: 2000 },
    { kind: "tokens", millis: 10_000, gapMillis: 50 },
    { kind: "frozen", millis: 300_000 }
  ],
  end: "open",
  opened: { binding: "proven" }
}

describe("a world under watch", () => {
  it.effect("gives its tokens, and the error of a hang when it is due", () =>
    Effect.gen(function*() {
      const { elements, endedAt, exit, verdicts } = yield* replay(hang)
      assert.lengthOf(elements.filter(({ _tag }) => _tag === "Delta"), 200)
      assert.strictEqual(endedAt, 76_000)
      assert.deepStrictEqual(verdicts.slice(-2).map(({ atMillis, verdict }) => [atMillis, verdict._tag]), [
        [17_000, "Slow"],
        [76_000, "Stalled"]
      ])
      const error = exit !== undefined && Exit.isFailure(exit)
        ? exit.cause.reasons.find(Cause.isFailReason)?.error
        : undefined
      assert.instanceOf(error, Stalled)
      assert.strictEqual(error instanceof Stalled ? error.kind : "", "engine-hung")
    }))

  it.effect("is not ended where the policy only warns", () =>
    Effect.gen(function*() {
      const { endedAt, exit, verdict } = yield* replay(hang, { policy: "warn" })
      assert.isUndefined(exit)
      assert.isUndefined(endedAt)
      assert.strictEqual(verdict?._tag, "Stalled")
    }))

  it.effect("is judged as own elements are classified: who takes comments for tokens never sees the hang", () =>
    Effect.gen(function*() {
      const noisy = { ...hang, noiseEveryMillis: 5000 }
      const right = { elementsOf: tokenEventsOf, inputsOf: ofTokenEvents }
      assert.strictEqual((yield* replayWith(noisy, right)).endedAt, 76_000)
      const wrong = yield* replayWith(noisy, {
        elementsOf: ({ what }) => [what],
        inputsOf: (whats, at) =>
          whats.map((what) => ({
            _tag: "Frame",
            at,
            tokens: what === "finish" ? 0 : 1,
            text: true,
            usage: null,
            channel: "content",
            finishReason: what === "finish" ? "stop" : null
          }))
      })
      assert.isUndefined(wrong.exit)
    }))

  it.effect.prop(
    "ends as the reducer says, two looks later at the most",
    [worldsFor()],
    ([world]) =>
      Effect.gen(function*() {
        const inputs = inputsOf(world)
        const { endedAt, verdict } = playWorld(world)
        const replayed = yield* replay(world)
        const late = 2 * usualRhythm.tickMillis
        // What comes in between may save the run; what is found at the last looks is carried out by none.
        const isClose = endedAt !== undefined && verdict._tag === "Stalled" &&
          (inputs.some(({ _tag, at }) => _tag !== "Tick" && at > endedAt && at <= endedAt + late) ||
            play(inputs.filter(({ at }) => at <= inputs.at(-1)!.at - late)).endedAt === undefined)
        if (isClose) return
        // A verdict that is not final was told when it became another one, and tokens have come since.
        const gist = (some: typeof verdict | undefined) =>
          some &&
          [some._tag, "kind" in some ? some.kind : "", endedAt !== undefined && "tokens" in some ? some.tokens : 0]
        assert.deepStrictEqual(gist(replayed.verdict), gist(verdict))
        if (endedAt !== undefined) {
          assert.isAtLeast(replayed.endedAt!, endedAt)
          assert.isAtMost(replayed.endedAt!, endedAt + late)
        }
      }),
    { arbitrary: { runs: 40 } }
  )
})
