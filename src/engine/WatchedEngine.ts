/**
 * The engine, watched: a prompt in, a stream of token events out, which ends when its run is over, whatever the engine
 * does.
 *
 * Everything that knows something of the engine meets here: its evidence, the limits learned from earlier runs of the
 * same kind, and the user's own. Every run that ends teaches the next ones.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { EngineEvidence } from "../liveness/EngineEvidence.ts"
import * as FinishedRun from "../liveness/FinishedRun.ts"
import { LimitLearner } from "../liveness/LimitLearner.ts"
import { ofTokenEvents } from "../liveness/LivenessInput.ts"
import { type LivenessLimits, morePatient } from "../liveness/LivenessLimits.ts"
import { CurrentPolicy } from "../liveness/LivenessPolicy.ts"
import * as LivenessWatch from "../liveness/LivenessWatch.ts"
import type { RunError } from "../liveness/RunError.ts"
import * as RunKey from "../liveness/RunKey.ts"
import type { RunState } from "../liveness/RunState.ts"
import type { StallPolicy } from "../liveness/StallPolicy.ts"
import { Ticker } from "../liveness/Ticker.ts"
import type { Verdict } from "../liveness/Verdict.ts"
import { verdictAttributes } from "../telemetry/errorAttributes.ts"
import { Event } from "../telemetry/SpanNames.ts"
import type { TokenEvent } from "../token/TokenEvent.ts"
import * as ChatSpan from "./ChatSpan.ts"
import { Engine, type EngineRequest } from "./Engine.ts"

/** How an engine is watched. */
export interface WatchedEngineOptions {
  /** Those of the policy in force (`CurrentPolicy`) unless given. */
  readonly limits?: LivenessLimits | undefined
  /** That of the policy in force unless given. */
  readonly policy?: StallPolicy | undefined
}

/** What is asked of a watched engine, and what its watcher is told. */
export interface WatchedRequest<B> extends EngineRequest {
  /** Counted from 1; 1 unless given. */
  readonly attempt?: number
  /** A factor on the limits of a silence about which nothing is known; 1 unless given. */
  readonly patience?: number
  /** See `Liveness.watch`. */
  readonly heartbeat?: (state: RunState) => B
  /** See `Liveness.watch`. */
  readonly onVerdict?: (verdict: Verdict) => void
}

/**
 * An `Engine` whose streams end by themselves when their run is over: with `Stalled`, `Slow` or `Failed`, proved by the
 * `EngineEvidence` of the context where there is any. examples/watchedEngine.ts puts one together.
 */
export class WatchedEngine extends Context.Service<WatchedEngine, {
  /** The model that is asked. */
  readonly model: string
  /** Where it is; also its name as an endpoint. */
  readonly baseUrl: string
  /** One answer. Fails with `Stalled`, `Slow` or `Failed` of hop "engine". */
  readonly stream: <B = never>(request: WatchedRequest<B>) => Stream.Stream<TokenEvent | B, RunError>
}>()("a2a-campaign/WatchedEngine") {
  /** Watches the `Engine` of the context. */
  static readonly layer = (
    options: WatchedEngineOptions = {}
  ): Layer.Layer<WatchedEngine, never, Engine | EngineEvidence | LimitLearner | Ticker> =>
    Layer.effect(
      WatchedEngine,
      Effect.gen(function*() {
        const engine = yield* Engine
        const evidence = yield* EngineEvidence
        const learner = yield* LimitLearner
        const services = yield* Effect.context<EngineEvidence | Ticker>()
        const { baseUrl, maxTokens, model } = engine
        return WatchedEngine.of({
          model,
          baseUrl,
          // The span is opened where the caller is: the services know another place, the one where the layer was built.
          stream: ({ attempt = 1, heartbeat, onVerdict, patience = 1, ...request }) =>
            ChatSpan.stream(request, engine, (span) =>
              Stream.unwrap(Effect.gen(function*() {
                const key = RunKey.make({
                  endpoint: baseUrl,
                  model,
                  maxTokens,
                  promptCharacters: request.messages.reduce((sum, { content }) => sum + content.length, 0),
                  running: yield* evidence.running
                })
                const learned = yield* learner.learned(key)
                const limits = options.limits ?? (yield* CurrentPolicy).limits
                let last: RunState | undefined
                return engine.stream({ ...request, span }).pipe(
                  LivenessWatch.watch({
                    run: { hop: "engine", attempt, endpoint: baseUrl, model },
                    inputsOf: ofTokenEvents,
                    limits: morePatient(limits, patience),
                    policy: options.policy,
                    ...(heartbeat === undefined ? {} : { heartbeat }),
                    ...(onVerdict === undefined && !span.isRecording ? {} : {
                      onVerdict: (verdict) => {
                        if (span.isRecording) span.event(Event.verdict, verdictAttributes(verdict))
                        onVerdict?.(verdict)
                      }
                    }),
                    opened: { maxTokens, learned },
                    onEnd: (state) => {
                      last = state
                    }
                  }),
                  Stream.ensuring(
                    Effect.suspend(() =>
                      last === undefined ? Effect.void : learner.finished(key, FinishedRun.fromState(last))
                    )
                  )
                )
              })).pipe(Stream.provideContext(services)))
        })
      })
    )
}
