import { assert, describe, it } from "@effect/vitest"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import * as View from "../../src/terminal/CampaignView.ts"
import * as Cells from "../../src/terminal/Cells.ts"
import { ENDED_KEPT, type Result, resultOf } from "../../src/terminal/Ended.ts"
import { began, definitionOf, eventsOf, lost, recordOf, scoredOutcome, Script, viewOf } from "./campaigns.ts"

const battle = (task: string, repetition = 1) => ({ task, agent: "agent", repetition })

describe("CampaignView", () => {
  it.prop("counts are those of the events", [Script], ([script]) => {
    const events = eventsOf(script)
    const tally = { began: 0, ended: 0, tokens: 0 }
    const results = new Map<string, Result>()
    const scores = new Map<string, Map<string, number>>()
    let view = View.initial
    for (const event of events) {
      view = View.step(view, event)
      if (event._tag === "CampaignBegan") {
        for (const { battle, outcome } of event.battles) {
          results.set(View.keyOf(battle), resultOf(outcome))
          if (outcome._tag === "Scored") {
            scores.set(battle.task, (scores.get(battle.task) ?? new Map()).set(View.keyOf(battle), outcome.grade.score))
          }
        }
      }
      if (event._tag === "AttemptBegan") tally.began++
      if (event._tag === "TokensArrived") tally.tokens += event.arrived
      if (event._tag === "AttemptEnded") {
        const { battle, outcome } = event.record
        tally.ended++
        results.set(View.keyOf(battle), resultOf(outcome))
        if (outcome._tag === "Scored") {
          scores.set(battle.task, (scores.get(battle.task) ?? new Map()).set(View.keyOf(battle), outcome.grade.score))
        }
      }
      assert.strictEqual(View.active(view), tally.began - tally.ended)
      assert.strictEqual(View.planned(view), View.scored(view) + view.counts.unscored + view.counts.pending)
      assert.strictEqual(
        view.slots.filter(({ key }) => key !== undefined && View.attemptOf(view, key)).length,
        View.active(view)
      )
      assert.isAtMost(view.ended.length, ENDED_KEPT)
    }
    assert.strictEqual(view.tokens, tally.tokens)
    for (const [result, count] of Object.entries(view.counts)) {
      assert.strictEqual(count, [...results.values()].filter((each) => each === result).length, result)
    }
    const tasks = view.definition!.tasks.map(({ id }) => id)
    for (const task of tasks) {
      const cell = Cells.get(view.cells, task, "agent")
      const all = [...(scores.get(task)?.values() ?? [])]
      assert.strictEqual(cell.scored, all.length)
      assert.closeTo(cell.sum, all.reduce((sum, score) => sum + score, 0), 1e-9)
    }
    const { pending, scored, unscored } = Cells.sumOf(tasks.map((task) => Cells.get(view.cells, task, "agent")))
    assert.deepStrictEqual([pending, scored, unscored], [view.counts.pending, View.scored(view), view.counts.unscored])
  })

  it.prop("a battle keeps its slot while it is in flight, and no slot has two", [Script], ([script]) => {
    let view = View.initial
    for (const event of eventsOf(script)) {
      const before = view
      view = View.step(view, event)
      before.slots.forEach(({ key }, slot) => {
        const stays = key !== undefined &&
          (View.attemptOf(view, key) !== undefined || View.waitOf(view, key) !== undefined)
        if (stays && event._tag !== "RetryWaits") assert.strictEqual(view.slots[slot]!.key, key)
      })
      const keys = view.slots.flatMap(({ key }) => key === undefined ? [] : [key])
      assert.strictEqual(new Set(keys).size, keys.length)
      assert.isAtMost(view.slots.length, View.planned(view))
    }
  })

  it.prop("a step changes nothing that was there before", [Script], ([script]) => {
    let view = View.initial
    for (const event of eventsOf(script)) {
      const before = JSON.stringify(view)
      const after = View.step(view, event)
      assert.strictEqual(JSON.stringify(view), before)
      view = after
    }
  })

  it("follows an attempt from its beginning to its retry and its end", () => {
    const definition = definitionOf(["a", "b"], { repetitions: 1 })
    const a = battle("a")
    const key = View.keyOf(a)
    const events: Array<CampaignEvent> = [
      began(definition),
      { _tag: "AttemptBegan", atMillis: 100, battle: a, number: 1 },
      { _tag: "TokensArrived", atMillis: 200, battle: a, phase: "awaiting", tokens: 0, arrived: 0 }
    ]
    let view = viewOf(events)
    assert.strictEqual(View.silenceOf(View.attemptOf(view, key)!, 1_300), 1_200)
    view = View.step(view, {
      _tag: "TokensArrived",
      atMillis: 900,
      battle: a,
      phase: "decoding",
      tokens: 4,
      arrived: 4
    })
    const attempt = View.attemptOf(view, key)!
    assert.strictEqual(attempt.phase, "decoding")
    assert.strictEqual(attempt.firstTokenAtMillis, 900)
    assert.strictEqual(View.silenceOf(attempt, 1_300), 400)
    assert.strictEqual(View.silenceOf({ ...attempt, phase: "finishing" }, 9_000), 0)

    const failed = recordOf(a, { verdict: "failed", error: lost("reset"), outcome: { _tag: "Pending" } })
    view = View.step(view, { _tag: "AttemptEnded", atMillis: 1_000, record: failed })
    assert.strictEqual(View.active(view), 0)
    assert.strictEqual(view.counts.pending, 2)
    assert.deepStrictEqual(view.ended.map(({ atMillis, result }) => [atMillis, result]), [[1_000, "pending"]])
    assert.deepStrictEqual([view.stalled, view.stalls], [0, []])
    view = View.step(view, { _tag: "RetryWaits", atMillis: 1_000, battle: a, delayMillis: 2_000 })
    assert.deepInclude(View.waitOf(view, key)!, { number: 2, untilMillis: 3_000, reason: failed.error!.message })
    assert.strictEqual(view.slots.length, 1)

    view = View.step(view, { _tag: "AttemptBegan", atMillis: 3_000, battle: a, number: 2 })
    // The record of the attempt before comes late: it is not the end of the one in flight.
    assert.strictEqual(View.active(View.step(view, { _tag: "AttemptEnded", atMillis: 3_001, record: failed })), 1)
    view = View.step(view, {
      _tag: "AttemptEnded",
      atMillis: 5_000,
      record: recordOf(a, { number: 2, outcome: scoredOutcome(1, 2) })
    })
    assert.deepStrictEqual(view.counts, { passed: 0, partial: 1, failed: 0, unscored: 0, pending: 1 })
    assert.deepStrictEqual(view.ended.map(({ result }) => result), ["partial", "pending"])
    // What a battle costs is the time of all its attempts.
    assert.deepStrictEqual(view.lanes.map(({ costs }) => costs), [[failed.durationMillis + 3_000]])
  })

  it("counts what was known before, and a battle only once when it is done again", () => {
    const definition = definitionOf(["a", "b"], { repetitions: 2 })
    const a = battle("a")
    const view = viewOf([
      began(
        definition,
        (each) =>
          each.repetition === 1 && each.task === "a"
            ? { _tag: "Unscored", reason: "stalled", attempt: 3 }
            : { _tag: "Pending" }
      ),
      { _tag: "AttemptBegan", atMillis: 0, battle: a, number: 4 },
      { _tag: "AttemptEnded", atMillis: 10, record: recordOf(a, { number: 4 }) }
    ])
    assert.deepStrictEqual(view.counts, { passed: 1, partial: 0, failed: 0, unscored: 0, pending: 3 })
    assert.strictEqual(View.planned(view), 4)
  })

  it("keeps its memory bounded, however many tokens come", () => {
    const definition = definitionOf(["a"], { repetitions: 1 })
    const a = battle("a")
    let view = viewOf([began(definition), { _tag: "AttemptBegan", atMillis: 0, battle: a, number: 1 }])
    for (let tokens = 1; tokens <= 20_000; tokens++) {
      view = View.step(view, {
        _tag: "TokensArrived",
        atMillis: tokens * 10,
        battle: a,
        phase: "decoding",
        tokens,
        arrived: 1
      })
    }
    assert.isBelow(JSON.stringify(view).length, 4_000)
    assert.strictEqual(view.tokens, 20_000)
  })
})
