/** What was looked at is what happened, in whatever pieces it was seen. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { type AttemptOutlook, calm } from "../../src/campaign/AttemptOutlook.ts"
import { type Battle, Outcome, plan } from "../../src/campaign/Battle.ts"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import * as LookEvents from "../../src/campaign/LookEvents.ts"
import type { RunnerState } from "../../src/campaign/RunnerState.ts"
import type { StoredCampaign } from "../../src/campaign/StoredCampaign.ts"
import type { Look, LookedAttempt, Report } from "../../src/campaign/StoredLook.ts"
import * as TokenTimings from "../../src/campaign/TokenTimings.ts"
import { attemptOf, failedOf } from "../support/attempts.ts"
import { definitionOf } from "../support/campaigns.ts"

const definition = definitionOf({ tasks: ["a", "b"] })
const battles = plan(definition)
const ORIGIN = 1_000_000

const campaign: StoredCampaign = {
  definition,
  configHash: null,
  state: "running",
  createdAt: ORIGIN,
  battles: battles.map((battle) => ({ battle, outcome: Outcome.cases.Pending.make({}), history: [], attempts: 0 })),
  attempts: []
}

const holder = { pid: 7, host: "h", purpose: "run" as const, since: ORIGIN }

const lookAt = (at: number, attempts: ReadonlyArray<LookedAttempt>, more: Partial<Look> = {}): Look => ({
  at,
  holder,
  state: "running",
  runner: null,
  attempts,
  pending: 2,
  ...more
})

const attempt = (battle: Battle, reports: ReadonlyArray<Report>, record?: LookedAttempt["record"]): LookedAttempt => ({
  id: battles.indexOf(battle) + 1,
  battle,
  number: 1,
  startedAt: ORIGIN + 500,
  reports,
  record
})

const report = (
  tokens: number,
  arrivals: ReadonlyArray<TokenTimings.Arrival>,
  phase: Report["phase"] = "decoding"
): Report => ({
  at: ORIGIN + 500 + (arrivals.at(-1)?.atMillis ?? 0),
  phase,
  tokens,
  arrivals,
  content: "",
  reasoning: ""
})

const quiet: AttemptOutlook = {
  limit: { name: "silent", millis: 900_000, origin: "not-learned", learning: null, sinceMillis: 1000 },
  engine: "unknown",
  engineBy: null,
  slow: "silent-unverified",
  stalled: null
}

/** The events of all looks. */
const eventsOf = (looks: ReadonlyArray<Look>) => {
  let [state] = LookEvents.begin(campaign, lookAt(ORIGIN, []))
  const events: Array<CampaignEvent> = []
  for (const look of looks) {
    const [next, news] = LookEvents.step(state, look)
    state = next
    events.push(...news)
  }
  return { events, state }
}

const Gaps = Schema.Array(
  Schema.Struct({
    gap: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 900 })),
    tokens: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })),
    /** Whether it is reported, and whether somebody looks then. */
    cut: Schema.Literals(["none", "report", "look"])
  })
)

describe("LookEvents", () => {
  it.prop("tells every token once, at its time, between one begin and one end", [Gaps], ([gaps]) => {
    let atMillis = 0
    const arrivals = gaps.map(({ gap, tokens }) => ({ atMillis: atMillis += gap, tokens }))
    const total = arrivals.reduce((sum, { tokens }) => sum + tokens, 0)
    const looks: Array<Look> = []
    let reports: Array<Report> = []
    let told = 0
    const say = (until: number) => {
      const news = arrivals.slice(told, until)
      const sum = arrivals.slice(0, until).reduce((sum, { tokens }) => sum + tokens, 0)
      if (news.length > 0) reports.push(report(sum, news))
      told = Math.max(told, until)
    }
    gaps.forEach(({ cut }, index) => {
      if (cut !== "none") say(index + 1)
      if (cut === "look") {
        looks.push(lookAt(ORIGIN + 500 + arrivals[index]!.atMillis, [attempt(battles[0]!, reports)]))
        reports = []
      }
    })
    const record = attemptOf(battles[0]!, 1, {
      startedAt: ORIGIN + 500,
      durationMillis: atMillis + 10,
      tokens: total,
      timings: TokenTimings.encode(arrivals)
    })
    looks.push(lookAt(ORIGIN + 600 + atMillis, [attempt(battles[0]!, [], record)]))
    const { events, state } = eventsOf(looks)
    assert.strictEqual(events[0]?._tag, "AttemptBegan")
    assert.strictEqual(events.at(-1)?._tag, "AttemptEnded")
    const came = events.slice(1, -1)
    assert.deepStrictEqual(
      came.map((event) => event._tag === "TokensArrived" && [event.atMillis - 500, event.arrived]),
      arrivals.map(({ atMillis, tokens }) => [atMillis, tokens])
    )
    const last = came.at(-1)
    assert.strictEqual(last?._tag === "TokensArrived" ? last.tokens : 0, total)
    assert.deepStrictEqual([state.pending, state.told.size], [1, 0])
  }, { arbitrary: { runs: 300 } })

  it("tells what is known of a silence when it changes, and that it is over", () => {
    const arrival = [{ atMillis: 1000, tokens: 1 }]
    const still: Report = { ...report(1, []), at: ORIGIN + 9000, outlook: quiet }
    const { events } = eventsOf([
      lookAt(ORIGIN + 2000, [attempt(battles[0]!, [report(1, arrival)])]),
      lookAt(ORIGIN + 9500, [attempt(battles[0]!, [still, { ...still, at: ORIGIN + 9400 }])]),
      lookAt(ORIGIN + 10_000, [attempt(battles[0]!, [])]),
      lookAt(ORIGIN + 12_000, [attempt(battles[0]!, [report(2, [{ atMillis: 11_000, tokens: 1 }])])])
    ])
    assert.deepStrictEqual(
      events.flatMap((event) => event._tag === "OutlookChanged" ? [[event.atMillis, event.number, event.outlook]] : []),
      [[9000, 1, quiet], [11_500, 1, calm]]
    )
  })

  it("keeps the rhythm of what is young, and tells what is old at once", () => {
    const arrivals = Array.from({ length: 100 }, (_, index) => ({ atMillis: index * 1000, tokens: 2 }))
    const { events } = eventsOf([lookAt(ORIGIN + 100_500, [attempt(battles[0]!, [report(200, arrivals)])])])
    const came = events.filter((event) => event._tag === "TokensArrived")
    // The first, those before a minute ago, and one for each second since.
    assert.deepStrictEqual(came.map(({ arrived }) => arrived), [2, 118, ...Array.from({ length: 40 }, () => 2)])
    assert.deepStrictEqual(came.slice(0, 3).map(({ atMillis }) => atMillis), [500, 59_500, 60_500])
    assert.strictEqual(came.at(-1)!.tokens, 200)
  })

  it("counts as the engine does, once that is known", () => {
    const arrivals = [{ atMillis: 10, tokens: 1 }, { atMillis: 20, tokens: 1 }]
    const looks = [
      lookAt(ORIGIN + 1000, [attempt(battles[0]!, [report(7, arrivals), report(9, [{ atMillis: 30, tokens: 1 }])])])
    ]
    const came = eventsOf(looks).events.flatMap((event) => event._tag === "TokensArrived" ? [event.tokens] : [])
    assert.deepStrictEqual(came, [1, 7, 9])
  })

  it("tells a phase without tokens, and what leaves a battle to be played again", () => {
    const failed = failedOf(battles[1]!, 1, { startedAt: ORIGIN + 500, timings: TokenTimings.encode([]) })
    const { events, state } = eventsOf([
      lookAt(ORIGIN + 1000, [attempt(battles[1]!, [report(0, [], "queued")])]),
      lookAt(ORIGIN + 2000, [attempt(battles[1]!, [report(0, [], "queued")])]),
      lookAt(ORIGIN + 3000, [attempt(battles[1]!, [], failed)])
    ])
    assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["AttemptBegan", "TokensArrived", "AttemptEnded"])
    assert.deepInclude(events[1], { phase: "queued", arrived: 0 })
    assert.strictEqual(state.pending, 2)
  })

  it("tells how lanes and breakers are when that changes, of the process that runs it alone", () => {
    const said = (lane: Partial<RunnerState["lanes"][number]>, more: Partial<RunnerState> = {}): Partial<Look> => ({
      runner: {
        pid: 7,
        updatedAt: 1,
        stopping: null,
        breakers: [],
        lanes: [{
          name: "engine",
          inFlight: 1,
          concurrency: 3,
          gate: null,
          gateSinceMillis: null,
          note: null,
          epoch: null,
          load: null,
          ...lane
        }],
        ...more
      }
    })
    const shut = { gate: "open", gateSinceMillis: ORIGIN - 60_000, note: "it hung" }
    const breakers = [{ agent: "x", state: "open", sinceMillis: ORIGIN - 500, why: "it fails" }]
    const looks = [
      said({ concurrency: 9 }, { pid: 6 }),
      said({}),
      said({}),
      said(shut),
      said(shut, { breakers }),
      said({ concurrency: 4 }, { stopping: "paused" }),
      said({ concurrency: 4, note: "another model" }, { stopping: "paused" })
    ]
    const { events } = eventsOf(looks.map((more, index) => lookAt(ORIGIN + index, [], more)))
    const texts = events.map((event) => {
      switch (event._tag) {
        case "ConcurrencyChanged":
          return `${event.lane} ${event.battles}`
        case "GateChanged":
          return `${event.of} ${event.endpoint} ${event.state} ${event.why}`.trim()
        case "LaneHalted":
          return `${event.lane} halted ${event.why}`
        default:
          return event._tag
      }
    })
    assert.deepStrictEqual(texts, [
      "engine 3",
      "engine engine open it hung",
      "agent x open it fails",
      "engine 4",
      "engine engine closed",
      "agent x closed",
      "Stopping",
      "engine halted another model"
    ])
    // However late somebody began to look; 4 is when it was seen that nobody doubts them any more.
    const since = events.flatMap((event) => event._tag === "GateChanged" ? [event.sinceMillis] : [])
    assert.deepStrictEqual(since, [-60_000, -500, 5, 5])
  })

  it("tells what an engine is and what it says of its load, once for each change", () => {
    const load = { running: 3, waiting: 1, kvCacheUsage: 0.25, tokensPerSecond: 40.5, asleep: null }
    const epoch = { models: "m", roots: null, startedAtMillis: 5, why: "it is the first" }
    const later = { ...epoch, startedAtMillis: 9_000, why: "its server has been restarted" }
    const said = (lane: Partial<RunnerState["lanes"][number]>): Partial<Look> => ({
      runner: {
        pid: 7,
        updatedAt: 1,
        stopping: null,
        breakers: [],
        lanes: [{
          name: "engine one",
          inFlight: 1,
          concurrency: 3,
          gate: null,
          gateSinceMillis: null,
          note: null,
          epoch: null,
          load: null,
          ...lane
        }]
      }
    })
    const looks = [
      said({}),
      said({ epoch }),
      said({ epoch, load }),
      said({ epoch: { ...epoch }, load: { ...load } }),
      said({ epoch: later, load: { ...load, waiting: 2 } }),
      said({ epoch: later })
    ]
    const { events } = eventsOf(looks.map((more, index) => lookAt(ORIGIN + index, [], more)))
    const [, ...told] = events
    assert.deepStrictEqual(told.map((event) => ({ ...event, atMillis: 0 })), [
      { _tag: "EpochBegan", atMillis: 0, engine: "one", ...epoch, isFirst: true },
      { _tag: "LoadSeen", atMillis: 0, lane: "engine one", load },
      { _tag: "EpochBegan", atMillis: 0, engine: "one", ...later, isFirst: false },
      { _tag: "LoadSeen", atMillis: 0, lane: "engine one", load: { ...load, waiting: 2 } },
      { _tag: "LoadSeen", atMillis: 0, lane: "engine one", load: null }
    ])
  })

  it("tells outcomes that no attempt brought", () => {
    const [state, begun] = LookEvents.begin(campaign, lookAt(ORIGIN, []))
    const known = new Map<string, Outcome>()
    LookEvents.outcomesAfter(known, begun)
    const given = Outcome.cases.Unscored.make({ reason: "given up", attempt: 0 })
    const changed = campaign.battles.map(({ battle, outcome }, index) => ({
      battle,
      outcome: index === 0 ? given : outcome
    }))
    const [next, events] = LookEvents.reconciled(state, known, changed, 5)
    assert.strictEqual(next.pending, 1)
    assert.lengthOf(events, 1)
    const [event] = events
    assert.isTrue(event?._tag === "OutcomesChanged" && event.battles.length === 1)
    LookEvents.outcomesAfter(known, events)
    assert.deepStrictEqual(LookEvents.reconciled(next, known, changed, 6)[1], [])
  })

  it("begins with what had ended before the first look, since this process runs the campaign", () => {
    const ends = (number: number, startedAt: number) => ({
      ...attemptOf(battles[0]!, number, { startedAt, durationMillis: 1000, tokens: 5 }),
      superseded: false
    })
    const before = ends(1, ORIGIN - 5000)
    const [late, early] = [ends(2, ORIGIN + 3000), ends(3, ORIGIN + 2000)]
    const since = ends(4, ORIGIN + 9000)
    const [, [begun]] = LookEvents.begin(
      { ...campaign, attempts: [before, late, early] },
      lookAt(ORIGIN + 9500, []),
      [before, late, early, since]
    )
    assert(begun?._tag === "CampaignBegan")
    assert.deepStrictEqual(begun.earlier?.attempts.map(({ atMillis, number }) => [number, atMillis]), [
      [3, 3000],
      [2, 4000]
    ])
    assert.deepStrictEqual(begun.earlier?.ended.map(({ record }) => record.number), [3, 2])
  })

  it("says how it ended", () => {
    const ends = (["ended", "cancelled", "paused", "running"] as const).map((state) =>
      LookEvents.endOfRun({ state, attempts: [] })._tag
    )
    assert.deepStrictEqual(ends, ["Ended", "Cancelled", "Paused", "Paused"])
  })
})
