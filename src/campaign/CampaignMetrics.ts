/**
 * The metrics of a campaign, from its events: battles and how they ended, attempts, retries, gates, engines.
 *
 * Whoever has the events can tell them here: the runner, and a dashboard that looks at the campaign of another process. What
 * had happened before the first event is in the gauges, which say how it stands, and not in the counters, which say what
 * somebody has seen happen.
 *
 * Laws: each battle is in exactly one state; a gate in exactly one. An event that comes with every token costs one
 * comparison. Where the process has no metrics nothing is told at all.
 */
import * as Effect from "effect/Effect"
import type { GateEvent } from "../liveness/EngineGate.ts"
import { retryKindOf } from "../liveness/RetryTable.ts"
import type { RunError } from "../liveness/RunError.ts"
import type { MetricBook } from "../telemetry/MetricBook.ts"
import { catalogue } from "../telemetry/MetricCatalogue.ts"
import { Metrics } from "../telemetry/MetricsService.ts"
import type { AttemptRecord } from "./AttemptRecord.ts"
import { type Battle, keyOf, type Outcome } from "./Battle.ts"
import type { CampaignEvent } from "./CampaignEvent.ts"
import { lanesOf } from "./Definition.ts"
import type { Recorded } from "./StoredCampaign.ts"

type OnEvent = (event: CampaignEvent) => Effect.Effect<void>

export interface CampaignMetrics {
  /** What is told of events, and counts them; the same where nothing is counted. */
  readonly counting: (onEvent: OnEvent) => OnEvent
  /** What the store made of an attempt. */
  readonly recorded: (battle: Battle, as: Recorded) => void
}

const none: CampaignMetrics = { counting: (onEvent) => onEvent, recorded: () => {} }

/** The metrics of one campaign, in the book of the process; nothing where it has none. */
export const make: Effect.Effect<CampaignMetrics> = Effect.map(
  Metrics,
  (metrics) => metrics === undefined ? none : inBook(metrics.book)
)

type BattleState = "pending" | "in-flight" | "scored" | "unscored"
const battleStates: ReadonlyArray<BattleState> = ["pending", "in-flight", "scored", "unscored"]
const gateStates = ["closed", "suspect", "open", "half-open"] as const

/** Of a battle that ended before anybody looked, or was given up, no error is known. */
type Unscored = "earlier" | "given-up" | ReturnType<typeof retryKindOf>

interface Standing {
  readonly agent: string
  readonly state: BattleState
  readonly why: Unscored | undefined
}

const inBook = (book: MetricBook): CampaignMetrics => {
  const standings = new Map<string, Standing>()
  /** The errors of battles that are to be tried again. */
  const errors = new Map<string, RunError>()
  const lanes = new Map<string, { readonly battles: number; readonly isHalted: boolean }>()

  const count = ({ agent, state, why }: Standing, by: 1 | -1) => {
    const labels = { "gen_ai.agent.name": agent }
    book.gauge(catalogue.battles, { ...labels, "campaign.state": state }).value += by
    if (why !== undefined) book.gauge(catalogue.unscored, { ...labels, "error.type": why }).value += by
  }

  const stand = (battle: Battle, state: BattleState, why?: Unscored) => {
    const key = keyOf(battle)
    const before = standings.get(key)
    if (before !== undefined) count(before, -1)
    const standing = { agent: battle.agent, state, why }
    standings.set(key, standing)
    count(standing, 1)
  }

  const standAs = (battle: Battle, { _tag }: Outcome, why: Unscored) =>
    _tag === "Pending"
      ? stand(battle, "pending")
      : _tag === "Scored"
      ? stand(battle, "scored")
      : stand(battle, "unscored", why)

  const lane = (name: string, known: { readonly battles?: number; readonly isHalted?: boolean }) => {
    const next = { ...lanes.get(name) ?? { battles: 0, isHalted: false }, ...known }
    lanes.set(name, next)
    book.gauge(catalogue.concurrency, { "campaign.lane": name }).value = next.isHalted ? 0 : next.battles
  }

  const begin = ({ battles, definition }: Extract<CampaignEvent, { readonly _tag: "CampaignBegan" }>) => {
    // Whoever begins to look anew is told everything anew.
    for (const standing of standings.values()) count(standing, -1)
    standings.clear()
    for (const { name } of definition.agents) {
      for (const state of battleStates) {
        book.gauge(catalogue.battles, { "gen_ai.agent.name": name, "campaign.state": state })
      }
      tellGate(book, { of: "agent", endpoint: name, state: "closed" })
    }
    for (const { concurrency, name } of lanesOf(definition)) {
      lane(name, {
        battles: concurrency._tag === "Fixed" ? concurrency.battles : concurrency.first,
        isHalted: false
      })
    }
    for (const { battle, outcome } of battles) standAs(battle, outcome, "earlier")
  }

  const end = ({ battle, durationMillis, error, outcome, verdict }: AttemptRecord) => {
    const agent = { "gen_ai.agent.name": battle.agent }
    const kind = error === null ? undefined : retryKindOf(error)
    book.counter(catalogue.attempts, { ...agent, "campaign.verdict": verdict }).value++
    book.histogram(catalogue.battleDuration, {
      "gen_ai.workflow.name": "battle",
      ...agent,
      "error.type": kind ?? (verdict === "completed" ? undefined : verdict)
    }).record(durationMillis / 1000)
    standAs(battle, outcome, kind ?? "given-up")
    if (error !== null && outcome._tag === "Pending") errors.set(keyOf(battle), error)
    else errors.delete(keyOf(battle))
  }

  const tell = (event: CampaignEvent) => {
    switch (event._tag) {
      case "TokensArrived":
        return
      case "CampaignBegan":
        return begin(event)
      case "AttemptBegan":
        return stand(event.battle, "in-flight")
      case "AttemptEnded":
        return end(event.record)
      case "RetryWaits": {
        const error = errors.get(keyOf(event.battle))
        errors.delete(keyOf(event.battle))
        book.counter(catalogue.retries, {
          "gen_ai.agent.name": event.battle.agent,
          "error.type": error === undefined ? "earlier" : retryKindOf(error)
        }).value++
        return
      }
      case "OutcomesChanged":
        for (const { battle, outcome } of event.battles) standAs(battle, outcome, "given-up")
        return
      case "GateChanged":
        return tellGate(book, event)
      case "ConcurrencyChanged":
        return lane(event.lane, { battles: event.battles })
      case "LaneHalted":
        return lane(event.lane, { isHalted: event.why !== null })
      case "EpochBegan":
        book.counter(catalogue.epochs, { "campaign.engine.name": event.engine }).value += event.isFirst ? 0 : 1
        return
    }
  }

  return {
    counting: (onEvent) => (event) => {
      tell(event)
      return onEvent(event)
    },
    recorded: ({ agent }, as) => {
      if (as === "superseded") book.counter(catalogue.superseded, { "gen_ai.agent.name": agent }).value++
    }
  }
}

const tellGate = (
  book: MetricBook,
  event: Pick<GateEvent, "endpoint" | "state"> & { readonly of: "agent" | "engine" }
): void => {
  const labels = { "campaign.gate.of": event.of, "campaign.gate.name": event.endpoint }
  const ofState = (state: typeof gateStates[number]) =>
    book.gauge(catalogue.gateState, { ...labels, "campaign.state": state })
  const wasOpen = ofState("open").value === 1
  for (const state of gateStates) ofState(state).value = event.state === state ? 1 : 0
  const openings = book.counter(catalogue.gateOpenings, labels)
  if (event.state === "open" && !wasOpen) openings.value++
}
