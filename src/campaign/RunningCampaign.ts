/**
 * A campaign while it runs: what everybody who plays it, stops it or looks at it shares.
 *
 * Law: once it is to stop it does not start again; who wants it stopped sooner may still say so.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Followed } from "../a2a/TaskEvent.ts"
import * as EventLog from "../telemetry/EventLog.ts"
import { AttemptsInFlight } from "./AttemptsInFlight.ts"
import { type Battle, keyOf } from "./Battle.ts"
import { BattleHistories } from "./BattleHistories.ts"
import { BattlePlan } from "./BattlePlan.ts"
import type { CampaignEvent } from "./CampaignEvent.ts"
import { CampaignLane } from "./CampaignLane.ts"
import * as CampaignLog from "./CampaignLog.ts"
import { type CampaignSpans, none as noSpans } from "./CampaignSpans.ts"
import { type Definition, laneOf, lanesOf } from "./Definition.ts"
import type { RunEnd } from "./RunEnd.ts"
import type { Seats } from "./Seat.ts"
import type { Recorded, StoredCampaign } from "./StoredCampaign.ts"

/** Why nothing is begun any more. */
export interface Stop {
  readonly end: RunEnd
  /** What is in flight is ended, too. */
  readonly now: boolean
  /** A clause. */
  readonly why: string
}

type Untimed<E> = E extends CampaignEvent ? Omit<E, "atMillis"> : never

export class RunningCampaign {
  readonly definition: Definition
  readonly seats: Seats
  readonly plan: BattlePlan
  readonly histories: BattleHistories
  readonly lanes: ReadonlyMap<string, CampaignLane>
  readonly inFlight = new AttemptsInFlight()
  readonly spans: CampaignSpans
  /** Milliseconds of the monotonic clock since it was begun or resumed. */
  readonly now: () => number
  readonly #wake: Queue.Queue<void>
  /** How gates stood when that was last told. */
  readonly #gates = new Map<string, string>()
  /** The ways in which agents have been followed. */
  readonly #followed = new Set<string>()
  readonly #onEvent: (event: CampaignEvent) => Effect.Effect<void>
  /** Told what the store made of an attempt. */
  readonly recorded: (battle: Battle, as: Recorded) => void
  /** Generated tokens of all attempts that have ended. */
  tokens: number
  stop: Stop | undefined

  constructor(
    campaign: StoredCampaign,
    options: {
      readonly seats: Seats
      readonly now: () => number
      readonly wake: Queue.Queue<void>
      /** None unless given. */
      readonly spans?: CampaignSpans
      readonly onEvent: (event: CampaignEvent) => Effect.Effect<void>
      readonly onRecorded: (battle: Battle, as: Recorded) => void
    }
  ) {
    const { attempts, battles, definition } = campaign
    this.definition = definition
    this.seats = options.seats
    this.spans = options.spans ?? noSpans
    this.now = options.now
    this.#wake = options.wake
    this.#onEvent = options.onEvent
    this.recorded = options.onRecorded
    this.plan = new BattlePlan(definition, battles)
    this.histories = new BattleHistories(definition.policy, battles, retriesOf(campaign))
    this.lanes = new Map(lanesOf(definition).map((lane) => [lane.name, new CampaignLane(lane)]))
    this.tokens = attempts.reduce((sum, attempt) => sum + attempt.tokens, 0)
  }

  /** Battles that have been offered or are played, in all lanes. */
  get busy(): number {
    let count = 0
    for (const { inFlight } of this.lanes.values()) count += inFlight
    return count
  }

  /** The lane of an agent, by its name. */
  laneOfAgent(name: string): CampaignLane | undefined {
    const agent = this.definition.agents.find((agent) => agent.name === name)
    return agent === undefined ? undefined : this.lanes.get(laneOf(agent))
  }

  /** Whether a gate is only to be asked at another time than before, and stands as it did. */
  #isAgain(event: CampaignEvent): boolean {
    if (event._tag !== "GateChanged") return false
    const gate = `${event.of} ${event.endpoint}`
    const before = this.#gates.get(gate)
    this.#gates.set(gate, event.state)
    return before === event.state
  }

  tell(event: Untimed<CampaignEvent>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const told = { ...event, atMillis: this.now() } as CampaignEvent
      if (told._tag === "TokensArrived" || this.#isAgain(told)) return this.#onEvent(told)
      const battle = told._tag === "AttemptEnded" ? told.record.battle : undefined
      const span = this.spans.around(battle)
      this.spans.note(told)
      const logged = EventLog.write(() => {
        const record = CampaignLog.recordOf(told)
        return record === undefined ? undefined : { ...record, span }
      })
      return Effect.andThen(logged, this.#onEvent(told))
    })
  }

  /** Somebody shall look whether there is something to begin. */
  wake(): void {
    Queue.offerUnsafe(this.#wake, undefined)
  }

  /** Waits until something has changed, or at most so long. */
  changed(withinMillis: number): Effect.Effect<unknown> {
    const woken = Queue.take(this.#wake)
    return withinMillis === Infinity ? woken : Effect.timeoutOption(woken, Math.max(0, withinMillis))
  }

  /** How an agent is followed is told the first time that it is so, unless it is the best there is. */
  readonly followed = (agent: string, { exact, hop, mode, why }: Followed): Effect.Effect<void> =>
    Effect.suspend(() => {
      const key = JSON.stringify([agent, hop, mode, exact])
      if (this.#followed.has(key) || (mode === "stream" && exact)) return Effect.void
      this.#followed.add(key)
      const rest = exact ? "" : "; it tells no tokens, so pieces of its text are counted"
      return this.tell({ _tag: "ModeFound", agent, mode, why: `${why}${mode === "blocking" ? "" : rest}` })
    })

  /** Begins nothing any more. */
  readonly stopFor = (stop: Stop): Effect.Effect<void> =>
    Effect.suspend(() => {
      const before = this.stop
      if (before !== undefined && (before.now || !stop.now)) return Effect.void
      this.stop = stop
      for (const lane of this.lanes.values()) lane.release()
      this.wake()
      return this.tell({ _tag: "Stopping", why: stop.why })
    })

  /** The battles of a lane that nobody has begun are given to nobody while it is halted. */
  get isStuck(): boolean {
    for (const lane of this.lanes.values()) {
      if (lane.halted === null && this.plan.pendingOf(lane.name) > 0) return false
    }
    return this.plan.pending > 0
  }
}

/** Attempts that were granted after one that was used up. */
const retriesOf = ({ attempts, battles }: StoredCampaign): number => {
  const charged = new Map<string, number>()
  for (const attempt of attempts) {
    if (attempt.charged) charged.set(keyOf(attempt.battle), (charged.get(keyOf(attempt.battle)) ?? 0) + 1)
  }
  let retries = 0
  for (const { battle, outcome } of battles) {
    const count = charged.get(keyOf(battle)) ?? 0
    retries += Math.max(0, outcome._tag === "Pending" ? count : count - 1)
  }
  return retries
}
