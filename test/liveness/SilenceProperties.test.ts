/** Silence and limits: who is silent for how long is stalled when. Numbers as in the model's list. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { defaults, type LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import { runs } from "../support/propertyRuns.ts"
import { allMetrics, between, framesOf, merged, ticksTo, worlds } from "./PropertyWorlds.ts"
import { headers, inputsOf, kinds, opened, play, SCRAPE, TICK } from "./Worlds.ts"

describe("the properties of the model: silence and limits", () => {
  it.prop("1: gaps below the suspect floor are never a stall, whatever the metrics say", [
    Schema.Array(between(1, 4999)).check(Schema.isMinLength(1), Schema.isMaxLength(60)),
    Schema.Literals(kinds),
    Schema.Literals(allMetrics)
  ], ([gaps, kind, metrics]) => {
    const { inputs, last } = framesOf(gaps)
    const horizonMillis = last + 1000
    const told = inputsOf({
      stretches: [{ kind: kind === "tokens" ? "frozen" : kind, millis: horizonMillis }],
      end: "open",
      metrics,
      opened: { binding: "proven" },
      horizonMillis
    }).filter(({ _tag, at }) => _tag !== "Tick" || at <= horizonMillis)
    const { reasons, verdict } = play(merged(told, inputs))
    assert.strictEqual(verdict._tag, "Alive")
    assert.strictEqual(reasons.size, 0)
  }, runs)

  it.prop("2: without evidence a stall lies between the limit and one tick more", [
    Schema.Array(between(1, 20_000)).check(Schema.isMinLength(1), Schema.isMaxLength(30)),
    between(1000, 1_000_000)
  ], ([gaps, learned]) => {
    const { inputs, last } = framesOf(gaps)
    const largest = Math.max(0, ...gaps.slice(1))
    const limit = Math.min(900_000, Math.max(120_000, learned, 16 * largest))
    const { endedAt, verdict } = play(merged(
      [opened({ learned: { gapMillis: learned, firstTokenMillis: null } })],
      inputs,
      ticksTo(last + limit + 3 * TICK)
    ))
    if (verdict._tag !== "Stalled") return assert.fail(verdict._tag)
    assert.strictEqual(verdict.limit.millis, limit)
    assert.isAbove(endedAt!, last + limit)
    assert.isAtMost(endedAt!, last + limit + TICK)
  }, runs)

  it.prop("2, before the first token", [Schema.NullOr(between(1000, 2_500_000))], ([learned]) => {
    const limit = learned === null ? 1_800_000 : Math.min(1_800_000, Math.max(120_000, learned))
    const { endedAt, verdict } = play([
      opened({ learned: { gapMillis: null, firstTokenMillis: learned } }),
      headers,
      ...ticksTo(limit + 3 * TICK)
    ])
    if (verdict._tag !== "Stalled") return assert.fail(verdict._tag)
    assert.deepStrictEqual([verdict.kind, verdict.limit.millis], ["silent", limit])
    assert.isAbove(endedAt!, limit)
    assert.isAtMost(endedAt!, limit + TICK)
  }, runs)

  it.prop("7: a frozen, bound engine is found within the larger limit, a scrape and two ticks", [
    between(20, 3000),
    between(5000, 120_000),
    between(0, SCRAPE - 1),
    Schema.Boolean
  ], ([gapMillis, millis, scrapeAt, waits]) => {
    const { endedAt, verdict } = play(inputsOf({
      stretches: [
        ...waits
          ? [{ kind: "waiting" as const, millis }]
          : [{ kind: "tokens" as const, millis, gapMillis }],
        { kind: "frozen", millis: 2_000_000 }
      ],
      end: "open",
      opened: { binding: "proven" },
      scrapeAt
    }))
    if (verdict._tag !== "Stalled") return assert.fail(verdict._tag)
    assert.strictEqual(verdict.kind, "engine-hung")
    const limits = verdict.circumstances.limits.map(({ millis }) => millis)
    assert.isAtMost(endedAt! - millis, Math.max(limits[0]!, limits[1]!) + SCRAPE + 2 * TICK)
    assert.isAbove(endedAt! - millis, 60_000 - SCRAPE)
  }, runs)

  it.prop("15: a larger limit never stalls earlier", [
    worlds,
    Schema.Literals([
      "frozenFloorMillis",
      "frozenGapFactor",
      "frozenEmptyMillis",
      "suspectFloorMillis",
      "suspectPriorMillis",
      "silentFloorMillis",
      "silentGapFactor",
      "firstTokenFloorMillis",
      "preemptedMillis",
      "deferredMillis",
      "lostScrapes",
      "deadScrapes",
      "restartScrapes",
      "unhealthyMillis"
    ]),
    between(2, 4)
  ], ([world, name, factor]) => {
    const inputs = inputsOf({ ...world, end: "open" })
    const larger: LivenessLimits = { ...defaults, [name]: defaults[name] * factor }
    const plain = play(inputs)
    const patient = play(inputs, larger)
    assert.isAtLeast(patient.endedAt ?? Infinity, plain.endedAt ?? Infinity)
  }, runs)
})
