/**
 * What looks at a campaign in another process are as events, for the views that show a campaign: a pure reducer.
 *
 * Laws
 * - The tokens of an attempt are those that its reports and its record tell, each at the time at which it came; an attempt
 *   begins before its first token and ends after its last one, once.
 * - Nothing is told twice, in whatever pieces the looks cut what has happened.
 *
 * Gotchas: the times of events are milliseconds since the process that runs the campaign began, and events of one look may
 * be a second old: who shows them in their time shows them late (CampaignWatch.ts). What only the runner knows and does not
 * tell its store (how long a battle waits for its next attempt, when a gate is tried again) is not told here either.
 */
import * as AttemptOutlook from "./AttemptOutlook.ts"
import type { AttemptRecord } from "./AttemptRecord.ts"
import { type Battle, keyOf, type Outcome } from "./Battle.ts"
import type { CampaignEvent, Earlier, Standing } from "./CampaignEvent.ts"
import type { EngineLoad } from "./EngineLoad.ts"
import type { RunEnd } from "./RunEnd.ts"
import type { RunnerState } from "./RunnerState.ts"
import type { StoredCampaign } from "./StoredCampaign.ts"
import type { Look, LookedAttempt } from "./StoredLook.ts"
import * as TokenTimings from "./TokenTimings.ts"

/** What was told of an attempt in flight. */
interface Told {
  readonly phase: string
  readonly tokens: number
  readonly arrivals: number
  readonly outlook: AttemptOutlook.AttemptOutlook
}

export interface LookEvents {
  /** Milliseconds since 1970 at which the events' time is 0. */
  readonly origin: number
  readonly told: ReadonlyMap<number, Told>
  readonly pending: number
  readonly lanes: ReadonlyMap<string, RunnerState["lanes"][number]>
  readonly breakers: ReadonlyMap<string, RunnerState["breakers"][number]>
  readonly stopping: boolean
}

type Step = readonly [state: LookEvents, events: ReadonlyArray<CampaignEvent>]

/** Older tokens than these are told at once: no view shows more of their rhythm. In milliseconds. */
const RHYTHM_MILLIS = 40_000

/** The state before the first look; `ended` are the last attempts that ended, of which those of this process are told. */
export const begin = (campaign: StoredCampaign, first: Look, ended: ReadonlyArray<AttemptRecord> = []): Step => {
  const origin = first.holder?.since ?? first.at
  const state: LookEvents = {
    origin,
    told: new Map(),
    pending: campaign.battles.filter(({ outcome }) => outcome._tag === "Pending").length,
    lanes: new Map(),
    breakers: new Map(),
    stopping: false
  }
  const { battles, definition } = campaign
  const earlier = earlierOf(campaign, origin, ended)
  return [state, [{ _tag: "CampaignBegan", atMillis: 0, definition, battles, earlier }]]
}

const earlierOf = ({ attempts }: StoredCampaign, origin: number, ended: ReadonlyArray<AttemptRecord>): Earlier => {
  const mine = attempts.filter(({ startedAt }) => startedAt >= origin)
  const keys = new Set(mine.map(attemptKey))
  const endOf = ({ durationMillis, startedAt }: Pick<AttemptRecord, "durationMillis" | "startedAt">) =>
    startedAt - origin + durationMillis
  return {
    attempts: mine.map((attempt) => ({ ...attempt, atMillis: endOf(attempt) }))
      .toSorted((a, b) => a.atMillis - b.atMillis),
    // They are read after the first look: whatever has ended since then is told as what has come.
    ended: ended.filter((record) => keys.has(attemptKey(record)))
      .map((record) => ({ record, atMillis: endOf(record) }))
      .toSorted((a, b) => a.atMillis - b.atMillis)
  }
}

const attemptKey = ({ battle, number }: Pick<AttemptRecord, "battle" | "number">): string =>
  `${keyOf(battle)} ${number}`

/** The events of a look, in the order of their times. */
export const step = (state: LookEvents, look: Look): Step => {
  const told = new Map<number, Told>()
  const events: Array<CampaignEvent> = []
  let { pending } = state
  for (const attempt of look.attempts) {
    const { came, next } = eventsOf(attempt, state.told.get(attempt.id), state.origin, look.at)
    events.push(...came)
    if (attempt.record === undefined) told.set(attempt.id, next)
    else if (attempt.record.outcome._tag !== "Pending") pending--
  }
  const present = look.at - state.origin
  const said = look.runner !== null && look.runner.pid === look.holder?.pid ? look.runner : undefined
  const lanes = new Map(said?.lanes.map((lane) => [lane.name, lane]))
  const breakers = new Map(said?.breakers.map((breaker) => [breaker.agent, breaker]))
  const stopping = said?.stopping ?? null
  if (said !== undefined) {
    events.push(...laneEvents(state, lanes, present), ...breakerEvents(state, breakers, present))
    if (stopping !== null && !state.stopping) events.push({ _tag: "Stopping", atMillis: present, why: stopping })
  }
  return [
    {
      ...state,
      told,
      pending,
      lanes: said === undefined ? state.lanes : lanes,
      breakers: said === undefined ? state.breakers : breakers,
      stopping: state.stopping || stopping !== null
    },
    events.toSorted((a, b) => a.atMillis - b.atMillis)
  ]
}

/** Outcomes that no attempt has brought: given up or opened again from another terminal. */
export const reconciled = (
  state: LookEvents,
  known: ReadonlyMap<string, Outcome>,
  battles: ReadonlyArray<Standing>,
  atMillis: number
): Step => {
  const changed = battles.filter(({ battle, outcome }) => known.get(keyOf(battle))?._tag !== outcome._tag)
  const pending = battles.filter(({ outcome }) => outcome._tag === "Pending").length
  const why = "asked from another terminal"
  return [
    { ...state, pending },
    changed.length === 0 ? [] : [{ _tag: "OutcomesChanged", atMillis, battles: changed, why }]
  ]
}

const eventsOf = (attempt: LookedAttempt, before: Told | undefined, origin: number, now: number) => {
  const { battle, number, record, reports, startedAt } = attempt
  const began = startedAt - origin
  const came: Array<CampaignEvent> = []
  if (before === undefined) came.push({ _tag: "AttemptBegan", atMillis: began, battle, number })
  let { arrivals, outlook, phase, tokens }: Told = before ??
    { phase: "connecting", tokens: 0, arrivals: 0, outlook: AttemptOutlook.calm }
  const arrive = (
    news: ReadonlyArray<TokenTimings.Arrival>,
    of: LookedAttempt["reports"][number]["phase"],
    total: number
  ) => {
    const shown = merged(news, now - startedAt - RHYTHM_MILLIS)
    for (const [index, { atMillis, tokens: arrived }] of shown.entries()) {
      // The engine's own count, where it is known, may be more than what was seen to arrive.
      tokens = index === shown.length - 1 ? Math.max(tokens + arrived, total) : tokens + arrived
      came.push({ _tag: "TokensArrived", atMillis: began + atMillis, battle, phase: of, tokens, arrived })
    }
    arrivals += news.length
    phase = of
  }
  for (const report of reports) {
    if (report.arrivals.length === 0 && report.phase !== phase) {
      came.push({
        _tag: "TokensArrived",
        atMillis: report.at - origin,
        battle,
        phase: report.phase,
        tokens,
        arrived: 0
      })
    }
    arrive(report.arrivals, report.phase, report.tokens)
    const reported = report.outlook ?? AttemptOutlook.calm
    if (!AttemptOutlook.isSame(outlook, reported)) {
      outlook = reported
      came.push({ _tag: "OutlookChanged", atMillis: report.at - origin, battle, number, outlook })
    }
  }
  if (record !== undefined) {
    arrive(TokenTimings.decode(record.timings).slice(arrivals), "finishing", record.tokens)
    came.push(endOf(record, began))
  }
  return { came, next: { phase, tokens, arrivals, outlook } }
}

const endOf = (record: AttemptRecord, began: number): CampaignEvent => ({
  _tag: "AttemptEnded",
  atMillis: began + record.durationMillis,
  record
})

/** The arrivals with those before a moment as the first and one more. */
const merged = (
  arrivals: ReadonlyArray<TokenTimings.Arrival>,
  beforeMillis: number
): ReadonlyArray<TokenTimings.Arrival> => {
  const young = arrivals.findIndex(({ atMillis }) => atMillis >= beforeMillis)
  const old = young < 0 ? arrivals : arrivals.slice(0, young)
  if (old.length < 3) return arrivals
  const tokens = old.slice(1).reduce((sum, arrival) => sum + arrival.tokens, 0)
  return [old[0]!, { atMillis: old.at(-1)!.atMillis, tokens }, ...arrivals.slice(old.length)]
}

const laneEvents = (
  { lanes: before, origin }: LookEvents,
  after: LookEvents["lanes"],
  atMillis: number
): ReadonlyArray<CampaignEvent> =>
  [...after.values()].flatMap((lane): ReadonlyArray<CampaignEvent> => {
    const known = before.get(lane.name)
    const halted = (of: typeof lane | undefined) => of === undefined || of.gate !== null ? null : of.note
    return [
      ...known?.concurrency === lane.concurrency
        ? []
        : [{ _tag: "ConcurrencyChanged" as const, atMillis, lane: lane.name, battles: lane.concurrency }],
      ...(known?.gate ?? null) === lane.gate ? [] : [gateOf("engine", {
        endpoint: lane.name,
        state: lane.gate,
        sinceMillis: sinceOf(lane.gateSinceMillis, origin, atMillis),
        why: lane.note ?? "",
        atMillis
      })],
      ...halted(known) === halted(lane)
        ? []
        : [{ _tag: "LaneHalted" as const, atMillis, lane: lane.name, why: halted(lane) }],
      ...epochEvents(known, lane, atMillis),
      ...isSameLoad(known?.load ?? null, lane.load)
        ? []
        : [{ _tag: "LoadSeen" as const, atMillis, lane: lane.name, load: lane.load }]
    ]
  })

type LaneSaid = RunnerState["lanes"][number]

/** The name of a lane with an engine begins so. */
const ENGINE = "engine "

const epochEvents = (
  before: LaneSaid | undefined,
  { epoch, name }: LaneSaid,
  atMillis: number
): ReadonlyArray<CampaignEvent> => {
  const known = before?.epoch ?? null
  if (epoch === null || (known?.models === epoch.models && known.startedAtMillis === epoch.startedAtMillis)) return []
  return [{ _tag: "EpochBegan", atMillis, ...epoch, engine: name.slice(ENGINE.length), isFirst: known === null }]
}

const isSameLoad = (one: EngineLoad | null, other: EngineLoad | null): boolean =>
  one === other ||
  (one !== null && other !== null && one.running === other.running && one.waiting === other.waiting &&
    one.kvCacheUsage === other.kvCacheUsage && one.tokensPerSecond === other.tokensPerSecond &&
    one.asleep === other.asleep)

/** Where nobody tells since when, it is since it was seen. */
const sinceOf = (sinceMillis: number | null, origin: number, atMillis: number): number =>
  sinceMillis === null ? atMillis : sinceMillis - origin

const breakerEvents = (
  { breakers: before, origin }: LookEvents,
  after: LookEvents["breakers"],
  atMillis: number
): ReadonlyArray<CampaignEvent> => [
  ...[...after.values()].filter(({ agent, state }) => before.get(agent)?.state !== state)
    .map(({ agent, sinceMillis, state, why }) =>
      gateOf("agent", { endpoint: agent, state, sinceMillis: sinceOf(sinceMillis, origin, atMillis), why, atMillis })
    ),
  ...[...before.keys()].filter((agent) => !after.has(agent)).map((endpoint) =>
    gateOf("agent", { endpoint, state: null, sinceMillis: atMillis, why: "", atMillis })
  )
]

const phases = ["closed", "suspect", "open", "half-open"] as const

const gateOf = (
  of: "engine" | "agent",
  { state, ...known }: {
    readonly endpoint: string
    readonly state: string | null
    readonly sinceMillis: number
    readonly why: string
    readonly atMillis: number
  }
): CampaignEvent => ({
  _tag: "GateChanged",
  of,
  ...known,
  state: phases.find((phase) => phase === state) ?? (state === null ? "closed" : "open"),
  untried: false,
  nextCanaryAtMillis: null,
  unconfirmed: 0,
  openedMillis: null,
  admits: state === null
})

/** How a campaign ended that nobody runs any more. */
export const endOfRun = ({ attempts, state }: Pick<Look, "attempts" | "state">): RunEnd => {
  switch (state) {
    case "ended":
      return { _tag: "Ended" }
    case "cancelled":
      return { _tag: "Cancelled" }
    case "paused":
      return { _tag: "Paused", why: "it was stopped" }
    case "running":
      return {
        _tag: "Paused",
        why: attempts.length === 0 ? "its process is gone" : "its process is gone without a word"
      }
  }
}

/** What becomes known of the outcomes of battles. */
export const outcomesAfter = (known: Map<string, Outcome>, events: ReadonlyArray<CampaignEvent>): void => {
  const set = ({ battle, outcome }: { readonly battle: Battle; readonly outcome: Outcome }) =>
    void known.set(keyOf(battle), outcome)
  for (const event of events) {
    if (event._tag === "CampaignBegan" || event._tag === "OutcomesChanged") event.battles.forEach(set)
    else if (event._tag === "AttemptEnded" && event.record.outcome._tag !== "Pending") set(event.record)
  }
}
