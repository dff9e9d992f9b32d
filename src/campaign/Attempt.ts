/**
 * One try at a battle: it begins when the breaker of its agent and the gate of its engine let it in, is watched, and is
 * stored however it ends.
 *
 * A battle is an assessment request to a green agent, whose stream carries the purple agent's tokens. An attempt ends
 * completed (with a grade), stalled, slow, failed or cancelled. What its engine did is told to the gate, what its agent did
 * to the breaker; what went wrong between us and the green agent says nothing of either.
 *
 * Law: the store has given the attempt its number before anything is sent, and a later attempt of the battle has a higher
 * one: whatever this one still says is then kept as superseded.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { A2aClient } from "../a2a/A2aClient.ts"
import type { DeliveryMode } from "../a2a/DeliveryMode.ts"
import type { Followed } from "../a2a/TaskEvent.ts"
import * as FollowedTask from "../agents/FollowedTask.ts"
import type { Grade } from "../grading/Grade.ts"
import { AgentBreaker } from "../liveness/AgentBreaker.ts"
import { EngineGate } from "../liveness/EngineGate.ts"
import { morePatient } from "../liveness/LivenessLimits.ts"
import type { Outlook } from "../liveness/Outlook.ts"
import type { RunError } from "../liveness/RunError.ts"
import type { Ticker } from "../liveness/Ticker.ts"
import * as Spans from "../telemetry/Spans.ts"
import * as Assessment from "./Assessment.ts"
import * as AttemptMeter from "./AttemptMeter.ts"
import * as AttemptOutlook from "./AttemptOutlook.ts"
import type { AttemptRecord } from "./AttemptRecord.ts"
import { type Battle, Outcome } from "./Battle.ts"
import type { CampaignEvent } from "./CampaignEvent.ts"
import * as CampaignSpans from "./CampaignSpans.ts"
import { CampaignStore } from "./CampaignStore.ts"
import type { Definition } from "./Definition.ts"
import type { Seat } from "./Seat.ts"
import type { Recorded } from "./StoredCampaign.ts"
import type { StoreError } from "./StoreError.ts"
import * as TokenTimings from "./TokenTimings.ts"

/** What an error makes of a battle. */
export interface Decision {
  /** Unscored, or pending where another attempt follows. */
  readonly outcome: Outcome
  /** Whether it uses up an attempt. */
  readonly charged: boolean
}

export interface AttemptOptions<R> {
  readonly definition: Definition
  readonly battle: Battle
  /** The span of the battle. */
  readonly span: Spans.OpenSpan
  readonly seat: Seat
  /** The factor on the limits of silence. */
  readonly patience: number
  /** Completes when it is not to wait for breaker and gate any longer. */
  readonly released: Effect.Effect<void>
  /** Asked when it may start: the epoch of its engine, or `undefined` if it must not start now. */
  readonly admit: Effect.Effect<{ readonly epoch: number | null } | undefined, StoreError, R>
  readonly decide: (error: RunError) => Effect.Effect<Decision, StoreError, R>
  /** Milliseconds since the campaign was begun or resumed. */
  readonly now: () => number
  readonly onEvent: (event: CampaignEvent) => Effect.Effect<void>
  /** Told how the agent is followed, and again whenever that changes. */
  readonly onFollowed: (followed: Followed) => Effect.Effect<void>
  /** Told of what has come, synchronously, while it runs. */
  readonly onProgress: (
    number: number,
    meter: AttemptMeter.AttemptMeter,
    outlook: AttemptOutlook.AttemptOutlook
  ) => void
  /** Told what the store made of it, synchronously. */
  readonly onRecorded: (as: Recorded) => void
}

/** The first token comes from prefill alone; the second one shows that the engine decodes. */
const DECODING_TOKENS = 2

/** Behind what the answer was run, if it was. */
const sandboxOf = <R>({ battle, definition, seat }: AttemptOptions<R>): string | null => {
  const tag = definition.tasks.find(({ id }) => id === battle.task)?.grader._tag
  return tag === "JavaScriptTests" || tag === "PythonTests" ? seat.sandbox : null
}

/** How an agent was to be followed that could not be asked at all. */
const wantedMode = <R>({ battle, definition }: AttemptOptions<R>): DeliveryMode =>
  definition.agents.find(({ name }) => name === battle.agent)?.following.mode ?? "stream"

const undecided: Decision = { outcome: Outcome.cases.Pending.make({}), charged: false }

const verdicts = { Stalled: "stalled", Slow: "slow", Failed: "failed" } as const

/** How it ended: its record and when it began, or `undefined` if it was not admitted. Fails only if the store does. */
export const run = Effect.fnUntraced(function*<R>(options: AttemptOptions<R>) {
  const { battle, definition, now, onEvent, patience, seat: { endpoint, following, greenUrl } } = options
  const client = yield* A2aClient
  const gate = yield* EngineGate
  const breaker = yield* AgentBreaker
  const store = yield* CampaignStore
  const cameAt = now()
  const entered = yield* Effect.raceFirst(
    Effect.as(Effect.andThen(breaker.enter(battle.agent), gate.enter(endpoint)), true),
    Effect.as(options.released, false)
  )
  const admitted = entered ? yield* options.admit : undefined
  CampaignSpans.tellWait(options.span, now() - cameAt)
  if (admitted === undefined) return undefined
  const { epoch } = admitted
  const startedAt = yield* Clock.currentTimeMillis
  const began = now()
  const assessment = Assessment.make(definition, options.seat, battle)
  let meter = AttemptMeter.begin()
  let outlook = AttemptOutlook.calm
  let decodes = false
  /** What was said last of the agent under test, or of the green agent where nothing is said of that. */
  let followed: Followed | undefined
  let toldOf: Followed | undefined

  const receive = (number: number) => (events: Parameters<typeof AttemptMeter.step>[1]) =>
    Effect.gen(function*() {
      const atMillis = now()
      const phaseBefore = meter.phase
      assessment.receive(events)
      for (const event of events) {
        if (event._tag === "Followed" && (event.hop === "purple" || followed?.hop !== "purple")) followed = event
      }
      if (followed !== undefined && followed !== toldOf) {
        toldOf = followed
        yield* options.onFollowed(followed)
      }
      meter = AttemptMeter.step(meter, events, atMillis - began)
      const { phase, transcript: { tokens } } = meter
      if (!decodes && tokens >= DECODING_TOKENS) {
        decodes = true
        yield* gate.report(endpoint, "began")
      }
      const arrived = AttemptMeter.tokensIn(events)
      if (arrived === 0 && phase === phaseBefore) return
      options.onProgress(number, meter, outlook)
      yield* onEvent({ _tag: "TokensArrived", atMillis, battle, phase, tokens, arrived })
      if (arrived > 0) yield* look(number, AttemptOutlook.calm)
    })

  /** Tells another outlook. */
  const look = (number: number, next: AttemptOutlook.AttemptOutlook) =>
    Effect.suspend(() => {
      if (AttemptOutlook.isSame(outlook, next)) return Effect.void
      outlook = next
      options.onProgress(number, meter, outlook)
      return onEvent({ _tag: "OutlookChanged", atMillis: now(), battle, number, outlook })
    })

  const watch = (number: number): Effect.Effect<Grade, RunError, Ticker> =>
    Effect.gen(function*() {
      const outlooks = yield* Queue.unbounded<AttemptOutlook.AttemptOutlook>()
      const onOutlook = (seen: Outlook, runMillis: number) => {
        const laterMillis = now() - began - runMillis
        Queue.offerUnsafe(
          outlooks,
          AttemptOutlook.ofRun(seen, { followed, laterMillis, named: following.engine !== null })
        )
      }
      yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(outlooks), (next) => look(number, next))))
      return yield* played(number, onOutlook)
    }).pipe(Effect.scoped)

  const played = (number: number, onOutlook: (outlook: Outlook, runMillis: number) => void) =>
    FollowedTask.follow({
      client,
      message: { url: greenUrl, hop: "green", text: assessment.request, said: { attempt: number, patience } },
      following,
      watch: {
        run: { hop: "green", attempt: number, endpoint: greenUrl, model: "" },
        limits: morePatient(definition.limits, patience),
        policy: definition.stallPolicy,
        onOutlook,
        ...(definition.hardCapMillis === null ? {} : { opened: { budgetMillis: definition.hardCapMillis } })
      }
    }).pipe(
      Stream.runForEachArray(receive(number)),
      Effect.andThen(Effect.suspend(() => assessment.grade(meter.transcript.tokens)))
    )

  /** What it came to is told first, because a decision may wait for what the gate makes of it. */
  const tell = (exit: Exit.Exit<Grade, RunError>, error: RunError | undefined) => {
    if (Exit.isSuccess(exit)) {
      return Effect.andThen(gate.report(endpoint, "completed"), breaker.report(battle.agent, "completed"))
    }
    if (error?.hop === "engine") return gate.report(endpoint, error)
    return error?.hop === "purple" ? breaker.report(battle.agent, error) : Effect.void
  }

  /** Nothing is charged where the decision itself was interrupted: nobody knows whose fault it was. */
  const decisionOn = (error: RunError | undefined): Effect.Effect<Decision, StoreError, R> =>
    error === undefined
      ? Effect.succeed(undecided)
      : Effect.catchCauseIf(
        Effect.interruptible(options.decide(error)),
        Cause.hasInterruptsOnly,
        () => Effect.succeed(undecided)
      )

  const conclude = (number: number, exit: Exit.Exit<Grade, RunError>, span: Spans.OpenSpan) =>
    Effect.gen(function*() {
      const found = Exit.isFailure(exit) ? Exit.findErrorOption(exit) : undefined
      const error = found?._tag === "Some" ? found.value : undefined
      const endedAfter = now() - began
      yield* tell(exit, error)
      const { charged, outcome }: Decision = Exit.isSuccess(exit)
        ? { outcome: Outcome.cases.Scored.make({ grade: exit.value, attempt: number }), charged: true }
        : yield* decisionOn(error)
      const measured = AttemptMeter.measured(meter, followed)
      const record: AttemptRecord = {
        ...measured,
        content: measured.content === "" ? assessment.evidence() : measured.content,
        battle,
        number,
        mode: followed?.mode ?? wantedMode(options),
        verdict: Exit.isSuccess(exit) ? "completed" : error === undefined ? "cancelled" : verdicts[error._tag],
        error: error ?? null,
        startedAt,
        durationMillis: endedAfter,
        timings: TokenTimings.encode(meter.arrivals),
        grading: sandboxOf(options),
        outcome: outcome._tag === "Pending" ? outcome : { ...outcome, attempt: number },
        charged,
        epoch
      }
      span.set(CampaignSpans.attemptAttributes(record))
      options.onRecorded(yield* store.record(record))
      yield* onEvent({ _tag: "AttemptEnded", atMillis: now(), record })
      return record
    }).pipe(Effect.ensuring(Effect.sync(() => span.end(exit))))

  // A number that was given is also given back, whatever happens in between.
  return yield* Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const number = yield* store.begin(battle, { startedAt, epoch })
      yield* onEvent({ _tag: "AttemptBegan", atMillis: began, battle, number })
      options.onProgress(number, meter, outlook)
      const span = yield* CampaignSpans.attempt(options.span, battle, { number, epoch })
      const exit = yield* Effect.exit(restore(Spans.under(span, watch(number))))
      const record = yield* conclude(number, exit, span)
      // A defect or an interruption goes on; an error has become part of the record.
      if (Exit.isFailure(exit) && record.error === null) {
        return yield* Effect.failCause(exit.cause as Cause.Cause<never>)
      }
      return { began, record }
    })
  )
}, Effect.scoped)
