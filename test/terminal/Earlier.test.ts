/** Whoever begins to look late knows what somebody knows who has looked on from the beginning. */
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import { Outcome } from "../../src/campaign/Battle.ts"
import type { Earlier } from "../../src/campaign/CampaignEvent.ts"
import * as View from "../../src/terminal/CampaignView.ts"
import { began, definitionOf, eventsOf, hung, recordOf, Script, viewOf } from "./campaigns.ts"

type Events = ReturnType<typeof eventsOf>

/** What a store tells of the attempts that have ended. */
const earlierOf = (events: Events): Earlier => {
  const ended = events.filter((event) => event._tag === "AttemptEnded")
  return {
    attempts: ended.map(({ atMillis, record: { battle, durationMillis, number, tokens, verdict } }) => ({
      atMillis,
      battle,
      durationMillis,
      number,
      tokens,
      verdict
    })),
    ended
  }
}

/** Its first event, for whoever comes when all of this has happened. */
const lateBeginning = (events: Events): Events[number] => {
  const [first] = events
  assert(first?._tag === "CampaignBegan")
  const outcomes = new Map(first.battles.map(({ battle, outcome }) => [View.keyOf(battle), outcome]))
  for (const event of events) {
    if (event._tag === "AttemptEnded") outcomes.set(View.keyOf(event.record.battle), event.record.outcome)
  }
  return {
    ...first,
    battles: first.battles.map(({ battle }) => ({ battle, outcome: outcomes.get(View.keyOf(battle))! })),
    earlier: earlierOf(events)
  }
}

const known = ({ counts, ended, lanes, spent, stalled, stalls }: View.CampaignView) => ({
  counts,
  ended,
  lanes,
  spent: new Map(HashMap.entries(spent)),
  stalled,
  stalls
})

/** With the number of the attempt that brought it in every outcome, as a store has it. */
const numbered = (events: Events): Events =>
  events.map((event) => {
    if (event._tag !== "AttemptEnded" || event.record.outcome._tag === "Pending") return event
    return {
      ...event,
      record: { ...event.record, outcome: { ...event.record.outcome, attempt: event.record.number } }
    }
  })

describe("Earlier", () => {
  it.prop("is what a view would know, had it been there", [Script], ([script]) => {
    const events = numbered(eventsOf(script))
    const seen = viewOf(events)
    const late = viewOf([lateBeginning(events)])
    assert.deepStrictEqual(known(late), known(seen))
    const inFlight = View.attemptsOf(seen).reduce((sum, { tokens }) => sum + tokens, 0)
    assert.strictEqual(late.tokens, seen.tokens - inFlight)
  })

  it("tells of stalls", () => {
    const definition = definitionOf(["a"], { repetitions: 1 })
    const first = began(definition)
    const { battle } = first.battles[0]!
    const stall = recordOf(battle, { verdict: "stalled", error: hung(), outcome: Outcome.cases.Pending.make({}) })
    const events: Events = [
      first,
      { _tag: "AttemptBegan", atMillis: 0, battle, number: 1 },
      { _tag: "AttemptEnded", atMillis: 3000, record: stall }
    ]
    const late = viewOf([lateBeginning(events)])
    assert.strictEqual(late.stalled, 1)
    assert.deepStrictEqual(late.stalls, viewOf(events).stalls)
  })
})
