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
import { CampaignStore } from "./CampaignStore.ts"
import * as CommandWatch from "./CommandWatch.ts"
import * as EpochWatch from "./EpochWatch.ts"
import * as QueueWatch from "./QueueWatch.ts"
import type { RunEnd } from "./RunEnd.ts"
import * as RunnerReport from "./RunnerReport.ts"
import { RunningCampaign } from "./RunningCampaign.ts"
import type { Seats } from "./Seat.ts"
import type { StoredCampaign } from "./StoredCampaign.ts"
import type { StoreError } from "./StoreError.ts"

export interface RunOptions {
  readonly campaign: StoredCampaign
  /** Of every agent of the campaign. */
  readonly seats: Seats
  /** Told of everything that happens, at once and in order. */
  readonly onEvent: (event: CampaignEvent) => Effect.Effect<void>
}

type Services = A2aClient | AgentBreaker | BattleQueue | CampaignEngines | CampaignStore | EngineGate | Ticker

/** Plays until nothing is pending or somebody stops it, and says which. Fails only if the store does. */
export const run = Effect.fn("CampaignRunner.run")(function*(
  options: RunOptions
): Effect.fn.Return<void, StoreError, A2aClient | CampaignStore | EngineGate | Ticker> {
  const { campaign: { battles, definition }, onEvent, seats } = options
  const clock = yield* Clock.Clock
  const startedAt = clock.monotonicTimeNanosUnsafe()
  const now = () => Number(clock.monotonicTimeNanosUnsafe() - startedAt) / 1e6
  const wake = yield* Queue.sliding<void>(1)
  const running = new RunningCampaign(campaign, { seats, now, wake, onEvent })
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
  const pending = battles.filter(({ outcome }) => outcome._tag === "Pending")
  yield* Effect.forEach(
    pending,
    ({ battle }) =>
      runBattle({
        ...options,
        battle,
        now
      }),
    { concurrency: mostAtOnce(definition), discard: true }
  )
  yield* Fiber.interrupt(gates)
  const end: RunEnd = running.stop?.end ?? (running.isStuck ? haltedBy(running) : { _tag: "Ended" })
  yield* running.tell({ _tag: "CampaignEnded", end })
  return end
})

interface BattleOptions extends RunOptions {
  readonly battle: Battle
  readonly now: () => number
}

/** Runs attempts until one settles the battle. */
const runBattle = Effect.fnUntraced(function*(options: BattleOptions) {
  const { battle, now, onEvent } = options
  const history: Array<RunError> = []
  let patience = 1
  const { definition } = options.campaign
  const attempt = Effect.suspend(() =>
    Attempt.run({
      ...options,
      seat: options.seats.get(battle.agent)!,
      definition,
      history,
      patience
    })
  ).pipe(
    Effect.tapError((error) => Effect.sync(() => error._tag === "StoreError" ? 0 : history.push(error)))
  )
  const schedule = RetryPolicy.schedule().pipe(
    Schedule.tap(({ duration, output }) => {
      if (output._tag === "Retry") patience = output.limitFactor
      return onEvent({ _tag: "RetryWaits", atMillis: now(), battle, delayMillis: Duration.toMillis(duration) })
    })
  )
  const storeError = yield* attempt.pipe(
    Effect.as(undefined),
    Effect.catchTag("StoreError", (error) => Effect.succeed(error)),
    Effect.retry(schedule),
    // Stored as the battle's outcome already.
    Effect.catchTag(["Stalled", "Slow", "Failed"], () => Effect.void)
  )
  if (storeError !== undefined) return yield* storeError
})
