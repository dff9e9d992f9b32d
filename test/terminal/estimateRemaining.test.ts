import { assert, describe, it } from "@effect/vitest"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import { estimateRemaining } from "../../src/terminal/estimateRemaining.ts"
import { began, definitionOf, recordOf, viewOf } from "./campaigns.ts"

const first = began(definitionOf(["a", "b", "c", "d"], { repetitions: 3, concurrency: 2 }))
const battles = first.battles.map(({ battle }) => battle)

/** `ended` battles of 10 s, two at a time, with two in flight after them. */
const afterEnds = (ended: number) => {
  const events: Array<CampaignEvent> = [first]
  for (let index = 0; index < ended + 2 && index < battles.length; index++) {
    const atMillis = Math.floor(index / 2) * 10_000
    const battle = battles[index]!
    events.push({ _tag: "AttemptBegan", atMillis, battle, number: 1 })
    if (index < ended) {
      events.push({
        _tag: "AttemptEnded",
        atMillis: atMillis + 10_000,
        record: recordOf(battle, { durationMillis: 10_000 })
      })
    }
  }
  return viewOf(events)
}

describe("estimateRemaining", () => {
  it("says nothing before some battles have ended", () => {
    assert.isUndefined(estimateRemaining(viewOf([]), 0))
    assert.isUndefined(estimateRemaining(afterEnds(0), 5_000))
    assert.isUndefined(estimateRemaining(afterEnds(1), 12_000))
  })

  it("is exact where every battle takes the same, and runs down with the clock", () => {
    const view = afterEnds(4)
    assert.strictEqual(estimateRemaining(view, 20_000), 40_000)
    assert.strictEqual(estimateRemaining(view, 25_000), 35_000)
  })

  it("learns from battles that are still in flight", () => {
    const view = afterEnds(4)
    assert.isAbove(estimateRemaining(view, 60_000)!, 20_000)
  })

  it("ends with the campaign", () => {
    assert.isUndefined(estimateRemaining(afterEnds(12), 60_000))
  })
})
