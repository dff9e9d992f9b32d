import { assert, describe, it } from "@effect/vitest"
import { type AttemptOutlook, calm } from "../../src/campaign/AttemptOutlook.ts"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import * as View from "../../src/terminal/CampaignView.ts"
import { renderPlain } from "../../src/terminal/renderPlain.ts"
import { began, definitionOf, eventsOf, hung, lost, recordOf, scoredOutcome, Script } from "./campaigns.ts"

/** The lines of all events, with the event each is of. */
const linesOf = (events: ReadonlyArray<CampaignEvent>) => {
  let view = View.initial
  return events.flatMap((event) => {
    const line = renderPlain(view, event)
    view = View.step(view, event)
    return line === undefined ? [] : [{ event, line }]
  })
}

describe("renderPlain", () => {
  it.prop("one line for what happens, and progress at most every 5 s", [Script], ([script]) => {
    const events = eventsOf(script)
    const lines = linesOf(events)
    const happened = events.filter(({ _tag }) => _tag !== "TokensArrived")
    assert.deepStrictEqual(lines.map(({ event }) => event).filter(({ _tag }) => _tag !== "TokensArrived"), happened)
    let last = 0
    for (const { event, line } of lines) {
      assert.match(line, /^ *\d+\.\ds (campaign|battle|attempt|retry|progress) /)
      assert.notMatch(line, /[\p{Cc}\u2028\u2029]/u)
      if (event._tag !== "TokensArrived") continue
      assert.isAtLeast(event.atMillis - last, 5_000)
      last = event.atMillis
    }
  })

  it("says once for each reason that an attempt is slow, and what proved a stall", () => {
    const a = { task: "a", agent: "agent", repetition: 1 }
    const limit = { name: "frozen", millis: 60_000, origin: "floor", learning: null, sinceMillis: 1_000 } as const
    const changed = (atMillis: number, some: Partial<AttemptOutlook>): CampaignEvent => ({
      _tag: "OutlookChanged",
      atMillis,
      battle: a,
      number: 1,
      outlook: { ...calm, ...some }
    })
    const lines = linesOf([
      began(definitionOf(["a", "b"], { repetitions: 1 })),
      { _tag: "AttemptBegan", atMillis: 0, battle: a, number: 1 },
      changed(5_000, { limit }),
      changed(6_000, { limit, engine: "still", slow: "prefill" }),
      changed(7_000, { engine: "moving", slow: "prefill" }),
      changed(8_000, {}),
      changed(9_000, { engine: "moving", slow: "prefill" }),
      changed(10_000, { engine: "moving", slow: "queued" }),
      // Of an attempt that is no longer the one in flight.
      { ...changed(11_000, { slow: "preempted" }), number: 2 } as CampaignEvent,
      changed(12_000, { stalled: "silent" }),
      changed(13_000, { stalled: "silent" }),
      {
        _tag: "AttemptEnded",
        atMillis: 70_000,
        record: recordOf(a, { verdict: "stalled", error: hung(), outcome: { _tag: "Pending" }, durationMillis: 70_000 })
      }
    ]).map(({ line }) => line)
    assert.deepStrictEqual(lines.slice(2), [
      "     6.0s attempt  task=a repetition=1 attempt=1 slow reason=prefill quiet=6.0s engine=still limit=\"60 s, floor\"",
      "    10.0s attempt  task=a repetition=1 attempt=1 slow reason=queued quiet=10.0s engine=moving",
      "    12.0s attempt  task=a repetition=1 attempt=1 stalled kind=silent quiet=12.0s policy=warn",
      "    70.0s attempt  task=a repetition=1 attempt=1 stalled tokens=120 seconds=70.0 kind=engine-hung " +
      `confidence=proved error=${JSON.stringify(hung().message)}`
    ])
  })

  it("tells the story of a campaign", () => {
    const a = { task: "a b", agent: "agent", repetition: 1 }
    const b = { task: "b", agent: "agent", repetition: 1 }
    const definition = definitionOf(["a b", "b", "c"], { repetitions: 1 })
    const events: Array<CampaignEvent> = [
      began(definition, ({ task }) => task === "c" ? scoredOutcome(1, 1) : { _tag: "Pending" }),
      { _tag: "AttemptBegan", atMillis: 100, battle: a, number: 1 },
      { _tag: "AttemptBegan", atMillis: 120, battle: b, number: 1 },
      { _tag: "TokensArrived", atMillis: 4_900, battle: a, phase: "decoding", tokens: 10, arrived: 10 },
      { _tag: "TokensArrived", atMillis: 6_000, battle: a, phase: "decoding", tokens: 20, arrived: 10 },
      { _tag: "TokensArrived", atMillis: 6_100, battle: a, phase: "decoding", tokens: 30, arrived: 10 },
      {
        _tag: "AttemptEnded",
        atMillis: 7_000,
        record: recordOf(b, { verdict: "failed", error: lost("ECONNRESET"), outcome: { _tag: "Pending" }, tokens: 3 })
      },
      { _tag: "RetryWaits", atMillis: 7_000, battle: b, delayMillis: 2_000 },
      { _tag: "AttemptBegan", atMillis: 9_000, battle: b, number: 2 },
      { _tag: "AttemptEnded", atMillis: 9_500, record: recordOf(a, { outcome: scoredOutcome(3, 5) }) },
      {
        _tag: "AttemptEnded",
        atMillis: 9_900,
        record: recordOf(b, { number: 2, outcome: { _tag: "Unscored", reason: "stalled", attempt: 2 } })
      },
      { _tag: "CampaignEnded", atMillis: 10_000, end: { _tag: "Ended" } }
    ]
    assert.deepStrictEqual(linesOf(events).map(({ line }) => line), [
      "     0.0s campaign id=campaign agent=agent battles=3 concurrency=4 scored=1 unscored=0",
      "     0.1s battle   task=\"a b\" repetition=1 attempt=1 began",
      "     0.1s battle   task=b repetition=1 attempt=1 began",
      "     6.0s progress done=1/3 active=2 quiet=1 tokens=20 tok_s=2",
      "     7.0s attempt  task=b repetition=1 attempt=1 failed tokens=3 seconds=3.0 "
      + "error=\"engine: connection lost: ECONNRESET (after 3 tokens)\"",
      "     7.0s retry    task=b repetition=1 attempt=2 in=2.0s",
      "     9.0s battle   task=b repetition=1 attempt=2 began",
      "     9.5s battle   task=\"a b\" repetition=1 attempt=1 scored score=0.60 tokens=120 seconds=3.0",
      "     9.9s battle   task=b repetition=1 attempt=2 unscored tokens=120 seconds=3.0 reason=stalled",
      "    10.0s campaign scored=2 unscored=1 pending=0 tokens=30 ended"
    ])
  })
})
