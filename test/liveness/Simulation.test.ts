/**
 * The classes of runs of the liveness model's simulation, a few runs of each: with working evidence no healthy run is
 * given up, and every hang is found within the bound that its class states, under the kind that people expect.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type Fault, faults } from "../../src/testing/faults.ts"
import * as GapShape from "../../src/testing/GapShape.ts"
import {
  type HealthyName,
  healthyRuns,
  healthyStretches,
  inARow,
  lasting,
  tokensFor
} from "../../src/testing/healthyRuns.ts"
import { foundIn } from "../../src/testing/laws/faultLaws.ts"
import { neverGivenUp } from "../../src/testing/ownLaws.ts"
import { playWorld } from "../../src/testing/play.ts"
import { subjectOf } from "../../src/testing/Reducer.ts"
import { lengthOf } from "../../src/testing/World.ts"
import { inputsOf, type Metrics, play, SCRAPE, TICK, type World } from "./Worlds.ts"

const RUNS = { arbitrary: { runs: 20, seed: 1 } }

const names = Object.keys(healthyStretches) as ReadonlyArray<HealthyName>

const holds = (one: { readonly check: () => string | undefined }) => {
  const violation = one.check()
  if (violation !== undefined) assert.fail(violation)
}

const prefill = lasting("prefill", 0.3, 2)
const tokens = tokensFor(GapShape.steady(), 20, 60)
const wholeBetween = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("healthy runs with working evidence", () => {
  for (const name of names) {
    for (const noise of [{}, { noiseEveryMillis: 15_000 }]) {
      const title = `never gives up: ${name}${"noiseEveryMillis" in noise ? ", with comments" : ""}`
      it.prop(
        title,
        [neverGivenUp({ name, worlds: healthyRuns(name, noise) }).cases(subjectOf())],
        ([one]) => holds(one),
        RUNS
      )
    }
  }

  it.prop("nor when the metrics fail for minutes in the middle of a long wait", [
    inARow([lasting("waiting", 600, 900), prefill, tokens]),
    wholeBetween(200_000, 300_000)
  ], ([world, down]) => {
    const inputs = inputsOf(world).map((input) =>
      input._tag === "Scrape" && input.at >= down && input.at < down + 100_000
        ? { ...input, outcome: "failed" as const }
        : input
    )
    assert.strictEqual(play(inputs).verdict._tag, "Completed")
  }, RUNS)

  it.prop("nor when the machine stands still for 40 to 300 s", [
    inARow([prefill, tokensFor(GapShape.steady(), 30, 60)]),
    Schema.Literals(["ours", "none"]),
    wholeBetween(5000, 20_000),
    wholeBetween(40_000, 300_000)
  ], ([world, metrics, from, pause]) => {
    const inputs = inputsOf({ ...world, metrics })
      // What came in during the pause is seen after it, ticks only once and first.
      .filter(({ _tag, at }) => _tag !== "Tick" || at < from || at > from + pause)
      .map((input) => input.at >= from && input.at < from + pause ? { ...input, at: from + pause } : input)
    assert.strictEqual(play(inputs).verdict._tag, "Completed")
  }, { arbitrary: { runs: 40, seed: 1 } })
})

describe("healthy runs whose metrics lie", () => {
  for (const metrics of ["idle replica", "cached", "alternating", "down", "none"] as ReadonlyArray<Metrics>) {
    // Without evidence a silence of 15 minutes is waited for while nothing is learned; 30 before the first token.
    for (const name of names) {
      it.prop(
        `acts as without evidence: ${metrics}, ${name}`,
        [healthyRuns(name, { metrics, opened: {} })],
        ([world]) => {
          assert.strictEqual(playWorld(world).verdict._tag, "Completed")
        },
        { arbitrary: { runs: 5, seed: 1 } }
      )
    }
  }

  for (const metrics of ["idle replica", "cached", "alternating"] as const) {
    it.prop(`finds out that inherited evidence is not ours: ${metrics}`, [
      inARow([prefill, tokensFor(GapShape.steady(), 60)], { metrics })
    ], ([world]) => {
      assert.strictEqual(playWorld(world).state.binding.status, "refuted")
    }, { arbitrary: { runs: 3, seed: 1 } })
  }
})

/** Long enough for gaps of its own. */
const some = tokensFor(GapShape.steady(), 5, 60)

/** Healthy beginnings of every fault, in which the engine is scraped before it. */
const beginnings = {
  "mid-stream": [prefill, some],
  "of a slow stream": [prefill, tokensFor(GapShape.heavyTailed(5000, 0.65, 55_000), 200, 600)],
  "before the first token": [lasting("prefill", 6, 10)],
  "while queued": [lasting("waiting", 60, 300)],
  "in hidden reasoning": [prefill, some, lasting("hidden", 10, 300)]
}

describe("hung runs with working evidence", () => {
  for (const [name, fault] of Object.entries<Fault>(faults)) {
    for (const [when, stretches] of Object.entries(beginnings)) {
      const hasBegun = when !== "before the first token" && when !== "while queued"
      if (fault.beforeTokens === true || (fault.afterTokens === true && !hasBegun)) continue
      for (const noise of when === "mid-stream" ? [{}, { noiseEveryMillis: 1500 }] : [{}]) {
        const title = `finds and names: ${name} ${when}${"noiseEveryMillis" in noise ? ", behind comments" : ""}`
        it.prop(title, [inARow(stretches, { ...noise, end: fault.end ?? "open" })], ([begun]) => {
          const world: World = { ...begun, stretches: [...begun.stretches, ...fault.stretches(subjectOf())] }
          const faultAt = lengthOf(begun.stretches)
          const first = { boundMillis: fault.boundMillis, kinds: fault.kinds.slice(0, 1) }
          assert.isUndefined(foundIn(world, faultAt, first, subjectOf()))
          const { endedAt, verdict } = playWorld(world)
          if (verdict._tag !== "Stalled") return assert.strictEqual(verdict._tag, "Failed")
          assert.strictEqual(verdict.confidence, "proved")
          assert.isAtLeast(endedAt! - faultAt, verdict.kind === "engine-hung" ? 60_000 - SCRAPE : 0)
        }, { arbitrary: { runs: 8, seed: 1 } })
      }
    }
  }

  it.effect("says that it is inferred where a request that nobody counts may still be prepared", () =>
    Effect.gen(function*() {
      const world: World = {
        stretches: faults["never taken"].stretches(subjectOf()),
        end: "open",
        opened: { binding: "proven" },
        scrapeAt: 1234
      }
      const { endedAt, verdict } = playWorld(world)
      assert.deepInclude(verdict, { _tag: "Stalled", kind: "engine-idle", confidence: "inferred" })
      assert.isAtMost(yield* Effect.fromNullishOr(endedAt), 180_000 + SCRAPE + 2 * TICK)
    }))

  it.prop("finds them without evidence too, only later, and says that it is inferred", [
    inARow([prefill, some, lasting("frozen", 2000)], { end: "open", metrics: "none" }),
    Arbitrary.schema(Schema.Boolean)
  ], ([world, isLearned]) => {
    const limit = isLearned ? 120_000 : 900_000
    const opened = isLearned ? { learned: { gapMillis: 1000, firstTokenMillis: 5000 } } : {}
    const hangAt = lengthOf(world.stretches.slice(0, -1))
    const { endedAt, verdict } = play(inputsOf({ ...world, opened }))
    if (verdict._tag !== "Stalled") return assert.fail(verdict._tag)
    assert.deepStrictEqual([verdict.kind, verdict.confidence, verdict.limit.millis], ["silent", "inferred", limit])
    assert.isAtMost(endedAt! - hangAt, limit + TICK)
    assert.isAbove(endedAt!, limit)
  }, { arbitrary: { runs: 40, seed: 1 } })
})
