/**
 * Plays the battles of a campaign that are still pending, and stores every attempt as it ends.
 *
 * The dispatcher asks the plan what is next wherever a lane has room, and offers it to the queue; the players of a lane take
 * battles from the queue, play one attempt of each, and tell the plan what came of it. A battle that is to be tried again
 * goes back into the plan with its delay, so nobody waits in its place. Beside them stand watches: over commands from other
 * terminals, over what the engines are, over their queues.
 *
 * Laws: at most as many battles of a lane at once as its concurrency says; no lane waits for another; every attempt that
 * began is stored once; nothing is stored for a battle after its outcome; while an agent's breaker is shut, none of its
 * battles takes a place. Interrupting the runner stores the attempts in flight as cancelled and leaves their battles
 * pending.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import type { A2aClient } from "../a2a/A2aClient.ts"
import { AgentBreaker } from "../liveness/AgentBreaker.ts"
import { EngineGate, type GateEvent, type GateView } from "../liveness/EngineGate.ts"
import { inSeconds } from "../liveness/inSeconds.ts"
import { retryKindOf, rowOf } from "../liveness/RetryTable.ts"
import type { RunError } from "../liveness/RunError.ts"
import type { Ticker } from "../liveness/Ticker.ts"
import * as Attempt from "./Attempt.ts"
import { type Battle, Outcome } from "./Battle.ts"
import { BattleQueue } from "./BattleQueue.ts"
import type { CampaignEngines } from "./CampaignEngines.ts"
import type { CampaignEvent } from "./CampaignEvent.ts"
import type { CampaignLane } from "./CampaignLane.ts"
import * as CampaignMetrics from "./CampaignMetrics.ts"
import * as CampaignSpans from "./CampaignSpans.ts"
import { CampaignStore } from "./CampaignStore.ts"
import * as CommandWatch from "./CommandWatch.ts"
import * as EngineLoadWatch from "./EngineLoadWatch.ts"
import * as EpochWatch from "./EpochWatch.ts"
import * as QueueWatch from "./QueueWatch.ts"
import type { RunEnd } from "./RunEnd.ts"
import type { RunnerDesk } from "./RunnerDesk.ts"
import * as RunnerReport from "./RunnerReport.ts"
import { RunningCampaign } from "./RunningCampaign.ts"
import type { Seats } from "./Seat.ts"
import { everything } from "./Selection.ts"
import type { StoredCampaign } from "./StoredCampaign.ts"
import type { Command } from "./StoredCommand.ts"
import type { StoreError } from "./StoreError.ts"

/** What its own program may ask of a campaign while it runs. */
export interface RunnerControl {
  /** Does it at once, and says in a clause what has come of it. */
  readonly obey: (command: Command) => Effect.Effect<string, StoreError>
  /** Battles that have been begun and have not ended. */
  readonly inFlight: () => number
  /** Why nothing is begun any more; a clause, or `null`. */
  readonly stopping: () => string | null
}

/** What is played, where, and who is told. */
export interface RunOptions {
  readonly campaign: StoredCampaign
  /** Of every agent of the campaign. */
  readonly seats: Seats
  /** Told of everything that happens, at once and in order. */
  readonly onEvent: (event: CampaignEvent) => Effect.Effect<void>
  /** Given the control before it tells anything, and `undefined` when it is of no use any more. */
  readonly onControl?: (control: RunnerControl | undefined) => Effect.Effect<void>
}

type Services =
  | A2aClient
  | AgentBreaker
  | BattleQueue
  | CampaignEngines
  | CampaignStore
  | EngineGate
  | RunnerDesk
  | Ticker

/** Plays until nothing is pending or somebody stops it, and says which. Fails only if the store does. */
export const run = (options: RunOptions): Effect.Effect<RunEnd, StoreError, Services> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      CampaignSpans.begin(options.campaign.definition),
      (spans) => Effect.onExit(restore(played(options, spans)), (exit) => Effect.sync(() => spans.end(exit)))
    )
  )

const played = Effect.fn("CampaignRunner.run")(function*(
  { campaign, onControl = () => Effect.void, onEvent, seats }: RunOptions,
  spans: CampaignSpans.CampaignSpans
): Effect.fn.Return<RunEnd, StoreError, Services> {
  const clock = yield* Clock.Clock
  const startedAt = clock.monotonicTimeNanosUnsafe()
  const now = () => Number(clock.monotonicTimeNanosUnsafe() - startedAt) / 1e6
  const wake = yield* Queue.sliding<void>(1)
  const metrics = yield* CampaignMetrics.make
  const running = new RunningCampaign(campaign, {
    seats,
    now,
    wake,
    spans,
    onEvent: metrics.counting(onEvent),
    onRecorded: metrics.recorded
  })
  const services = yield* Effect.context<Services>()
  yield* onControl({
    obey: (command) =>
      Effect.uninterruptible(CommandWatch.obey(running, command, "by its program")).pipe(
        Effect.provideContext(services)
      ),
    inFlight: () => running.inFlight.count,
    stopping: () => running.stop?.why ?? null
  })
  yield* running.tell({ _tag: "CampaignBegan", definition: campaign.definition, battles: campaign.battles })
  const gate = yield* EngineGate
  // Before anything happens at them, so that nothing of it is missed.
  const gates = yield* Effect.forkChild(
    Effect.forEach(["engine", "agent"] as const, (of) => gatesTold(running, of, Number(startedAt) / 1e6), {
      concurrency: "unbounded"
    }),
    { startImmediately: true }
  )
  for (const endpoint of new Set(Array.from(seats.values(), ({ endpoint }) => endpoint))) yield* gate.doubt(endpoint)
  yield* Effect.forEach(running.lanes.values(), (lane) => EpochWatch.look(running, lane), { concurrency: "unbounded" })

  const lanes = Array.from(running.lanes.values())
  const players = lanes.flatMap((lane) =>
    Array.from({ length: lane.concurrency.most }, () => Effect.forever(player(running, lane)))
  )
  // Whoever stands beside the dispatcher ends with it; what fails ends everybody.
  const beside: ReadonlyArray<Effect.Effect<unknown, StoreError, Services>> = [
    ...players,
    CommandWatch.watch(running),
    EpochWatch.watch(running),
    EngineLoadWatch.watch(running),
    QueueWatch.watch(running).pipe(Effect.andThen(Effect.never)),
    RunnerReport.watch(running)
  ]
  yield* Effect.raceFirst(
    dispatch(running),
    Effect.andThen(Effect.forEach(beside, (each) => each, { concurrency: "unbounded", discard: true }), Effect.never)
  ).pipe(Effect.ensuring(Effect.suspend(() => onControl(undefined))))
  yield* Fiber.interrupt(gates)
  const end: RunEnd = running.stop?.end ?? (running.isStuck ? haltedBy(running) : { _tag: "Ended" })
  yield* running.tell({ _tag: "CampaignEnded", end })
  return end
})

const haltedBy = ({ lanes }: RunningCampaign): RunEnd => ({
  _tag: "Halted",
  why: Array.from(lanes.values()).flatMap(({ halted }) => halted === null ? [] : [halted])
})

/** Offers battles wherever there is room, until there is nothing more to do. */
const dispatch = Effect.fnUntraced(function*(running: RunningCampaign) {
  const queue = yield* BattleQueue
  const breaker = yield* AgentBreaker
  const { agents, policy } = running.definition
  const { campaignMillis, campaignTokens } = policy
  while (true) {
    if (campaignMillis !== null && running.now() >= campaignMillis) {
      yield* stopAtBudget(running, inSeconds(campaignMillis))
    }
    if (campaignTokens !== null && running.tokens >= campaignTokens) {
      yield* stopAtBudget(running, `${campaignTokens} tokens`)
    }
    const views = new Map<string, GateView>()
    for (const { name } of agents) views.set(name, yield* breaker.state(name))
    const forsakenAt = yield* forsake(running, views)
    const admits = (agent: string) => {
      const view = views.get(agent)
      return view === undefined || view.state === "closed" || (view.admits && running.plan.inFlightOf(agent) === 0)
    }
    let due = Math.min(forsakenAt, campaignMillis ?? Infinity)
    for (const lane of running.lanes.values()) {
      if (running.stop !== undefined || lane.halted !== null) continue
      while (lane.hasRoom) {
        const battle = running.plan.next(lane.name, running.now(), admits)
        if (battle === undefined) break
        lane.inFlight++
        yield* queue.offer({ lane: lane.name, battle })
      }
      // A lane that is full looks again when a place is given back; what is due there by then would keep us awake.
      if (lane.hasRoom) due = Math.min(due, running.plan.dueAtMillis(lane.name) ?? Infinity)
    }
    if (running.stop?.now === true || (running.busy === 0 && isOver(running))) return
    yield* running.changed(running.stop === undefined ? due - running.now() : Infinity)
  }
})

const isOver = (running: RunningCampaign): boolean =>
  running.stop !== undefined || running.plan.pending === 0 || running.isStuck

const stopAtBudget = (running: RunningCampaign, spent: string) =>
  running.stopFor({
    end: { _tag: "Paused", why: `its budget of ${spent} is spent` },
    now: false,
    why: `its budget of ${spent} is spent`
  })

/** Gives up the battles of agents that have been gone for as long as a battle may wait; says when the next one will be. */
const forsake = Effect.fnUntraced(function*(running: RunningCampaign, views: ReadonlyMap<string, GateView>) {
  const clock = yield* Clock.Clock
  const at = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  let next = Infinity
  for (const [agent, { openedMillis, state, why }] of views) {
    if (state !== "open" || openedMillis === null) continue
    const left = running.definition.policy.waitMillis - (at - openedMillis)
    if (left > 0) {
      next = Math.min(next, running.now() + left)
      continue
    }
    // One that waits for the breaker is not in flight: it comes back to the plan, and is given up the next time.
    if (running.plan.inFlightOf(agent) > 0) running.laneOfAgent(agent)?.release()
    const battles = running.plan.giveUp((battle) => battle.agent === agent)
    if (battles.length === 0) continue
    const reason = `agent ${agent} could not be played against for ${inSeconds(at - openedMillis)}: ${why}`
    const store = yield* CampaignStore
    // Not all of the agent's: one that is in flight has an end of its own.
    yield* store.giveUp(everything, reason, battles)
    yield* running.tell({
      _tag: "OutcomesChanged",
      why: reason,
      battles: battles.map((battle) => ({ battle, outcome: Outcome.cases.Unscored.make({ reason, attempt: 0 }) }))
    })
  }
  return next
})

/** Takes one battle of the lane and plays one attempt of it. */
const player = Effect.fnUntraced(function*(running: RunningCampaign, lane: CampaignLane) {
  const queue = yield* BattleQueue
  yield* queue.take(lane.name, (battle) => play(running, lane, battle))
})

const play = Effect.fnUntraced(function*(running: RunningCampaign, lane: CampaignLane, battle: Battle) {
  const seat = running.seats.get(battle.agent)!
  let delayMillis: number | null = null
  let refused = false
  const attempted = yield* Attempt.run({
    definition: running.definition,
    battle,
    span: yield* running.spans.battle(battle),
    seat,
    patience: running.histories.patienceOf(battle),
    released: lane.released,
    admit: admit(running, lane, seat.endpoint),
    decide: (error) =>
      Effect.gen(function*() {
        const kind = retryKindOf(error)
        refused = kind === "rate-limited" || kind === "unavailable"
        if (kind === "rejected" && error.hop === "engine") {
          yield* EpochWatch.look(running, lane)
          // It is not the battle's fault that its model is gone.
          if (lane.halted !== null) return { outcome: Outcome.cases.Pending.make({}), charged: false }
        }
        const ofEngine = yield* isOfEngine(error, seat.endpoint)
        const consequence = running.histories.failed(battle, error, { chance: yield* Random.next, ofEngine })
        delayMillis = consequence.delayMillis
        return consequence
      }),
    now: running.now,
    onEvent: (event) => running.tell(event),
    onFollowed: (followed) => running.followed(battle.agent, followed),
    onProgress: (number, meter, outlook) => running.inFlight.came(battle, number, meter, outlook),
    onRecorded: (as) => running.recorded(battle, as)
  })
  const wasFull = !lane.hasRoom
  lane.inFlight--
  running.inFlight.ended(battle)
  if (attempted === undefined) {
    running.plan.waits(battle, running.now())
    return running.wake()
  }
  const { began, record } = attempted
  const at = running.now()
  running.tokens += record.tokens
  if (refused) yield* QueueWatch.adapt(running, lane, { _tag: "Refused", at, beganAtMillis: began })
  if (record.verdict === "completed") yield* QueueWatch.adapt(running, lane, { _tag: "Completed", at, full: wasFull })
  if (record.outcome._tag !== "Pending") {
    running.plan.settled(battle, record.outcome._tag === "Scored")
  } else {
    running.plan.waits(battle, at + (delayMillis ?? 0))
    if (delayMillis !== null) yield* running.tell({ _tag: "RetryWaits", battle, delayMillis })
  }
  running.wake()
})

/** Whether a battle may start now, and in which epoch of its engine. The gate has let it in already. */
const admit = Effect.fnUntraced(function*(running: RunningCampaign, lane: CampaignLane, endpoint: string) {
  if (running.stop !== undefined) return undefined
  const gate = yield* EngineGate
  const clock = yield* Clock.Clock
  const { sinceMillis } = yield* gate.state(endpoint)
  const ageMillis = Number(clock.monotonicTimeNanosUnsafe()) / 1e6 - sinceMillis
  if (EpochWatch.isStale(lane, running.now() - ageMillis)) yield* EpochWatch.look(running, lane)
  return lane.halted === null ? { epoch: lane.epoch } : undefined
})

/** How often a gate is asked whether its canary has come back. */
const BETWEEN_QUESTIONS_MILLIS = 250

/**
 * Whether an error that the gate takes for a sign of trouble was the whole engine's. Only the canary knows: vLLM ends all
 * streams in the same way in which it ends one. While the gate waits for it nothing may start anyway.
 */
const isOfEngine = Effect.fnUntraced(function*(error: RunError, endpoint: string) {
  const { gate: gates, usesAttempt } = rowOf(error)
  if (error.hop !== "engine" || gates !== "yes" || !usesAttempt) return false
  const gate = yield* EngineGate
  while (true) {
    const { state } = yield* gate.state(endpoint)
    if (state !== "suspect") return state === "open"
    yield* Effect.sleep(BETWEEN_QUESTIONS_MILLIS)
  }
})

/** Tells what the gates of the engines, or the breakers of the agents, do. */
const gatesTold = Effect.fnUntraced(function*(running: RunningCampaign, of: "agent" | "engine", began: number) {
  const gates = of === "engine" ? yield* EngineGate : yield* AgentBreaker
  const since = (millis: number | null) => millis === null ? null : millis - began
  yield* Stream.runForEach(gates.changes, (event: GateEvent) => {
    running.wake()
    return running.tell({
      ...event,
      of,
      sinceMillis: event.sinceMillis - began,
      nextCanaryAtMillis: since(event.nextCanaryAtMillis),
      openedMillis: since(event.openedMillis)
    })
  })
})
