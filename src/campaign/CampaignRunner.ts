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
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { A2aClient } from "../a2a/A2aClient.ts"
import { watchTask } from "../a2a/watchTask.ts"
import * as AssessmentRequest from "../agents/AssessmentRequest.ts"
import { AssessmentResult } from "../agents/GreenAgent.ts"
import type { Grade } from "../grading/Grade.ts"
import { Failed, FailReason } from "../liveness/Failed.ts"
import * as RetryPolicy from "../liveness/RetryPolicy.ts"
import type { RunError } from "../liveness/RunError.ts"
import type { Ticker } from "../liveness/Ticker.ts"
import * as AttemptMeter from "./AttemptMeter.ts"
import type { AttemptRecord } from "./AttemptRecord.ts"
import { type Battle, Outcome } from "./Battle.ts"
import type { CampaignEvent } from "./CampaignEvent.ts"
import { CampaignStore, type StoredCampaign } from "./CampaignStore.ts"
import type { StoreError } from "./StoreError.ts"
import * as TokenTimings from "./TokenTimings.ts"

export interface RunOptions {
  readonly campaign: StoredCampaign
  readonly greenUrl: string
  readonly purpleUrl: string
  /** Told of everything that happens, at once and in order. */
  readonly onEvent: (event: CampaignEvent) => Effect.Effect<void>
}

/** Runs all pending battles. Fails only if the store does. */
export const run = Effect.fn("CampaignRunner.run")(function*(
  options: RunOptions
): Effect.fn.Return<void, StoreError, A2aClient | CampaignStore | Ticker> {
  const { campaign: { attempts, battles, definition }, onEvent } = options
  const clock = yield* Clock.Clock
  const startedAt = clock.monotonicTimeNanosUnsafe()
  const now = () => Number(clock.monotonicTimeNanosUnsafe() - startedAt) / 1e6

  yield* onEvent({ _tag: "CampaignBegan", atMillis: now(), definition, battles })
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
    { concurrency: definition.concurrency, discard: true }
  )
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
  const attempt = Effect.suspend(() => runAttempt(options, history)).pipe(
    Effect.tapError((error) => Effect.sync(() => error._tag === "StoreError" ? 0 : history.push(error)))
  )
  const schedule = RetryPolicy.schedule().pipe(
    Schedule.tap(({ duration }) =>
      onEvent({ _tag: "RetryWaits", atMillis: now(), battle, delayMillis: Duration.toMillis(duration) })
    )
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

/** One attempt, stored however it ends. Fails with what ended it. */
const runAttempt = Effect.fnUntraced(function*(options: BattleOptions, history: ReadonlyArray<RunError>) {
  const { battle, campaign: { definition }, now, onEvent } = options
  const client = yield* A2aClient
  const store = yield* CampaignStore
  const number = options.attemptsBefore + history.length + 1
  const startedAt = yield* Clock.currentTimeMillis
  const began = now()
  let meter = AttemptMeter.begin()
  yield* onEvent({ _tag: "AttemptBegan", atMillis: began, battle, number })

  const watch = client.send({ url: options.greenUrl, hop: "green", text: requestText(options) }).pipe(
    watchTask({
      run: { hop: "green", attempt: number, endpoint: options.greenUrl, model: "" },
      limits: definition.limits,
      policy: definition.stallPolicy,
      ...(definition.hardCapMillis === null ? {} : { opened: { budgetMillis: definition.hardCapMillis } })
    }),
    Stream.runForEachArray((events) => {
      const atMillis = now()
      const phaseBefore = meter.phase
      meter = AttemptMeter.step(meter, events, atMillis - began)
      const arrived = AttemptMeter.tokensIn(events)
      return arrived === 0 && meter.phase === phaseBefore ? Effect.void : onEvent({
        _tag: "TokensArrived",
        atMillis,
        battle,
        phase: meter.phase,
        tokens: meter.transcript.tokens,
        arrived
      })
    }),
    Effect.andThen(Effect.suspend(() => gradeOf(meter)))
  )

  const recordOf = (exit: Exit.Exit<Grade, RunError>): AttemptRecord => {
    const { transcript } = meter
    const error = Exit.isFailure(exit) ? Exit.findErrorOption(exit) : undefined
    const runError = error?._tag === "Some" ? error.value : null
    return {
      battle,
      number,
      mode: "stream",
      verdict: Exit.isSuccess(exit) ? "completed" : runError === null ? "cancelled" : verdictOf[runError._tag],
      error: runError,
      startedAt,
      durationMillis: now() - began,
      tokens: transcript.tokens,
      tokenBasis: transcript.tokenBasis,
      promptTokens: transcript.promptTokens ?? null,
      finishReason: transcript.finishReason ?? null,
      timeToFirstTokenMillis: AttemptMeter.timeToFirstToken(meter),
      tokensPerSecond: AttemptMeter.tokensPerSecond(meter),
      content: transcript.content,
      reasoning: transcript.reasoning,
      timings: TokenTimings.encode(meter.arrivals),
      outcome: Exit.isSuccess(exit)
        ? Outcome.cases.Scored.make({ grade: exit.value, attempt: number })
        : runError === null || RetryPolicy.planOf([...history, runError], 0)._tag === "Retry"
        ? Outcome.cases.Pending.make({})
        : Outcome.cases.Unscored.make({ reason: runError.message, attempt: number })
    }
  }

  yield* Effect.onExit(watch, (exit) => {
    const record = recordOf(exit)
    return Effect.andThen(store.record(record), onEvent({ _tag: "AttemptEnded", atMillis: now(), record }))
  })
})

const requestText = ({ battle, campaign, purpleUrl }: BattleOptions): string =>
  AssessmentRequest.encode({
    participants: { agent: purpleUrl },
    config: { tasks: [campaign.definition.tasks.find((task) => task.id === battle.task)!] }
  })

/** The grade in the green agent's result. */
const gradeOf = (meter: AttemptMeter.AttemptMeter): Effect.Effect<Grade, Failed> => {
  const result = decodeResult(meter.result)
  const grade = Result.isSuccess(result) ? result.success.results[0]?.grade : undefined
  return grade === undefined || grade === null
    ? Effect.fail(
      new Failed({
        hop: "green",
        tokens: meter.transcript.tokens,
        reason: FailReason.cases.Malformed.make({
          detail: "the green agent completed its task without a result artifact that holds a grade"
        })
      })
    )
    : Effect.succeed(grade)
}

const decodeResult = Schema.decodeUnknownResult(AssessmentResult)

const verdictOf = { Stalled: "stalled", Slow: "slow", Failed: "failed" } as const

const sameBattle = (a: Battle, b: Battle): boolean =>
  a.task === b.task && a.agent === b.agent && a.repetition === b.repetition
