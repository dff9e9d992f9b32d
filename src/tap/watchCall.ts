/**
 * A call, watched: its feed through `Liveness.watch`, with the evidence of the engine and the limits learned from earlier
 * calls of its kind, exactly as WatchedEngine.ts watches the requests of our own agents.
 *
 * Where the verdict is that the run is over while the engine's answer is not, the engine's connection is closed at once. The
 * error with the proof comes some seconds later at most; it ends the battle, and then the agent is told. What the answer
 * itself ended, well or not, is closed by nobody here.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { EngineEvidence } from "../liveness/EngineEvidence.ts"
import * as FinishedRun from "../liveness/FinishedRun.ts"
import { toldLimitOf } from "../liveness/Heartbeat.ts"
import { nothingLearned } from "../liveness/LimitInForce.ts"
import { LimitLearner } from "../liveness/LimitLearner.ts"
import type { LivenessInput } from "../liveness/LivenessInput.ts"
import { type LivenessLimits, morePatient } from "../liveness/LivenessLimits.ts"
import { engineDigestOf } from "../liveness/LivenessStep.ts"
import * as LivenessWatch from "../liveness/LivenessWatch.ts"
import type { RunError } from "../liveness/RunError.ts"
import * as RunKey from "../liveness/RunKey.ts"
import { RunObserver } from "../liveness/RunObserver.ts"
import type { RunState } from "../liveness/RunState.ts"
import type { StallPolicy } from "../liveness/StallPolicy.ts"
import type { Ticker } from "../liveness/Ticker.ts"
import type { Verdict } from "../liveness/Verdict.ts"
import { verdictAttributes } from "../telemetry/errorAttributes.ts"
import { Event } from "../telemetry/SpanNames.ts"
import type { FeedItem } from "./CallFeed.ts"
import type { TapCall } from "./TapCall.ts"
import * as TapRefusal from "./TapRefusal.ts"

export interface WatchCallOptions {
  readonly baseUrl: string
  readonly limits: LivenessLimits
  readonly policy: StallPolicy
  readonly now: () => number
  readonly onVerdict: (call: TapCall, verdict: Verdict) => void
}

/** Ends with the call, in whatever way it ends. */
export const watchCall = (
  call: TapCall,
  options: WatchCallOptions
): Effect.Effect<void, never, EngineEvidence | LimitLearner | Ticker> =>
  Effect.gen(function*() {
    const { baseUrl, limits, now, onVerdict, policy } = options
    const { battle, feed, plan } = call
    const evidence = yield* EngineEvidence
    const learner = yield* LimitLearner
    const observe = yield* RunObserver
    const key = RunKey.make({
      endpoint: baseUrl,
      model: plan.model,
      maxTokens: plan.maxTokens,
      promptCharacters: plan.promptCharacters,
      running: yield* evidence.running
    })
    // An answer that comes whole at its end teaches nothing of first tokens and gaps, and is not to be judged by them.
    const learns = call.name.mode !== "whole"
    const learned = learns ? yield* learner.learned(key) : nothingLearned
    let last: RunState | undefined

    const deliver = (items: ReadonlyArray<FeedItem | null>) => {
      for (const item of items) {
        if (item === null || item._tag !== "Frame" || (!item.text && item.tokens === 0)) continue
        call.received(now())
        if (item.tokens > 0) battle?.received(item.tokens, item.channel === "reasoning" ? "reasoning" : "content")
      }
    }

    yield* Stream.unwrap(Effect.map(
      // Closed by the watch before its end, the call is given up; what ended by itself is over already.
      Effect.acquireRelease(Effect.void, () =>
        Effect.sync(() => {
          if (feed.isEnded) return
          call.isGivenUp = true
          call.stop()
        })),
      () => Stream.fromPull(Effect.succeed(feed.pull))
    )).pipe(
      LivenessWatch.watch<FeedItem, null>({
        run: { hop: "engine", attempt: battle?.name.attempt ?? 1, endpoint: baseUrl, model: plan.model },
        limits: morePatient(limits, battle?.name.patience ?? 1),
        policy,
        inputsOf: (items, at) => items.map((item): LivenessInput => ({ ...item, at })),
        opened: { learned, ...(plan.maxTokens === null ? {} : { maxTokens: plan.maxTokens * plan.choices }) },
        onVerdict: (verdict) => {
          call.verdict = verdict
          if (call.span.isRecording) call.span.event(Event.verdict, verdictAttributes(verdict))
          if ("phase" in verdict) call.phase = verdict.phase
          onVerdict(call, verdict)
        },
        onEnd: (state) => {
          last = state
        },
        heartbeat: (state) => {
          const told = toldLimitOf(state)
          call.limit = told === undefined ? undefined : { told, at: now() }
          call.engine = engineDigestOf(state)
          call.phase = state.phase
          return null
        }
      }),
      Stream.provideService(RunObserver, call.arrivals?.instead(observe) ?? observe),
      Stream.runForEachArray((items) => Effect.sync(() => deliver(items))),
      Effect.catch((error) => Effect.sync(() => call.isGivenUp ? giveUp(call, error) : undefined)),
      Effect.ensuring(
        Effect.suspend(() =>
          last === undefined || !learns ? Effect.void : learner.finished(key, FinishedRun.fromState(last))
        )
      )
    )
  })

/** The runner first: whatever the agent makes of it, and says to the runner, comes later than what is known here. */
const giveUp = (call: TapCall, error: RunError): void => {
  call.error = error
  const close = () => call.close(TapRefusal.stalled(error.message), "stalled")
  if (call.battle === undefined || call.battle.isOver) close()
  else call.battle.fail(error, close)
}
