/**
 * The reducer on a stream: what comes through is told to `LivenessStep`, and when its verdict is that the run is
 * stalled, the stream is ended.
 *
 * Laws: the elements are the upstream's, in its chunks; time in which the consumer does not ask for more is no time of
 * the run; the upstream is interrupted before the error is handed on, so its socket closes; with policy "warn" or "off"
 * nothing is ever ended here, whatever the verdict. Verdicts are told to `onVerdict` as they change, slow ones too, and
 * the last one when the stream ends, in whatever way.
 *
 * One timer for all runs of a process (Ticker.ts), one scrape for all runs at an endpoint (EngineEvidence.ts).
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { TokenEvent } from "../token/TokenEvent.ts"
import { EngineEvidence, type EvidenceLink } from "./EngineEvidence.ts"
import * as GuardedPull from "./GuardedPull.ts"
import * as LivenessInput from "./LivenessInput.ts"
import { defaults, type LivenessLimits } from "./LivenessLimits.ts"
import * as LivenessStep from "./LivenessStep.ts"
import { Stalled } from "./Stalled.ts"
import { Ticker } from "./Ticker.ts"
import type { RunName, Verdict } from "./Verdict.ts"

export interface WatchOptions<A, E> {
  readonly run: RunName
  readonly limits?: LivenessLimits
  /** "enforce": a stalled run is ended; "warn": it is only told; "off": nothing is looked at. */
  readonly policy?: "off" | "warn" | "enforce"
  /** The token event that an element is, if it is one. */
  readonly asTokenEvent: (element: A) => TokenEvent | undefined
  /** What an error of the stream means; anything unless given: the connection broke. */
  readonly asEnd?: (error: E) => LivenessInput.Ended["how"]
  /** More of what is known when the run begins. */
  readonly opened?: Pick<LivenessInput.Opened, "firstRun" | "heartbeatMillis" | "learned" | "maxTokens">
  /** Synchronous. */
  readonly onVerdict?: (verdict: Verdict) => void
}

/** What makes one verdict another one for who is told of them: not the time that passes in it. */
const nameOf = (verdict: Verdict): string =>
  verdict._tag === "Slow"
    ? `Slow ${verdict.reason}`
    : verdict._tag === "Alive"
    ? `Alive ${verdict.phase}`
    : verdict._tag

/** The stream, watched. Fails with `Stalled` if it is stalled and the policy is to enforce that. */
export const watch = <A, E>(options: WatchOptions<A, E>) =>
<R>(
  self: Stream.Stream<A, E, R>
): Stream.Stream<A, E | Stalled, R | EngineEvidence | Ticker> => {
  const { asEnd = () => "reset" as const, asTokenEvent, limits = defaults, onVerdict, policy = "enforce", run } =
    options
  if (policy === "off") return self
  return Stream.transformPull(self, (pull, scope) =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const evidence = yield* EngineEvidence
      const ticker = yield* Ticker
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      let state = LivenessStep.initial(limits)
      let told = ""
      let link: EvidenceLink | undefined
      let opened = false
      let begun = false
      /** The evidence knows that the run is over. */
      let reported = false
      /** The stream has ended, or is being ended. */
      let ended = false

      const tell = (input: LivenessInput.LivenessInput) => {
        state = LivenessStep.step(state, input)
        if (!begun && state.progress.begun) {
          begun = true
          link?.begun()
        }
        // The engine is done with it, whatever becomes of the connection.
        if (state.finish !== undefined) report()
        const verdict = LivenessStep.verdictOf(state)
        const name = nameOf(verdict)
        if (name !== told) onVerdict?.(verdict)
        told = name
        return verdict
      }

      const report = () => {
        if (reported) return
        reported = true
        link?.ended({ binding: state.binding.status, longestStepMillis: state.engine.longestStepMillis })
      }

      const end = () => {
        ended = true
        report()
      }

      const endOf = (exit: Exit.Exit<ReadonlyArray<A>, unknown>): LivenessInput.LivenessInput => {
        const at = now()
        const reasons = Exit.isFailure(exit) ? exit.cause.reasons : []
        const error = reasons.find(Cause.isFailReason)
        if (error !== undefined) {
          return { _tag: "Ended", at, how: Cause.isDone(error.error) ? "eof" : asEnd(error.error as E) }
        }
        // A bug on the way to the engine is nobody's wish to stop.
        const defect = reasons.find(Cause.isDieReason)
        return defect === undefined
          ? { _tag: "Cancelled", at, by: "downstream-gone" }
          : { _tag: "Ended", at, how: "reset", detail: String(defect.defect) }
      }

      const guarded = GuardedPull.make<A, Effect.Error<typeof pull>, R, Stalled>(pull, {
        onStart: () => {
          tell({ _tag: "Reading", at: now(), on: true })
        },
        onSettle: (exit) => {
          if (Exit.isSuccess(exit)) {
            const events = exit.value.map(asTokenEvent).filter((event) => event !== undefined)
            if (events.length > 0) tell(LivenessInput.fromTokenEvents(events, now()))
            tell({ _tag: "Reading", at: now(), on: false })
          } else {
            tell(endOf(exit))
            end()
          }
        },
        onAbandon: () => {
          tell({ _tag: "Reading", at: now(), on: false })
        }
      })

      const judged = (verdict: Verdict) => {
        if (verdict._tag !== "Stalled" || policy !== "enforce") return
        if (guarded.giveUp(Stalled.fromVerdict(run.hop, verdict))) end()
      }

      yield* Scope.addFinalizer(
        scope,
        Effect.sync(() => {
          if (ended) return
          tell({ _tag: "Cancelled", at: now(), by: "downstream-gone" })
          end()
        })
      )
      link = yield* Scope.provide(
        evidence.follow({
          // Whatever comes first begins the run, and that must be its opening.
          tell: (input) => {
            if (opened) judged(tell(input))
          },
          isSuspect: () => told.startsWith("Slow")
        }),
        scope
      )
      opened = true
      tell({ _tag: "Opened", at: now(), run, ...link.known, ...options.opened })
      yield* Scope.provide(ticker.add((at) => judged(tell({ _tag: "Tick", at }))), scope)
      return guarded.pull
    }))
}
