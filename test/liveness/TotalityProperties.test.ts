/** The worlds that the laws are tried on reach all that the reducer can say. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import { playWorld } from "../../src/testing/play.ts"
import { worldsFor } from "../../src/testing/worlds.ts"

describe("the properties of the model: all inputs", () => {
  it.effect("reaches every verdict, every kind and every reason", () =>
    Effect.gen(function*() {
      const counts = new Map<string, number>()
      const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1)
      for (const world of yield* Arbitrary.sampleEffect(worldsFor(), { count: 700, seed: 7 })) {
        const { reasons, verdict } = playWorld(world)
        count(verdict._tag)
        if (verdict._tag === "Stalled") count(verdict.kind)
        for (const reason of reasons) count(reason)
      }
      for (
        const what of [
          "Alive",
          "Slow",
          "Completed",
          "Failed",
          "Stalled",
          "engine-hung",
          "engine-idle",
          "engine-dead",
          "engine-restarted",
          "orphaned",
          "decode-hung",
          "deferred-stuck",
          "silent",
          "queued",
          "prefill",
          "preempted",
          "silent-decoding",
          "engine-asleep",
          "silent-unverified"
        ]
      ) assert.isAtLeast(counts.get(what) ?? 0, 3, `${what} among ${JSON.stringify([...counts])}`)
    }))
})
