import { assert, describe, it } from "@effect/vitest"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import * as CampaignView from "../../src/terminal/CampaignView.ts"
import { estimateRemaining, LEAST_ENDED, type Remaining } from "../../src/terminal/estimateRemaining.ts"
import { began, definitionOf, lost, recordOf, viewOf } from "./campaigns.ts"

/** Numbers from 0 to 1, the same ones every time. */
const chances = (seed: number) => {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state + 0.5) / 4294967296
  }
}

/** A campaign whose battles take so long, `atOnce` at a time; its view after each end, until `left` battles are left. */
const played = (
  costs: ReadonlyArray<number>,
  atOnce: number,
  look: (view: CampaignView.CampaignView, now: number) => void
) => {
  const first = began(definitionOf(["a"], { repetitions: costs.length, concurrency: atOnce }))
  let view = CampaignView.step(CampaignView.initial, first)
  const waiting = first.battles.map(({ battle }, index) => ({ battle, cost: costs[index]! }))
  const flying: Array<{ readonly end: number } & (typeof waiting)[number]> = []
  const launch = (now: number) => {
    const next = waiting.shift()
    if (next === undefined) return
    view = CampaignView.step(view, { _tag: "AttemptBegan", atMillis: now, battle: next.battle, number: 1 })
    flying.push({ ...next, end: now + next.cost })
  }
  for (let index = 0; index < atOnce; index++) launch(0)
  let now = 0
  while (flying.length > 0) {
    flying.sort((a, b) => a.end - b.end)
    const { battle, cost, end } = flying.shift()!
    now = end
    const record = recordOf(battle, { durationMillis: cost })
    view = CampaignView.step(view, { _tag: "AttemptEnded", atMillis: now, record })
    launch(now)
    look(view, now)
  }
  return now
}

/** The estimates at these shares of a campaign, with what became of them. */
const estimatesOf = (costs: ReadonlyArray<number>, atOnce: number, shares: ReadonlyArray<number>) => {
  const made: Array<Remaining> = []
  let ended = 0
  const end = played(costs, atOnce, (view, now) => {
    ended++
    if (!shares.includes(ended / costs.length)) return
    const remaining = estimateRemaining(view, now)
    if (remaining !== undefined) made.push(remaining)
  })
  return made.map((remaining) => ({ ...remaining, real: end - remaining.atMillis }))
}

describe("estimateRemaining", () => {
  const constant = Array.from({ length: 24 }, () => 10_000)

  it("says nothing before enough battles have ended, and nothing when all have", () => {
    assert.isUndefined(estimateRemaining(viewOf([]), 0))
    const known: Array<boolean> = []
    played(constant, 2, (view, now) => known.push(estimateRemaining(view, now) !== undefined))
    assert.deepStrictEqual(known, [
      ...Array.from({ length: LEAST_ENDED - 1 }, () => false),
      ...Array.from({ length: 24 - LEAST_ENDED }, () => true),
      false
    ])
  })

  it("is what is left where every battle takes the same, whoever looks when", () => {
    for (const { highMillis, lowMillis, millis, real } of estimatesOf(constant, 2, [0.5, 0.75])) {
      assert.closeTo(millis, real, 1)
      assert.closeTo(highMillis, real, 1)
      assert.closeTo(lowMillis, real, 1)
    }
    played(constant, 2, (view, now) => {
      assert.deepStrictEqual(estimateRemaining(view, now), estimateRemaining(view, now))
    })
  })

  it("holds in eight of ten campaigns or more, and is neither too wide nor beside the truth", () => {
    const chance = chances(7)
    const gamma = () => [1, 2, 3, 4].reduce((sum) => sum - 1000 * Math.log(chance()), 0)
    const tasks = () => [1000, 4000, 16_000][Math.floor(chance() * 3)]! * (0.7 + 0.6 * chance())
    for (const cost of [gamma, tasks]) {
      const all = Array.from({ length: 20 }, () => estimatesOf(Array.from({ length: 120 }, cost), 8, [0.25, 0.5, 0.75]))
        .flat()
      const held = all.filter(({ highMillis, lowMillis, real }) => lowMillis <= real && real <= highMillis)
      assert.isAtLeast(held.length / all.length, 0.8)
      const widths = all.map(({ highMillis, lowMillis, real }) => (highMillis - lowMillis) / real)
      assert.isBelow(widths.reduce((sum, width) => sum + width, 0) / widths.length, 1)
      // Neither hopeful nor gloomy.
      const errors = all.map(({ millis, real }) => Math.log(millis / real))
      assert.closeTo(errors.reduce((sum, error) => sum + error, 0) / errors.length, 0, 0.1)
    }
  })

  it("counts what a battle has cost before, and that battles in flight take longer than those that have ended", () => {
    const first = began(definitionOf(["a"], { repetitions: 10, concurrency: 2 }))
    const [long, ...others] = first.battles.map(({ battle }) => battle)
    const events: Array<CampaignEvent> = [first, { _tag: "AttemptBegan", atMillis: 0, battle: long!, number: 1 }]
    for (const [index, battle] of others.slice(0, 8).entries()) {
      events.push({ _tag: "AttemptBegan", atMillis: index * 1000, battle, number: 1 })
      events.push({
        _tag: "AttemptEnded",
        atMillis: (index + 1) * 1000,
        record: recordOf(battle, { durationMillis: 1000 })
      })
    }
    const view = viewOf(events)
    const early = estimateRemaining(view, 8_500)!
    const late = estimateRemaining(view, 300_000)!
    assert.isAbove(late.millis, 10 * early.millis)
    const error = lost("reset")
    const failed = recordOf(long!, { durationMillis: 300_000, verdict: "failed", error, outcome: { _tag: "Pending" } })
    const waits = CampaignView.step(view, { _tag: "AttemptEnded", atMillis: 300_000, record: failed })
    assert.isAbove(estimateRemaining(waits, 300_000)!.millis, 10 * early.millis)
  })

  it("is unknown while no battle can start", () => {
    played(constant, 2, (view, now) => {
      if (CampaignView.done(view) !== 12) return
      const why = "the model is another one"
      assert.isDefined(estimateRemaining(view, now))
      const halted = CampaignView.step(view, { _tag: "LaneHalted", atMillis: now, lane: "agent agent", why })
      assert.isUndefined(estimateRemaining(halted, now))
    })
  })
})
