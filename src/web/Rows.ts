/**
 * The battles in flight, and those that wait for their next attempt, as the page shows them: which are new, which have moved
 * on and how, and which are gone, since they were last asked for.
 *
 * Laws: what `changes` gives, applied to what `all` gave before, is what `all` gives after it (marks apart, see Marks.ts).
 * What has not been touched is not looked at, but for the rates that still run down.
 *
 * What is true of a battle stands in the `CampaignView`, which the terminal has, too; here is only what was told of it. It
 * is changed in place, because it is asked five times a second and told of every token.
 */
import { describeLimit } from "../liveness/describeLimit.ts"
import * as Cadence from "../terminal/Cadence.ts"
import { type Attempt, attemptOf, type CampaignView, keyOf, RATE_MILLIS, waitOf } from "../terminal/CampaignView.ts"
import { standingOf } from "./Cells.ts"
import type { Channel, Moved, Phase, Row } from "./Frame.ts"
import { Marks } from "./Marks.ts"
import type { Plan } from "./Plan.ts"
import { cut } from "./shownEnded.ts"

type Told = Omit<Row, "marks">

export interface RowChanges {
  readonly left: ReadonlyArray<number>
  readonly rows: ReadonlyArray<Row>
  readonly moved: ReadonlyArray<Moved>
}

const channelOf = (phase: Phase): Channel => phase === "thinking" ? 1 : phase === "tool-call" ? 2 : 0

export class Rows {
  readonly #plan: Plan
  readonly #marks = new Map<number, Marks>()
  /** What was last told of each row. */
  readonly #told = new Map<number, Told>()
  /** Places of battles of which something is new. */
  #touched = new Set<number>()
  /** Those that begin anew. */
  #begun = new Set<number>()

  constructor(plan: Plan) {
    this.#plan = plan
  }

  /** An attempt of a battle begins, or its battle waits for it. */
  begins(place: number): void {
    this.#marks.set(place, new Marks())
    this.#begun.add(place)
    this.#touched.add(place)
  }

  arrived(place: number, atMillis: number, tokens: number, phase: Phase): void {
    if (tokens > 0) this.#marks.get(place)?.arrived(atMillis, tokens, channelOf(phase))
    this.#touched.add(place)
  }

  /** Something else of a battle is different, or it has ended. */
  touch(place: number): void {
    this.#touched.add(place)
  }

  /** What is different since the last time, in the order in which it began to be. */
  changes(view: CampaignView, now: number): RowChanges {
    const left: Array<number> = []
    const rows: Array<Row> = []
    const moved: Array<Moved> = []
    const slots = slotsOf(view)
    for (const place of this.#touched) {
      const before = this.#told.get(place)
      const row = this.#rowOf(view, place, slots, now)
      if (row === undefined) {
        this.#marks.delete(place)
        if (this.#told.delete(place)) left.push(place)
        continue
      }
      const marks = this.#marks.get(place)
      const fresh = marks?.take(now) ?? []
      this.#told.set(place, row)
      if (before === undefined || this.#begun.has(place)) {
        rows.push({ ...row, marks: marks?.kept(now) ?? [] })
      } else {
        const change = difference(before, row)
        if (change !== undefined || fresh.length > 0) {
          moved.push({ battle: place, ...change, ...fresh.length > 0 ? { marks: fresh } : {} })
        }
      }
    }
    for (const [place, before] of this.#told) {
      if (this.#touched.has(place) || before.rate === null || before.rate === 0) continue
      const attempt = attemptAt(view, this.#plan, place)
      const rate = attempt === undefined ? null : rateOf(attempt, now)
      if (rate === before.rate) continue
      this.#told.set(place, { ...before, rate })
      moved.push({ battle: place, rate })
    }
    this.#touched = new Set()
    this.#begun = new Set()
    return { left, rows, moved }
  }

  /** All rows as they were last told. */
  all(now: number): ReadonlyArray<Row> {
    return Array.from(this.#told, ([place, row]) => ({ ...row, marks: this.#marks.get(place)?.kept(now) ?? [] }))
      .toSorted((one, other) => one.slot - other.slot)
  }

  /** The places of all rows. */
  places(): ReadonlyArray<number> {
    return [...this.#told.keys()]
  }

  /** How many rows wait for their next attempt. */
  get waiting(): number {
    let count = 0
    for (const { waiting } of this.#told.values()) if (waiting !== null) count++
    return count
  }

  /** How many attempts of these agents are in flight. */
  activeOf(agents: ReadonlyArray<number>): number {
    let count = 0
    for (const { agent, waiting } of this.#told.values()) if (waiting === null && agents.includes(agent)) count++
    return count
  }

  #rowOf(view: CampaignView, place: number, slots: ReadonlyMap<string, number>, now: number): Told | undefined {
    const named = this.#plan.battles[place]
    const battle = this.#plan.battleAt(place)
    // What nobody runs any more is not in flight, whatever was told of it last.
    if (named === undefined || battle === undefined || view.endedAtMillis !== undefined) return undefined
    const key = keyOf(battle)
    const slot = slots.get(key) ?? -1
    const attempt = attemptOf(view, key)
    if (attempt !== undefined) return { ...named, slot, ...inFlight(attempt, now) }
    const waiting = waitOf(view, key)
    if (waiting === undefined || standingOf(view, key).result !== "pending") return undefined
    return {
      ...named,
      ...nothing,
      slot,
      attempt: waiting.number,
      beganAtMillis: Math.round(this.#told.get(place)?.beganAtMillis ?? now),
      waiting: { untilMillis: Math.round(waiting.untilMillis), reason: cut(waiting.reason) }
    }
  }
}

const slotsOf = ({ slots }: CampaignView): ReadonlyMap<string, number> => {
  const places = new Map<string, number>()
  slots.forEach(({ key }, slot) => {
    if (key !== undefined) places.set(key, slot)
  })
  return places
}

const attemptAt = (view: CampaignView, plan: Plan, place: number): Attempt | undefined => {
  const battle = plan.battleAt(place)
  return battle === undefined ? undefined : attemptOf(view, keyOf(battle))
}

/** Nobody has an attempt in flight. */
const nothing = {
  phase: "connecting",
  tokens: 0,
  rate: null,
  firstTokenAtMillis: null,
  lastTokenAtMillis: null,
  limit: null,
  engine: null,
  slow: null,
  stalled: null
} as const satisfies Partial<Row>

const inFlight = (attempt: Attempt, now: number): Omit<Told, "battle" | "task" | "agent" | "repetition" | "slot"> => {
  const { outlook } = attempt
  return {
    attempt: attempt.number,
    waiting: null,
    beganAtMillis: Math.round(attempt.beganAtMillis),
    phase: attempt.phase,
    tokens: attempt.tokens,
    rate: rateOf(attempt, now),
    firstTokenAtMillis: rounded(attempt.firstTokenAtMillis),
    lastTokenAtMillis: rounded(attempt.lastTokenAtMillis),
    limit: outlook.limit === null ? null : {
      name: outlook.limit.name,
      millis: outlook.limit.millis,
      words: describeLimit(outlook.limit),
      sinceMillis: Math.round(attempt.beganAtMillis + outlook.limit.sinceMillis)
    },
    engine: outlook.engine === "unknown" ? null : { word: outlook.engine, by: outlook.engineBy },
    slow: outlook.slow,
    stalled: outlook.stalled
  }
}

const rounded = (millis: number | undefined): number | null => millis === undefined ? null : Math.round(millis)

/** To a tenth, so that it is told only where somebody would see it. */
const rateOf = (attempt: Attempt, now: number): number | null => {
  if (attempt.firstTokenAtMillis === undefined) return null
  const perSecond = Cadence.rate(attempt.cadence, now, RATE_MILLIS, attempt.firstTokenAtMillis)
  return perSecond === undefined ? null : Math.round(perSecond * 10) / 10
}

const moving = [
  "phase",
  "tokens",
  "rate",
  "firstTokenAtMillis",
  "lastTokenAtMillis",
  "slow",
  "stalled"
] as const satisfies ReadonlyArray<keyof Told>

const difference = (before: Told, after: Told): Omit<Moved, "battle"> | undefined => {
  const change: Record<string, unknown> = {}
  let isDifferent = false
  for (const field of moving) {
    if (before[field] === after[field]) continue
    change[field] = after[field]
    isDifferent = true
  }
  for (const field of ["limit", "engine"] as const) {
    if (isSame(before[field], after[field])) continue
    change[field] = after[field]
    isDifferent = true
  }
  return isDifferent ? change : undefined
}

const isSame = (one: Told["limit"] | Told["engine"], other: Told["limit"] | Told["engine"]): boolean =>
  one === other || (one !== null && other !== null && JSON.stringify(one) === JSON.stringify(other))
