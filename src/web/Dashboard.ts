/**
 * A campaign as a dashboard's page shows it: a reducer from campaign events to what the page is told.
 *
 * What is true of the campaign is the `CampaignView` that the terminal has, too; beside it stand the numbers by which the
 * page names things, lists of what has ended, and what has changed since the page was last told.
 *
 * Laws
 * - `changes`, applied in their order to a `state` given before, make the `state` given after them (marks apart).
 * - Counts and tokens are those of the `CampaignView`, and of what had ended before.
 * - A token costs O(1); what is kept is bounded by the plan and by the battles in flight.
 *
 * It reads no clock: `now` is in the campaign's time, as the events are. It is changed in place, because it is told of every
 * token; whoever has it asks for `changes` before `state`.
 */
import type { AttemptRecord } from "../campaign/AttemptRecord.ts"
import type { CampaignEvent } from "../campaign/CampaignEvent.ts"
import { mostAtOnce } from "../campaign/Definition.ts"
import type { RunEnd } from "../campaign/RunEnd.ts"
import * as Cadence from "../terminal/Cadence.ts"
import * as CampaignView from "../terminal/CampaignView.ts"
import { estimateRemaining } from "../terminal/estimateRemaining.ts"
import type { BattleSummary } from "./BattlePage.ts"
import { battlesOf, cellAt } from "./Cells.ts"
import type { DashboardHistory } from "./DashboardHistory.ts"
import type { Changes, Ended, Lane, Notice, Remaining, RunState, State, Totals } from "./Frame.ts"
import * as Lanes from "./Lanes.ts"
import * as Plan from "./Plan.ts"
import { Rows } from "./Rows.ts"
import { cut, endedOf } from "./shownEnded.ts"

export interface DashboardOptions {
  /** The name of the store's file. */
  readonly file: string
  /** In milliseconds since 1970: when the campaign's clock was 0. */
  readonly origin: number
  readonly lateMillis: number
  readonly laneOfEndpoint: Lanes.LaneOfEndpoint
  /** What the store knew before the first event. */
  readonly history: DashboardHistory
}

/** How many of each list are kept. */
export const KEPT = { ended: 40, stalls: 100, notices: 60 }
/** How often it is said how long the campaign will still take, in milliseconds. */
const REMAINING_MILLIS = 1000

export class Dashboard {
  readonly #options: DashboardOptions
  #view = CampaignView.initial
  #plan = Plan.make({ tasks: [], agents: [] }, [])
  #rows = new Rows(this.#plan)
  #lanes: Lanes.Lanes = { lanes: new Map(), breakers: new Map() }
  #state: RunState
  #ended: ReadonlyArray<Ended> = []
  #stalls: ReadonlyArray<Ended> = []
  #notices: ReadonlyArray<Notice> = []
  /** Attempts that had ended before the first event, and how many each battle has begun. */
  readonly #before = new Set<string>()
  readonly #attempts = new Map<number, number>()
  readonly #stallsOf = new Map<number, number>()
  /** Attempts that have ended, so far and before; tokens only of before. */
  readonly #totalOf = { tokens: 0, attempts: 0, stalls: 0 }
  #remaining: { readonly atMillis: number; readonly value: Remaining | null } | undefined
  /** What the page has not been told yet. */
  #news = noNews()
  /** What it was told last, where that is compared. */
  #told = { totals: "", lanes: "", breakers: "" }

  constructor(options: DashboardOptions) {
    this.#options = options
    this.#state = { run: "running", why: null, lateMillis: options.lateMillis, endedAtMillis: null }
  }

  /** Whether there is a campaign to show yet. */
  get hasBegun(): boolean {
    return this.#view.definition !== undefined
  }

  get plan(): Plan.Plan {
    return this.#plan
  }

  get view(): CampaignView.CampaignView {
    return this.#view
  }

  take(event: CampaignEvent): void {
    const { laneOfEndpoint } = this.#options
    this.#view = CampaignView.step(this.#view, event)
    const notice = Lanes.noticeOf(this.#lanes, event, laneOfEndpoint)
    if (notice !== undefined) {
      this.#notices = [notice, ...this.#notices].slice(0, KEPT.notices)
      this.#news.notices.push(notice)
      if (this.#news.notices.length > KEPT.notices) this.#news.notices.shift()
    }
    this.#lanes = Lanes.step(this.#lanes, event, laneOfEndpoint)
    switch (event._tag) {
      case "CampaignBegan":
        return this.#begin(event)
      case "TokensArrived": {
        const place = this.#plan.placeOf(event.battle)
        return place === undefined ? undefined : this.#rows.arrived(place, event.atMillis, event.arrived, event.phase)
      }
      case "OutlookChanged":
        return this.#withPlace(event.battle, (place) => this.#rows.touch(place))
      case "AttemptBegan":
        return this.#withPlace(event.battle, (place) => {
          this.#attempts.set(place, Math.max(this.#attempts.get(place) ?? 0, event.number))
          this.#rows.begins(place)
          this.#touchCell(place)
        })
      case "RetryWaits":
        return this.#withPlace(event.battle, (place) => this.#rows.begins(place))
      case "AttemptEnded":
        return this.#withPlace(event.record.battle, (place) => {
          this.#rows.touch(place)
          this.#touchCell(place)
          if (this.#before.has(attemptKey(place, event.record.number))) return
          this.#count(place, event.record.verdict)
          this.#keep(endedOf(event.record, this.#plan.battles[place]!, event.atMillis))
        })
      case "OutcomesChanged":
        for (const { battle } of event.battles) {
          this.#withPlace(battle, (place) => {
            this.#rows.touch(place)
            this.#touchCell(place)
          })
        }
        return
      case "Stopping":
        return this.#setState({ run: "stopping", why: cut(event.why) })
      case "CampaignEnded":
        for (const place of this.#rows.places()) this.#rows.touch(place)
        return this.#setState({ ...runOf(event.end), endedAtMillis: Math.round(event.atMillis) })
      default:
        return
    }
  }

  /** What is different since it was last asked; `undefined` where nothing is. */
  changes(now: number): Omit<Changes, "kind" | "sequence"> | undefined {
    if (!this.hasBegun) return undefined
    const news = this.#news
    this.#news = noNews()
    const rows = this.#rows.changes(this.#view, now)
    const changes: { -readonly [part in keyof Changes]?: Changes[part] } = {}
    if (news.state) changes.state = this.#state
    const totals = this.#totals(now)
    if (this.#isNews("totals", totals)) changes.totals = totals
    if (rows.left.length > 0) changes.left = rows.left
    if (rows.rows.length > 0) changes.rows = rows.rows
    if (rows.moved.length > 0) changes.moved = rows.moved
    if (news.ended.length > 0) changes.ended = news.ended
    if (news.cells.size > 0) changes.cells = Array.from(news.cells, (cell) => this.#cell(cell))
    const lanes = this.#shownLanes()
    if (this.#isNews("lanes", lanes)) changes.lanes = lanes
    const breakers = [...this.#lanes.breakers.values()]
    if (this.#isNews("breakers", breakers)) changes.breakers = breakers
    if (news.notices.length > 0) changes.notices = news.notices
    return Object.keys(changes).length === 0 ? undefined : { atMillis: Math.round(now), ...changes }
  }

  /** Everything, as of the last `changes`. */
  state(now: number): State {
    const definition = this.#view.definition
    const { file, origin } = this.#options
    return {
      campaign: {
        id: cut(definition?.id ?? ""),
        file,
        origin,
        tasks: this.#plan.tasks.map((name) => cut(name)),
        agents: this.#plan.agents.map((name) => cut(name)),
        repetitions: definition?.repetitions ?? 0,
        atOnce: definition === undefined ? 0 : mostAtOnce(definition),
        stallPolicy: definition?.stallPolicy ?? "enforce"
      },
      state: this.#state,
      totals: this.#totals(now),
      rows: this.#rows.all(now),
      kept: KEPT,
      ended: this.#ended,
      stalls: this.#stalls,
      cells: Array.from(this.#plan.cells.keys()).toSorted((one, other) => one - other).map((cell) => this.#cell(cell)),
      lanes: this.#shownLanes(),
      breakers: [...this.#lanes.breakers.values()],
      notices: this.#notices
    }
  }

  /** The battles of a task and an agent, by their places; `undefined` where there are none. */
  battlesOf(at: { readonly task: number; readonly agent: number }): ReadonlyArray<BattleSummary> | undefined {
    const cell = this.#plan.cellOf(at)
    const known = this.#plan.cells.has(cell) && at.agent < this.#plan.agents.length
    return known ? battlesOf(this.#view, this.#plan, cell, (place) => this.#attempts.get(place) ?? 0) : undefined
  }

  #begin({ battles, definition }: Extract<CampaignEvent, { _tag: "CampaignBegan" }>): void {
    const { history, origin } = this.#options
    this.#plan = Plan.make(definition, battles)
    this.#rows = new Rows(this.#plan)
    this.#lanes = Lanes.begin(definition, this.#plan.agents, history.epochs)
    for (const attempt of history.attempts) {
      this.#withPlace(attempt.battle, (place) => {
        this.#before.add(attemptKey(place, attempt.number))
        this.#attempts.set(place, Math.max(this.#attempts.get(place) ?? 0, attempt.number))
        this.#count(place, attempt.verdict)
        this.#totalOf.tokens += attempt.tokens
      })
    }
    for (const record of history.ended) {
      this.#withPlace(record.battle, (place) =>
        this.#keep(
          endedOf(record, this.#plan.battles[place]!, record.startedAt + record.durationMillis - origin)
        ))
    }
    this.#news = { ...noNews(), state: true }
  }

  #withPlace(battle: AttemptRecord["battle"], use: (place: number) => void): void {
    const place = this.#plan.placeOf(battle)
    if (place !== undefined) use(place)
  }

  #touchCell(place: number): void {
    this.#news.cells.add(this.#plan.cellOf(this.#plan.battles[place]!))
  }

  #count(place: number, verdict: AttemptRecord["verdict"]): void {
    this.#totalOf.attempts++
    if (verdict !== "stalled") return
    const cell = this.#plan.cellOf(this.#plan.battles[place]!)
    this.#stallsOf.set(cell, (this.#stallsOf.get(cell) ?? 0) + 1)
    this.#totalOf.stalls++
  }

  #keep(ended: Ended): void {
    this.#ended = [ended, ...this.#ended].slice(0, KEPT.ended)
    if (ended.verdict === "stalled") this.#stalls = [ended, ...this.#stalls].slice(0, KEPT.stalls)
    this.#news.ended.push(ended)
    // While nobody asks.
    if (this.#news.ended.length > KEPT.stalls) this.#news.ended.shift()
  }

  #setState(state: Partial<RunState>): void {
    this.#state = { ...this.#state, ...state }
    this.#news.state = true
  }

  #totals(now: number): Totals {
    const { attempts, stalls, tokens } = this.#totalOf
    const isOver = this.#view.endedAtMillis !== undefined
    const perSecond = isOver ? 0 : Cadence.rate(this.#view.cadence, now, CampaignView.RATE_MILLIS) ?? 0
    return {
      ...this.#view.counts,
      active: isOver ? 0 : CampaignView.active(this.#view),
      waiting: this.#rows.waiting,
      tokens: tokens + this.#view.tokens,
      tokensPerSecond: Math.round(perSecond * 10) / 10,
      stalls,
      attempts,
      remaining: this.#remainingAt(now)
    }
  }

  /** Not with every frame: it goes on by itself. */
  #remainingAt(now: number): Remaining | null {
    if (this.#view.endedAtMillis !== undefined) return null
    if (this.#remaining === undefined || now - this.#remaining.atMillis >= REMAINING_MILLIS) {
      const estimate = estimateRemaining(this.#view, now)
      const value = estimate === undefined ? null : {
        millis: Math.round(estimate.millis),
        lowMillis: Math.round(estimate.lowMillis),
        highMillis: Math.round(estimate.highMillis)
      }
      this.#remaining = { atMillis: now, value }
    }
    return this.#remaining.value
  }

  #cell(cell: number) {
    return cellAt(this.#view, this.#plan, cell, this.#stallsOf.get(cell) ?? 0)
  }

  #shownLanes(): ReadonlyArray<Lane> {
    return Array.from(this.#lanes.lanes.values(), (lane) => ({
      ...lane,
      active: this.#rows.activeOf(lane.agents)
    }))
  }

  #isNews(part: "totals" | "lanes" | "breakers", value: unknown): boolean {
    const text = JSON.stringify(value)
    if (text === this.#told[part]) return false
    this.#told[part] = text
    return true
  }
}

const noNews = () => ({
  state: false,
  ended: [] as Array<Ended>,
  notices: [] as Array<Notice>,
  cells: new Set<number>()
})

const attemptKey = (place: number, number: number): string => `${place}/${number}`

const runOf = (end: RunEnd): Pick<RunState, "run" | "why"> => {
  switch (end._tag) {
    case "Ended":
      return { run: "ended", why: null }
    case "Cancelled":
      return { run: "cancelled", why: null }
    case "Paused":
      return { run: "stored", why: cut(end.why) }
    case "Halted":
      return { run: "stored", why: cut(end.why.join("; ")) }
  }
}
