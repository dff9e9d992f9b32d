/** A consumer of any slowness never changes a verdict (23 in the model's list), on the operator, in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import type { Verdict } from "../../src/liveness/Verdict.ts"
import { runs } from "../support/propertyRuns.ts"
import { type Consumer, scraped, streamOf, Upstream, watched, within } from "./WatchedRuns.ts"

/** Everything that is told of a run but what evidence adds to it, of which a longer run sees more. */
const told = (verdict: Verdict) =>
  "circumstances" in verdict
    ? {
      ...verdict,
      circumstances: {
        ...verdict.circumstances,
        limits: verdict.circumstances.limits.filter(({ name }) => name !== "frozen"),
        evidence: verdict.circumstances.evidence.binding
      }
    }
    : verdict._tag === "Slow"
    ? { ...verdict, engine: verdict.engine?.outcome }
    : verdict

/** What a verdict is, without its numbers. */
const gist = (verdict: Verdict | undefined) =>
  verdict === undefined ? undefined : {
    tag: verdict._tag,
    kind: "kind" in verdict ? verdict.kind : undefined,
    tokens: "tokens" in verdict ? verdict.tokens : undefined
  }

const play = (upstream: Upstream, consumer: Consumer) => {
  let emitted = 0
  return within(
    250_000,
    Effect.gen(function*() {
      const { evidence } = yield* scraped(upstream.engine, () => emitted)
      return yield* Effect.provideService(
        watched(streamOf(upstream, () => emitted++), consumer),
        EngineEvidence,
        evidence
      )
    }).pipe(Effect.scoped)
  )
}

const chunks = (minimum: number, maximum: number) =>
  Schema.Array(Schema.Int.check(Schema.isBetween({ minimum, maximum }))).check(Schema.isMaxLength(2))

describe("back-pressure", () => {
  // Ticks and scrapes then come at the same moments of the run's own time, so not even a number may differ.
  it.effect.prop("23: a consumer that is slow by whole turns of the ticks and scrapes changes nothing at all", [
    Upstream,
    chunks(0, 3)
  ], ([upstream, turns]) =>
    Effect.gen(function*() {
      const quick = yield* play(upstream, { thinks: [] })
      const slow = yield* play(upstream, { thinks: [...turns.map((turn) => turn * 5000), 0] })
      assert.strictEqual(slow?.elements, quick?.elements)
      // An engine that moves with the stream is held back by a slow consumer, too: its longest step is another, and so is
      // the limit that follows from it.
      if (upstream.engine === "stands still with the stream") {
        assert.deepStrictEqual(gist(slow?.verdicts.at(-1)), gist(quick?.verdicts.at(-1)))
        return
      }
      assert.deepStrictEqual(slow?.verdicts.map(told), quick?.verdicts.map(told))
      assert.deepStrictEqual(slow?.exit, quick?.exit)
    }), runs)

  it.effect.prop("23: a consumer that is slow by any time changes no verdict", [
    Upstream,
    chunks(0, 20_000)
  ], ([upstream, thinks]) =>
    Effect.gen(function*() {
      const quick = yield* play(upstream, { thinks: [] })
      const slow = yield* play(upstream, { thinks: [...thinks, 0] })
      assert.deepStrictEqual(gist(slow?.verdicts.at(-1)), gist(quick?.verdicts.at(-1)))
      assert.strictEqual(slow?.elements, quick?.elements)
      assert.strictEqual(slow?.exit._tag, quick?.exit._tag)
    }), runs)
})
