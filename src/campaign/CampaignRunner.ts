/**
 * Runs the battles of a campaign that are still pending, and stores every attempt as it ends.
 *
 * A battle is an assessment request to a green agent, whose stream carries the purple agent's tokens. An attempt ends
 * completed (with a grade), stalled, failed or cancelled; what may end differently is tried again by `RetryPolicy`. A
 * battle is unscored, with the last attempt's reason, when no attempt is left. Interrupting the runner stores the
 * attempts in flight as cancelled and leaves their battles pending.
 *
 * Laws: at most `concurrency` battles at once; every attempt that began is stored once; nothing is stored for a battle
 * after its outcome.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { A2aClient } from "../a2a/A2aClient.ts"
import { EngineGate } from "../liveness/EngineGate.ts"
import * as RetryPolicy from "../liveness/RetryPolicy.ts"
import type { RunError } from "../liveness/RunError.ts"
import type { Ticker } from "../liveness/Ticker.ts"
import * as Attempt from "./Attempt.ts"
import type { Battle } from "./Battle.ts"
import type { CampaignEvent } from "./CampaignEvent.ts"
import type { CampaignStore, StoredCampaign } from "./CampaignStore.ts"
import { mostAtOnce } from "./Definition.ts"
import type { Seats } from "./Seat.ts"
import type { StoreError } from "./StoreError.ts"

export interface RunOptions {
  readonly campaign: StoredCampaign
  /** Of every agent of the campaign. */
  readonly seats: Seats
  /** Told of everything that happens, at once and in order. */
  readonly onEvent: (event: CampaignEvent) => Effect.Effect<void>
}

/** Runs all pending battles. Fails only if the store does. */
export const run = Effect.fn("CampaignRunner.run")(function*(
  options: RunOptions
): Effect.fn.Return<void, StoreError, A2aClient | CampaignStore | EngineGate | Ticker> {
  const { campaign: { attempts, battles, definition }, onEvent, seats } = options
  const clock = yield* Clock.Clock
  const startedAt = clock.monotonicTimeNanosUnsafe()
  const began = Number(startedAt) / 1e6
  const now = () => Number(clock.monotonicTimeNanosUnsafe() - startedAt) / 1e6

  yield* onEvent({ _tag: "CampaignBegan", atMillis: now(), definition, battles })
  const gate = yield* EngineGate
  const gates = yield* gate.changes.pipe(
    Stream.runForEach(({ nextCanaryAtMillis, sinceMillis, ...event }) =>
      onEvent({
        ...event,
        atMillis: now(),
        sinceMillis: sinceMillis - began,
        nextCanaryAtMillis: nextCanaryAtMillis === null ? null : nextCanaryAtMillis - began
      })
    ),
    Effect.forkChild({ startImmediately: true })
  )
  for (const endpoint of new Set(Array.from(seats.values(), ({ endpoint }) => endpoint))) yield* gate.doubt(endpoint)
  const pending = battles.filter(({ outcome }) => outcome._tag === "Pending")
  yield* Effect.forEach(
    pending,
    ({ battle }) =>
      runBattle({
        ...options,
        battle,
        now,
        attemptsBefore: attempts.filter((attempt) => sameBattle(attempt.battle, battle)).length
      }),
    { concurrency: mostAtOnce(definition), discard: true }
  )
  yield* Fiber.interrupt(gates)
  yield* onEvent({ _tag: "CampaignEnded", atMillis: now() })
})

interface BattleOptions extends RunOptions {
  readonly battle: Battle
  readonly attemptsBefore: number
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
      number: options.attemptsBefore + history.length + 1,
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

const sameBattle = (a: Battle, b: Battle): boolean =>
  a.task === b.task && a.agent === b.agent && a.repetition === b.repetition
