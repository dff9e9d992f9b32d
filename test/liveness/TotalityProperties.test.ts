/** The reducer takes whatever comes, and the generated worlds reach all that it can say. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Input from "../../src/liveness/LivenessInput.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { initial, step, verdictOf } from "../../src/liveness/LivenessStep.ts"
import { Verdict } from "../../src/liveness/Verdict.ts"
import { runs } from "../support/propertyRuns.ts"
import { between, worlds } from "./PropertyWorlds.ts"
import { frame, inputsOf, opened, play, sample, scrape, tick } from "./Worlds.ts"

describe("the properties of the model: all inputs", () => {
  it.prop("is total: any inputs in any order give a state and a verdict that can be stored", [
    // Also times and numbers that are none.
    // @effect-diagnostics-next-line schemaNumber:off
    Schema.Array(Schema.Tuple([between(0, 17), Schema.Number, Schema.Number])).check(Schema.isMaxLength(60))
  ], ([wild]) => {
    let state = initial({ ...defaults, failRunaway: true })
    for (const [which, at, number] of wild) state = step(state, anything(which, at, number))
    for (let index = 1; index < 5; index++) state = step(state, tick(1e15 * index))
    const verdict = verdictOf(state)
    const encoded = JSON.stringify(Schema.encodeSync(Verdict)(verdict))
    const decoded = Schema.decodeUnknownSync(Verdict)(JSON.parse(encoded))
    assert.strictEqual(JSON.stringify(Schema.encodeSync(Verdict)(decoded)), encoded)
  }, runs)

  it.effect("reaches every verdict, every kind and every reason", () =>
    Effect.gen(function*() {
      const counts = new Map<string, number>()
      const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1)
      for (const world of yield* Arbitrary.sampleEffect(worlds, { count: 700, seed: 7 })) {
        const { reasons, verdict } = play(inputsOf(world))
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

const anything = (which: number, at: number, number: number): Input.LivenessInput => {
  const flag = number > 0
  const choices: ReadonlyArray<Input.LivenessInput> = [
    opened({ at, longestStepMillis: number, maxTokens: number, ...flag ? { heartbeatMillis: 5000 } : {} }),
    { _tag: "Headers", at },
    { _tag: "TransportOnly", at },
    frame(at, { tokens: number, text: flag, usage: flag ? null : number }),
    frame(at, { tokens: 1, channel: flag ? "reasoning" : "tool-call" }),
    frame(at, { finishReason: flag ? "stop" : "abort" }),
    {
      _tag: "Heartbeat",
      at,
      phase: flag ? "agent-work" : "decoding",
      tokens: number,
      tokenAgeMillis: number,
      engine: "moving"
    },
    scrape(at, flag ? "refused" : "failed", { askedAt: number }),
    scrape(at, sample({ heartbeat: `${number % 3}` }), { askedAt: number, openStreams: flag ? 1 : null }),
    scrape(at, sample({ startedAtSeconds: flag ? 1 : null, generationTokens: flag ? 1 : 0, asleep: flag }), {
      askedAt: at
    }),
    { _tag: "Health", at, status: flag ? 503 : 200 },
    { _tag: "Ended", at, how: flag ? "error" : "eof", code: number },
    { _tag: "Rejected", at, status: number, retryAfterMillis: number },
    { _tag: "Worthless", at, as: "garbage" },
    { _tag: "Cancelled", at, by: "shutdown" },
    { _tag: "Reading", at, on: flag },
    tick(at),
    tick(Math.abs(at) % 1e7)
  ]
  return choices[which]!
}
