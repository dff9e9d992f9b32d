// What the page is told is what the terminal shows, and changes add up to what a page that comes later is given.
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as AttemptOutlook from "../../src/campaign/AttemptOutlook.ts"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import * as View from "../../src/terminal/CampaignView.ts"
import { Dashboard, type DashboardOptions } from "../../src/web/Dashboard.ts"
import * as DashboardHistory from "../../src/web/DashboardHistory.ts"
import type { Changes, Row, State } from "../../src/web/Frame.ts"
import { Marks } from "../../src/web/Marks.ts"
import { stalled } from "../support/runErrors.ts"
import { began, definitionOf, eventsOf, lost, recordOf, scoredOutcome, Script } from "../terminal/campaigns.ts"

const options: DashboardOptions = {
  file: "night.db",
  origin: 1_000_000,
  lateMillis: 0,
  laneOfEndpoint: (endpoint) => endpoint,
  history: DashboardHistory.none
}

const dashboardOf = (events: ReadonlyArray<CampaignEvent>, more: Partial<DashboardOptions> = {}): Dashboard => {
  const dashboard = new Dashboard({ ...options, ...more })
  for (const event of events) dashboard.take(event)
  return dashboard
}

type Told = Omit<Changes, "kind" | "sequence">

/** A page as the laws of Frame.ts want it, and nothing more. */
const applied = (state: State, changes: Told): State => {
  const rows = new Map(state.rows.map((row) => [row.battle, row]))
  for (const battle of changes.left ?? []) rows.delete(battle)
  for (const row of changes.rows ?? []) rows.set(row.battle, row)
  for (const { marks = [], ...moved } of changes.moved ?? []) {
    const before = rows.get(moved.battle)
    assert.isDefined(before, "only rows move")
    rows.set(moved.battle, { ...before!, ...moved, marks: [...before!.marks, ...marks] })
  }
  const ended = (changes.ended ?? []).toReversed()
  const cells = new Map(state.cells.map((cell) => [`${cell.task} ${cell.agent}`, cell]))
  for (const cell of changes.cells ?? []) cells.set(`${cell.task} ${cell.agent}`, cell)
  return {
    ...state,
    state: changes.state ?? state.state,
    totals: changes.totals ?? state.totals,
    rows: [...rows.values()].toSorted((one, other) => one.slot - other.slot),
    ended: [...ended, ...state.ended].slice(0, state.kept.ended),
    stalls: [...ended.filter(({ verdict }) => verdict === "stalled"), ...state.stalls].slice(0, state.kept.stalls),
    cells: [...cells.values()],
    lanes: changes.lanes ?? state.lanes,
    breakers: changes.breakers ?? state.breakers,
    notices: [...(changes.notices ?? []).toReversed(), ...state.notices].slice(0, state.kept.notices)
  }
}

const withoutMarks = ({ rows, ...state }: State) => ({
  ...state,
  rows: rows.map((row: Row) => ({ ...row, marks: [] }))
})

const tokensIn = (row: Pick<Row, "marks">) => row.marks.reduce((sum, [, tokens]) => sum + tokens, 0)

describe("Dashboard", () => {
  it.prop(
    "gives changes that make of what a page had what another page is given",
    [Script, Arbitrary.schema(AttemptOutlook.AttemptOutlook)],
    ([script, outlook]) => {
      const dashboard = new Dashboard(options)
      let page: State | undefined
      let now = 0
      eventsOf(script).forEach((event, index) => {
        dashboard.take(event)
        if (event._tag === "AttemptBegan" && index % 3 === 0) {
          const { atMillis, battle, number } = event
          dashboard.take({ _tag: "OutlookChanged", atMillis, battle, number, outlook })
        }
        now = event.atMillis
        if (index % 5 !== 0) return
        const changes = dashboard.changes(now)
        const whole = dashboard.state(now)
        const next: State | undefined = page === undefined ? whole : applied(page, changes ?? { atMillis: now })
        assert.deepStrictEqual(withoutMarks(next), withoutMarks(whole))
        page = next
      })
      // Silence: rates run down, and then nothing changes any more but the time that is left.
      for (const later of [2_000, 7_000, 20_000]) {
        const changes = dashboard.changes(now + later)
        page = applied(page!, changes ?? { atMillis: now })
        assert.deepStrictEqual(withoutMarks(page), withoutMarks(dashboard.state(now + later)))
      }
      assert.hasAllKeys({ ...dashboard.changes(now + 20_001), atMillis: 0 }, ["atMillis"])
    },
    { arbitrary: { runs: 300 } }
  )

  it.prop("tells the counts and the tokens of the terminal", [Script], ([script]) => {
    const events = eventsOf(script)
    const dashboard = dashboardOf(events)
    const view = events.reduce(View.step, View.initial)
    const now = events.at(-1)!.atMillis
    dashboard.changes(now)
    const { cells, rows, totals } = dashboard.state(now)
    const { active, passed, partial, failed, unscored, pending, tokens } = totals
    assert.deepStrictEqual({ passed, partial, failed, unscored, pending }, view.counts)
    assert.strictEqual(tokens, view.tokens)
    assert.strictEqual(active, View.active(view))
    assert.strictEqual(rows.filter(({ waiting }) => waiting === null).length, active)
    for (const result of ["passed", "partial", "failed", "unscored", "pending"] as const) {
      assert.strictEqual(cells.reduce((sum, cell) => sum + cell[result], 0), view.counts[result])
    }
    assert.strictEqual(cells.reduce((sum, cell) => sum + cell.active, 0), active)
    for (const { battle, tokens } of rows.filter(({ waiting }) => waiting === null)) {
      const attempt = View.attemptOf(view, View.keyOf(dashboard.plan.battleAt(battle)!))
      assert.strictEqual(tokens, attempt?.tokens)
    }
  }, { arbitrary: { runs: 300 } })

  const battle = { task: "x", agent: "agent", repetition: 1 }
  const begun = [began(definitionOf(["x", "y"])), { _tag: "AttemptBegan" as const, atMillis: 10, battle, number: 1 }]
  const arrives = (atMillis: number, tokens: number): CampaignEvent => ({
    _tag: "TokensArrived",
    atMillis,
    battle,
    phase: "decoding",
    tokens,
    arrived: 1
  })

  it("loses no token in its marks, however fast they come", () => {
    const dashboard = dashboardOf(begun)
    dashboard.changes(10)
    let marks = 0
    for (let frame = 1; frame <= 20; frame++) {
      for (let index = 0; index < 200; index++) dashboard.take(arrives(10 + frame * 200 + index, frame * 200 + index))
      const [moved] = dashboard.changes(210 + frame * 200)?.moved ?? []
      assert.isAtMost(moved!.marks!.length, 9)
      marks += tokensIn({ marks: moved!.marks! })
    }
    assert.strictEqual(marks, 4000)
    assert.strictEqual(tokensIn(dashboard.state(5000).rows[0]!), 4000)
  })

  it("lets the rate of a row run down in a silence, and begins another attempt without the marks of the one before", () => {
    const dashboard = dashboardOf(begun)
    for (let index = 0; index < 400; index++) dashboard.take(arrives(10 + index * 20, index + 1))
    dashboard.changes(8_000)
    const [before] = dashboard.state(8_000).rows
    assert.closeTo(before!.rate!, 50, 2)
    const [falling] = dashboard.changes(11_000)!.moved!
    assert.isBelow(falling!.rate!, 30)
    assert.deepStrictEqual(dashboard.changes(14_000)?.moved, [{ battle: before!.battle, rate: 0 }])
    const failed = recordOf(battle, { verdict: "failed", error: lost("gone"), outcome: { _tag: "Pending" } })
    dashboard.take({ _tag: "AttemptEnded", atMillis: 14_000, record: failed })
    dashboard.take({ _tag: "AttemptBegan", atMillis: 14_000, battle, number: 2 })
    const [again] = dashboard.changes(14_100)!.rows!
    assert.deepInclude(again, { attempt: 2, tokens: 0, rate: null })
    assert.deepStrictEqual([before!.marks.length > 0, again!.marks], [true, []])
  })

  it("keeps no more for a page that nobody has opened than for one that is open", () => {
    const dashboard = dashboardOf(begun)
    for (let index = 0; index < 100_000; index++) dashboard.take(arrives(10 + index * 10, index))
    dashboard.changes(1_000_010)
    const [row] = dashboard.state(1_000_010).rows
    assert.isAtMost(row!.marks.length, 301)
    assert.isAbove(row!.marks[0]![0], 1_000_010 - 30_200)
    const marks = new Marks()
    for (let index = 0; index < 10_000; index++) marks.arrived(index * 30, 1, 0)
    assert.isAtMost(marks.take(300_000).length, 80)
  })

  it("says of a stall what proved it, of which there were how many, and does not count twice what was known", () => {
    const record = recordOf(battle, {
      verdict: "stalled",
      error: stalled("engine-hung"),
      outcome: { _tag: "Pending" },
      tokens: 7
    })
    const history = { attempts: [record], ended: [record], epochs: [] }
    const ends: CampaignEvent = { _tag: "AttemptEnded", atMillis: 20, record }
    const known = dashboardOf([...begun, ends], { history }).state(30)
    assert.deepInclude(known.totals, { stalls: 1, attempts: 1, tokens: 7 })
    const again: CampaignEvent = { _tag: "AttemptEnded", atMillis: 20, record: { ...record, number: 2 } }
    const { cells, ended, stalls, totals } = dashboardOf([...begun, again], { history }).state(30)
    assert.deepInclude(totals, { stalls: 2, attempts: 2 })
    assert.deepStrictEqual(ended, stalls)
    assert.deepStrictEqual(stalls.map(({ attempt, atMillis }) => [attempt, atMillis]), [[2, 20], [1, -997_000]])
    assert.deepInclude(stalls[0]!.stall, { kind: "engine-hung", confidence: "proved" })
    assert.match(stalls[0]!.stall!.proof, /counters stand still/)
    assert.strictEqual(cells.find(({ task }) => task === 0)?.stalls, 2)
  })

  it("shows gates, breakers and epochs by lane, and says each change of them once", () => {
    const gate = (state: "open" | "closed", atMillis: number): CampaignEvent => ({
      _tag: "GateChanged",
      of: "engine",
      atMillis,
      endpoint: "http://engine/v1",
      state,
      sinceMillis: atMillis,
      why: "the canary <failed>",
      untried: false,
      nextCanaryAtMillis: null,
      unconfirmed: 0,
      openedMillis: null,
      admits: false
    })
    const laneOfEndpoint = (endpoint: string) => endpoint === "http://engine/v1" ? "agent agent" : undefined
    const dashboard = dashboardOf([...begun, gate("open", 5), gate("open", 6)], { laneOfEndpoint })
    const shut = dashboard.state(10)
    assert.deepInclude(shut.lanes[0], { name: "agent agent", concurrency: 4 })
    assert.deepInclude(shut.lanes[0]?.gate, { state: "open", why: "the canary <failed>", sinceMillis: 6 })
    assert.deepStrictEqual(shut.notices.map(({ text, urgent }) => [text, urgent]), [
      ["the gate of agent agent is open: the canary <failed>", true]
    ])
    dashboard.take(gate("closed", 20))
    assert.isNull(dashboard.state(20).lanes[0]?.gate)
    const load = { running: 1, waiting: 0, kvCacheUsage: 0.5, tokensPerSecond: null, asleep: null }
    dashboard.take({ _tag: "LoadSeen", atMillis: 30, lane: "agent agent", load })
    assert.deepStrictEqual(dashboard.state(30).lanes[0]?.load, { atMillis: 30, ...load })
    assert.lengthOf(dashboard.state(30).notices, 2)
  })

  it("has no row for what nobody runs any more, nor for a battle that was given up while it waited", () => {
    const failed = recordOf(battle, { verdict: "failed", error: lost("gone"), outcome: { _tag: "Pending" } })
    const waits: ReadonlyArray<CampaignEvent> = [
      ...begun,
      { _tag: "AttemptEnded", atMillis: 20, record: failed },
      { _tag: "RetryWaits", atMillis: 20, battle, delayMillis: 60_000 }
    ]
    const dashboard = dashboardOf(waits)
    dashboard.changes(25)
    assert.deepInclude(dashboard.state(25).rows[0], { attempt: 2, battle: dashboard.plan.placeOf(battle)! })
    assert.deepInclude(dashboard.state(25).totals, { waiting: 1, active: 0 })
    const outcome = { _tag: "Unscored" as const, reason: "given up", attempt: 0 }
    dashboard.take({ _tag: "OutcomesChanged", atMillis: 30, battles: [{ battle, outcome }], why: "asked" })
    assert.deepStrictEqual(dashboard.changes(30)?.left, [dashboard.plan.placeOf(battle)!])
    const killed = dashboardOf(begun)
    killed.changes(11)
    killed.take({ _tag: "CampaignEnded", atMillis: 40, end: { _tag: "Paused", why: "its process is gone" } })
    assert.lengthOf(killed.changes(40)?.left ?? [], 1)
    assert.deepInclude(killed.state(40).state, { run: "stored", why: "its process is gone", endedAtMillis: 40 })
  })

  it("gives the battles of a cell, and none of a cell that is not there", () => {
    const dashboard = dashboardOf([
      began(definitionOf(["x", "y"]), (_, index) => index === 0 ? scoredOutcome(1, 2) : { _tag: "Pending" })
    ])
    const cells = [0, 1].flatMap((task) => dashboard.battlesOf({ task, agent: 0 }) ?? [])
    assert.deepStrictEqual(cells.map(({ battle }) => battle).toSorted(), [0, 1, 2, 3])
    assert.deepInclude(cells.find(({ battle }) => battle === 0), { result: "partial", score: 0.5, attempts: 0 })
    for (const at of [{ task: 2, agent: 0 }, { task: 0, agent: 1 }]) assert.isUndefined(dashboard.battlesOf(at))
  })
})
