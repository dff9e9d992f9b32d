/**
 * What a view of a campaign knows: a pure reducer over campaign events.
 *
 * Laws
 * - planned = scored + unscored + pending, and each is what the last outcome of every battle says;
 * - active = attempts begun − attempts ended; a battle that waits for its next attempt is not active;
 * - `tokens` is the sum of what arrived;
 * - the cells of all tasks and agents add up to those counts;
 * - a token costs O(1), and memory is bounded by the plan and by the attempts in flight, not by tokens.
 *
 * Slots keep a display calm: an attempt takes the lowest free slot and stays there until it ends, and the next attempt
 * of the same battle takes the slot of the one before while it waits.
 *
 * Gotcha: time is the events' `atMillis`. Nothing here reads a clock; renderings are given their `now`.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as AttemptOutlook from "../campaign/AttemptOutlook.ts"
import type { AttemptRecord } from "../campaign/AttemptRecord.ts"
import type { Battle, Outcome } from "../campaign/Battle.ts"
import type { CampaignEvent } from "../campaign/CampaignEvent.ts"
import type { Definition } from "../campaign/Definition.ts"
import type { Phase } from "../liveness/Phase.ts"
import type { SlowReason } from "../liveness/SlowReason.ts"
import * as Cadence from "./Cadence.ts"
import * as Cells from "./Cells.ts"
import * as Earlier from "./Earlier.ts"
import { type Ended, ENDED_KEPT, isWorthTelling, type Result, resultOf, STALLS_KEPT } from "./Ended.ts"
import { errorText } from "./errorText.ts"
import * as Lane from "./Lane.ts"
import * as Slots from "./Slots.ts"

/** An attempt in flight. */
export interface Attempt {
  readonly battle: Battle
  readonly number: number
  readonly phase: Phase
  readonly tokens: number
  readonly beganAtMillis: number
  readonly firstTokenAtMillis: number | undefined
  readonly lastTokenAtMillis: number | undefined
  readonly cadence: Cadence.Cadence
  readonly outlook: AttemptOutlook.AttemptOutlook
  /** What it has been called so far, each once. */
  readonly slow: ReadonlyArray<SlowReason>
}

/** A battle between two attempts. */
export interface Waiting {
  readonly battle: Battle
  /** Number of the attempt that is waited for. */
  readonly number: number
  readonly untilMillis: number
  /** Why the attempt before it ended, for people. */
  readonly reason: string
}

/** Where a battle stands. */
interface Standing {
  readonly result: Result
  readonly counted: Cells.Counted
  /** Why its last attempt ended without an outcome, and which that was. */
  readonly tried: { readonly number: number; readonly reason: string } | undefined
}

export interface CampaignView {
  /** Undefined until the campaign has begun. */
  readonly definition: Definition | undefined
  readonly beganAtMillis: number
  readonly endedAtMillis: number | undefined
  /** Battles by what became of them. */
  readonly counts: { readonly [result in Result]: number }
  readonly attempts: HashMap.HashMap<string, Attempt>
  readonly waiting: HashMap.HashMap<string, Waiting>
  readonly slots: Slots.Slots
  readonly tokens: number
  readonly cadence: Cadence.Cadence
  /** The last attempts that ended their battle or were given up, newest first. */
  readonly ended: ReadonlyArray<Ended>
  /** The last attempts that stalled, newest first, and how many have. */
  readonly stalls: ReadonlyArray<Ended>
  readonly stalled: number
  /** How far each task is with each agent. */
  readonly cells: Cells.Cells
  readonly lanes: ReadonlyArray<Lane.Lane>
  /** The time of the attempts that ended without an outcome, of battles that still have none. */
  readonly spent: HashMap.HashMap<string, Earlier.Spent>
  /** When plain output last had a line of progress (see `isProgressDue`). */
  readonly progressAtMillis: number
  readonly standings: HashMap.HashMap<string, Standing>
  /** What keeps battles from starting. */
  readonly gate: GateShown | undefined
  /** All gates and breakers that are shut, and those that nobody has tried yet. */
  readonly shut: ReadonlyArray<GateShown>
  readonly untried: ReadonlyArray<GateShown>
  /** Why no battle is begun any more. */
  readonly stopping: string | undefined
}

export type GateShown = Extract<CampaignEvent, { readonly _tag: "GateChanged" | "OperatorNeeded" }>

/** The time over which rates are taken, in milliseconds. */
export const RATE_MILLIS = 5_000
/** The least time between two lines of progress in plain output, in milliseconds of event time. */
const PROGRESS_MILLIS = 5_000

export const initial: CampaignView = {
  definition: undefined,
  beganAtMillis: 0,
  endedAtMillis: undefined,
  counts: { passed: 0, partial: 0, failed: 0, unscored: 0, pending: 0 },
  attempts: HashMap.empty(),
  waiting: HashMap.empty(),
  slots: [],
  tokens: 0,
  cadence: Cadence.begin(0),
  ended: [],
  stalls: [],
  stalled: 0,
  cells: HashMap.empty(),
  lanes: [],
  spent: HashMap.empty(),
  progressAtMillis: 0,
  standings: HashMap.empty(),
  gate: undefined,
  shut: [],
  untried: [],
  stopping: undefined
}

const lookUp = <V>(map: HashMap.HashMap<string, V>, key: string): V | undefined =>
  Option.getOrUndefined(HashMap.get(map, key))

/** What identifies a battle within its campaign. */
export const keyOf = (battle: Battle): string => `${battle.task}\n${battle.agent}\n${battle.repetition}`

/** The attempt in flight of a battle, if there is one. */
export const attemptOf = (view: CampaignView, key: string): Attempt | undefined => lookUp(view.attempts, key)

/** The wait of a battle for its next attempt, if it waits. */
export const waitOf = (view: CampaignView, key: string): Waiting | undefined => lookUp(view.waiting, key)

/** The attempts in flight with what identifies their battles. */
export const attemptsOf = (view: CampaignView): ReadonlyArray<Attempt & { readonly key: string }> =>
  Array.from(view.attempts, ([key, attempt]) => ({ ...attempt, key }))

/** Number of attempts in flight. */
export const active = (view: CampaignView): number => HashMap.size(view.attempts)

/** Number of battles. */
export const planned = (view: CampaignView): number => HashMap.size(view.standings)

/** Number of battles with a score. */
export const scored = ({ counts }: CampaignView): number => counts.passed + counts.partial + counts.failed

/** Number of battles that are over. */
export const done = (view: CampaignView): number => scored(view) + view.counts.unscored

/** Time without a token, in milliseconds: since the last one, or since the attempt began. */
export const silenceOf = (attempt: Attempt, now: number): number =>
  // After the finish no token is expected; what goes on then is grading.
  attempt.phase === "finishing" ? 0 : Math.max(0, now - (attempt.lastTokenAtMillis ?? attempt.beganAtMillis))

/** An engine that is only tried before the first battle keeps nobody waiting that anybody would miss. */
const isShut = ({ state, untried }: GateShown): boolean => state !== "closed" && !untried

/** Whether an event shows the gate in another state than the view does. */
export const isGateNews = ({ gate }: CampaignView, event: GateShown): boolean =>
  (isShut(event) ? event.state : "closed") !== (gate?.state ?? "closed")

/** Whether plain output is to have a line of progress for this event. */
export const isProgressDue = (view: CampaignView, event: CampaignEvent): boolean =>
  event._tag === "TokensArrived" && event.atMillis - view.progressAtMillis >= PROGRESS_MILLIS

/** The view after one more event. */
export const step = (view: CampaignView, event: CampaignEvent): CampaignView => {
  switch (event._tag) {
    case "CampaignBegan":
      return began(event)
    case "AttemptBegan":
      return attemptBegan(view, event)
    case "TokensArrived":
      return tokensArrived(view, event)
    case "OutlookChanged":
      return outlookChanged(view, event)
    case "AttemptEnded":
      return attemptEnded(view, event.record, event.atMillis)
    case "RetryWaits":
      return retryWaits(view, event)
    case "GateChanged":
    case "OperatorNeeded":
      return gateChanged(view, event)
    case "OutcomesChanged":
      return event.battles.reduce(
        (after, { battle, outcome }) =>
          settled(after, battle, outcome, {
            number: 0,
            reason: outcome._tag === "Unscored" ? outcome.reason : event.why
          }),
        view
      )
    case "LaneHalted":
      return { ...view, lanes: Lane.changed(view.lanes, event.lane, { halted: event.why }) }
    case "ConcurrencyChanged":
      return { ...view, lanes: Lane.changed(view.lanes, event.lane, { most: event.battles }) }
    case "Stopping":
      return { ...view, stopping: event.why }
    case "ModeFound":
    case "EpochBegan":
    case "LoadSeen":
      return view
    case "CampaignEnded":
      return { ...view, endedAtMillis: event.atMillis }
  }
}

/** The view shows one gate: the one that was shut last of those that still are. */
const gateChanged = (view: CampaignView, event: GateShown): CampaignView => {
  const others = (gates: ReadonlyArray<GateShown>) => gates.filter(({ endpoint }) => endpoint !== event.endpoint)
  const shut = [...others(view.shut), ...isShut(event) ? [event] : []]
  const isUntried = event.state !== "closed" && event.untried
  return { ...view, shut, untried: [...others(view.untried), ...isUntried ? [event] : []], gate: shut.at(-1) }
}

type Of<Tag extends CampaignEvent["_tag"]> = Extract<CampaignEvent, { readonly _tag: Tag }>

const began = ({ atMillis, battles, definition, earlier }: Of<"CampaignBegan">): CampaignView => {
  const begun: CampaignView = {
    ...initial,
    definition,
    beganAtMillis: atMillis,
    progressAtMillis: atMillis,
    lanes: Lane.lanesAtFirst(definition),
    cadence: Cadence.begin(atMillis)
  }
  const standing = battles.reduce((view, { battle, outcome }) => settled(view, battle, outcome, undefined), begun)
  return earlier === undefined
    ? standing
    : { ...standing, ...Earlier.withEarlier(standing.lanes, battles, earlier, keyOf) }
}

/** The view after a battle got an outcome, which takes the place of the one it had. */
const settled = (
  view: CampaignView,
  battle: Battle,
  outcome: Outcome,
  tried: Standing["tried"]
): CampaignView => {
  const key = keyOf(battle)
  const before = lookUp(view.standings, key)
  const result = resultOf(outcome)
  const counted = Cells.countedOf(outcome)
  const counts = { ...view.counts }
  if (before !== undefined) counts[before.result]--
  counts[result]++
  return {
    ...view,
    counts,
    standings: HashMap.set(view.standings, key, { result, counted, tried }),
    cells: Cells.changed(view.cells, battle, before?.counted, counted),
    spent: result === "pending" ? view.spent : HashMap.remove(view.spent, key)
  }
}

const attemptBegan = (view: CampaignView, { atMillis, battle, number }: Of<"AttemptBegan">): CampaignView => {
  const key = keyOf(battle)
  return {
    ...view,
    slots: Slots.taken(view.slots, key, atMillis),
    waiting: HashMap.remove(view.waiting, key),
    attempts: HashMap.set(view.attempts, key, {
      battle,
      number,
      phase: "connecting",
      tokens: 0,
      beganAtMillis: atMillis,
      firstTokenAtMillis: undefined,
      lastTokenAtMillis: undefined,
      cadence: Cadence.begin(atMillis),
      outlook: AttemptOutlook.calm,
      slow: []
    })
  }
}

const tokensArrived = (view: CampaignView, event: Of<"TokensArrived">): CampaignView => {
  const { arrived, atMillis } = event
  const key = keyOf(event.battle)
  const attempt = lookUp(view.attempts, key)
  return {
    ...view,
    tokens: view.tokens + arrived,
    cadence: Cadence.step(view.cadence, atMillis, arrived),
    progressAtMillis: isProgressDue(view, event) ? atMillis : view.progressAtMillis,
    attempts: attempt === undefined ? view.attempts : HashMap.set(view.attempts, key, {
      ...attempt,
      phase: event.phase,
      tokens: event.tokens,
      firstTokenAtMillis: attempt.firstTokenAtMillis ?? (arrived > 0 ? atMillis : undefined),
      lastTokenAtMillis: arrived > 0 ? atMillis : attempt.lastTokenAtMillis,
      cadence: Cadence.step(attempt.cadence, atMillis, arrived)
    })
  }
}

const outlookChanged = (view: CampaignView, { battle, number, outlook }: Of<"OutlookChanged">): CampaignView => {
  const key = keyOf(battle)
  const attempt = lookUp(view.attempts, key)
  return attempt?.number === number
    ? {
      ...view,
      attempts: HashMap.set(view.attempts, key, {
        ...attempt,
        outlook,
        slow: outlook.slow === null || attempt.slow.includes(outlook.slow)
          ? attempt.slow
          : [...attempt.slow, outlook.slow]
      })
    }
    : view
}

const attemptEnded = (view: CampaignView, record: AttemptRecord, atMillis: number): CampaignView => {
  const key = keyOf(record.battle)
  const attempt = lookUp(view.attempts, key)
  // An attempt that was given up may end after the next one of its battle has begun.
  const frees = attempt !== undefined && attempt.number <= record.number
  const reason = record.error === null ? record.verdict : errorText(record.error)
  const after = settled(view, record.battle, record.outcome, { number: record.number, reason })
  const result = resultOf(record.outcome)
  const isOver = result !== "pending"
  const spentMillis = (lookUp(view.spent, key)?.millis ?? 0) + record.durationMillis
  const ended: Ended = { record, result, atMillis }
  const isStall = record.verdict === "stalled"
  return {
    ...after,
    attempts: frees ? HashMap.remove(view.attempts, key) : view.attempts,
    slots: frees && !HashMap.has(view.waiting, key) ? Slots.freed(view.slots, key, atMillis) : view.slots,
    spent: isOver
      ? HashMap.remove(view.spent, key)
      : HashMap.set(view.spent, key, { battle: record.battle, millis: spentMillis }),
    lanes: isOver ? Lane.withCost(view.lanes, record.battle.agent, spentMillis) : view.lanes,
    ended: isWorthTelling(ended) ? [ended, ...view.ended].slice(0, ENDED_KEPT) : view.ended,
    stalls: isStall ? [ended, ...view.stalls].slice(0, STALLS_KEPT) : view.stalls,
    stalled: view.stalled + (isStall ? 1 : 0)
  }
}

const retryWaits = (view: CampaignView, { atMillis, battle, delayMillis }: Of<"RetryWaits">): CampaignView => {
  const key = keyOf(battle)
  const tried = lookUp(view.standings, key)?.tried
  return {
    ...view,
    slots: Slots.taken(view.slots, key, atMillis),
    waiting: HashMap.set(view.waiting, key, {
      battle,
      number: (lookUp(view.attempts, key)?.number ?? tried?.number ?? 0) + 1,
      untilMillis: atMillis + delayMillis,
      reason: tried?.reason ?? ""
    })
  }
}
