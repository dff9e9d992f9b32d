/**
 * One try at a battle: it begins when the gate of its engine lets it in, is watched, and is stored however it ends.
 *
 * A battle is an assessment request to a green agent, whose stream carries the purple agent's tokens. An attempt ends
 * completed (with a grade), stalled, slow, failed or cancelled. What its engine did is told to the gate; what went wrong
 * between us and the engine says nothing of the engine.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { A2aClient } from "../a2a/A2aClient.ts"
import { watchTask } from "../a2a/watchTask.ts"
import * as AssessmentRequest from "../agents/AssessmentRequest.ts"
import { AssessmentResult } from "../agents/GreenAgent.ts"
import type { Grade } from "../grading/Grade.ts"
import { EngineGate } from "../liveness/EngineGate.ts"
import { Failed, FailReason } from "../liveness/Failed.ts"
import { morePatient } from "../liveness/LivenessLimits.ts"
import * as RetryPolicy from "../liveness/RetryPolicy.ts"
import type { RunError } from "../liveness/RunError.ts"
import * as AttemptMeter from "./AttemptMeter.ts"
import type { AttemptRecord } from "./AttemptRecord.ts"
import { type Battle, Outcome } from "./Battle.ts"
import type { CampaignEvent } from "./CampaignEvent.ts"
import { CampaignStore } from "./CampaignStore.ts"
import type { Definition } from "./Definition.ts"
import type { Seat } from "./Seat.ts"
import * as TokenTimings from "./TokenTimings.ts"

export interface AttemptOptions {
  readonly definition: Definition
  readonly battle: Battle
  /** From 1, within the battle. */
  readonly number: number
  /** What the attempts of this battle before it failed with, as far as they count for the retry policy. */
  readonly history: ReadonlyArray<RunError>
  /** The factor on the limits of silence. */
  readonly patience: number
  readonly seat: Seat
  readonly now: () => number
  readonly onEvent: (event: CampaignEvent) => Effect.Effect<void>
}

/** The first token comes from prefill alone; the second one shows that the engine decodes. */
const DECODING_TOKENS = 2

/** Fails with what ended it, or with the store. */
export const run = Effect.fnUntraced(function*(options: AttemptOptions) {
  const { battle, definition, history, now, number, onEvent, patience, seat: { endpoint, greenUrl } } = options
  const client = yield* A2aClient
  const gate = yield* EngineGate
  const store = yield* CampaignStore
  yield* gate.enter(endpoint)
  const startedAt = yield* Clock.currentTimeMillis
  const began = now()
  let meter = AttemptMeter.begin()
  let decodes = false
  yield* onEvent({ _tag: "AttemptBegan", atMillis: began, battle, number })

  const receive = Effect.fnUntraced(function*(events: Parameters<typeof AttemptMeter.step>[1]) {
    const atMillis = now()
    const phaseBefore = meter.phase
    meter = AttemptMeter.step(meter, events, atMillis - began)
    const { phase, transcript: { tokens } } = meter
    if (!decodes && tokens >= DECODING_TOKENS) {
      decodes = true
      yield* gate.report(endpoint, "began")
    }
    const arrived = AttemptMeter.tokensIn(events)
    if (arrived === 0 && phase === phaseBefore) return
    yield* onEvent({ _tag: "TokensArrived", atMillis, battle, phase, tokens, arrived })
  })

  const said = { attempt: number, patience }
  const watch = client.send({ url: greenUrl, hop: "green", text: requestText(options), said }).pipe(
    watchTask({
      run: { hop: "green", attempt: number, endpoint: greenUrl, model: "" },
      limits: morePatient(definition.limits, patience),
      policy: definition.stallPolicy,
      ...(definition.hardCapMillis === null ? {} : { opened: { budgetMillis: definition.hardCapMillis } })
    }),
    Stream.runForEachArray(receive),
    Effect.andThen(Effect.suspend(() => gradeOf(meter)))
  )

  yield* Effect.onExit(watch, (exit) =>
    Effect.gen(function*() {
      const error = Exit.isFailure(exit) ? Exit.findErrorOption(exit) : undefined
      const runError = error?._tag === "Some" ? error.value : null
      const outcome = Exit.isSuccess(exit)
        ? Outcome.cases.Scored.make({ grade: exit.value, attempt: number })
        : runError === null || RetryPolicy.planOf([...history, runError], 0)._tag === "Retry"
        ? Outcome.cases.Pending.make({})
        : Outcome.cases.Unscored.make({ reason: runError.message, attempt: number })
      const record: AttemptRecord = {
        ...AttemptMeter.measured(meter),
        battle,
        number,
        mode: "stream",
        verdict: Exit.isSuccess(exit) ? "completed" : runError === null ? "cancelled" : verdicts[runError._tag],
        error: runError,
        startedAt,
        durationMillis: now() - began,
        timings: TokenTimings.encode(meter.arrivals),
        outcome
      }
      if (Exit.isSuccess(exit)) yield* gate.report(endpoint, "completed")
      else if (runError !== null && runError.hop !== "green") yield* gate.report(endpoint, runError)
      yield* store.record(record)
      yield* onEvent({ _tag: "AttemptEnded", atMillis: now(), record })
    }))
}, Effect.scoped)

const verdicts = { Stalled: "stalled", Slow: "slow", Failed: "failed" } as const

const requestText = ({ battle, definition, seat: { participants } }: AttemptOptions): string =>
  AssessmentRequest.encode({
    participants,
    config: { tasks: [definition.tasks.find((task) => task.id === battle.task)!] }
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
