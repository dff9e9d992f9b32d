/**
 * The reducer on a stream: what comes through is told to `LivenessStep`, and when its verdict is that the run is over,
 * the stream is ended.
 *
 * Laws: the elements are the upstream's, in its chunks; time in which the consumer does not ask for more is no time of
 * the run; where a run is given up the upstream is interrupted and all of it closed, so its socket closes, before any
 * proof is waited for and before the error is handed on; with policy "warn" or "off" nothing is ever ended here, whatever
 * the verdict. Verdicts are told to `onVerdict` as they change, slow ones too, and the last one when the stream ends, in
 * whatever way.
 *
 * A run that was given up waits, within a bound, for proof that the engine dropped its request, and its error says
 * whether there was any. A failure of upstream is handed on as it is; one of this hop gets the verdict on its way.
 *
 * One timer for all runs of a process (Ticker.ts), one scrape for all runs at an endpoint (EngineEvidence.ts).
 */
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Binding from "./Binding.ts"
import type { CancelProof } from "./CancelProof.ts"
import { EngineEvidence, type EvidenceLink } from "./EngineEvidence.ts"
import { Failed, inputOf, reasonOf } from "./Failed.ts"
import * as GuardedPull from "./GuardedPull.ts"
import type { LivenessInput, Opened } from "./LivenessInput.ts"
import type { LivenessLimits } from "./LivenessLimits.ts"
import { CurrentPolicy } from "./LivenessPolicy.ts"
import * as LivenessStep from "./LivenessStep.ts"
import * as Outlook from "./Outlook.ts"
import { outlookOf } from "./outlookOf.ts"
import type { RunError } from "./RunError.ts"
import { type ObservedRun, RunObserver } from "./RunObserver.ts"
import { now as timeOf, type RunState } from "./RunState.ts"
import { Slow } from "./Slow.ts"
import { Stalled } from "./Stalled.ts"
import type { StallPolicy } from "./StallPolicy.ts"
import { Ticker } from "./Ticker.ts"
import type { RunName, Verdict } from "./Verdict.ts"

/** How a stream is watched. */
export interface WatchOptions<A, B = never> {
  /** Which run this is; its hop stands in the errors, its endpoint and model in what is learned and stored. */
  readonly run: RunName
  /** Those of the policy in force (`CurrentPolicy`) unless given. */
  readonly limits?: LivenessLimits | undefined
  /** That of the policy in force unless given. */
  readonly policy?: StallPolicy | undefined
  /** What elements that arrived together at `at` are to the reducer; called once for each chunk. */
  readonly inputsOf: (elements: ReadonlyArray<A>, at: number) => ReadonlyArray<LivenessInput>
  /**
   * What an end of upstream is before anything said that the answer is finished: its finish, or a failure with which the
   * stream then fails. Where it is given, a stream that stays open after its finish is ended after the grace, too. Unless
   * given neither is done, because upstream knows its own ends.
   */
  readonly endWithoutFinish?: "finished" | "failed" | undefined
  /** More of what is known when the run begins. Its budget is the hard cap of the policy in force unless given. */
  readonly opened?: Pick<Opened, "budgetMillis" | "firstRun" | "heartbeatMillis" | "learned" | "maxTokens">
  /** Synchronous; must not throw. */
  readonly onVerdict?: (verdict: Verdict) => void
  /**
   * Told when what is known of a silence has changed, with the milliseconds of the run then; `calm` when the silence is
   * over. Synchronous; must not throw.
   */
  readonly onOutlook?: (outlook: Outlook.Outlook, runMillis: number) => void
  /** The state the run ended in. Synchronous; must not throw. */
  readonly onEnd?: (state: RunState) => void
  /** The element that says we live, for a consumer to whom we promise one every `heartbeatMillis` of silence. */
  readonly heartbeat?: (state: RunState) => B
}

/** A consumer that asks again within this has let no time pass that could matter, in milliseconds. */
const PROMPT_MILLIS = 1

/** The function that tells what elements are has thrown: a bug of whoever wrote it. */
class ClassifierDefect extends Data.TaggedError("ClassifierDefect")<{ readonly cause: unknown }> {
  override get message(): string {
    return `the classifier of the watched stream has thrown: ${String(this.cause)}`
  }
}

const finishAt = (at: number): LivenessInput => ({
  _tag: "Frame",
  at,
  tokens: 0,
  text: false,
  usage: null,
  channel: null,
  finishReason: "end"
})

/** The stream, watched. Fails with `Stalled`, `Slow` or `Failed` as its verdict is, if the policy is to enforce that. */
export const watch = <A, B = never>(options: WatchOptions<A, B>) =>
<E, R>(
  self: Stream.Stream<A, E, R>
): Stream.Stream<A | B, E | RunError, R | EngineEvidence | Ticker> => {
  const { endWithoutFinish, heartbeat, inputsOf, onEnd, onOutlook, onVerdict, run } = options
  if (options.policy === "off") return self
  return Stream.fromChannel(Channel.fromTransform((_, scope) =>
    Effect.gen(function*() {
      const current = yield* CurrentPolicy
      const { limits = current.limits, policy = current.stallPolicy } = options
      if (policy === "off") return yield* Channel.toPullScoped(self.channel, scope)
      const budgetMillis = options.opened?.budgetMillis ?? current.hardCapMillis ?? undefined
      const upstream = yield* Scope.fork(scope)
      // `Stream.toPull` would provide its context anew with each pull, which costs more than the whole watch.
      const pull = yield* Channel.toPullScoped(self.channel, upstream)
      const clock = yield* Clock.Clock
      const evidence = yield* EngineEvidence
      const ticker = yield* Ticker
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      let state = LivenessStep.initial(limits)
      /** What the verdict was called that was told last. */
      let told = { phase: "", reason: "", isFinal: false }
      let outlook = Outlook.calm
      let link: EvidenceLink | undefined
      let observed: ObservedRun | undefined
      let opened = false
      let begun = false
      /** The evidence knows that the run is over. */
      let reported = false
      /** The stream has ended, or is being ended. */
      let ended = false
      /** Nothing has been asked for since then; `told` once the reducer knows. */
      let idle: { readonly since: number; told: boolean } | undefined
      let lastBeatAt = 0
      let lastTokenAt = -Infinity

      const step = (input: LivenessInput) => {
        const before = state.progress
        state = LivenessStep.step(state, input)
        const { progress } = state
        if (progress.lastMillis > before.lastMillis) lastTokenAt = input.at
        if (observed !== undefined && (progress.lastMillis > before.lastMillis || progress.begun !== before.begun)) {
          observed.came(progress.lastMillis - before.lastMillis, !before.begun)
        }
        if (!begun && state.progress.begun) {
          begun = true
          link?.begun()
        }
        // The engine is done with it, whatever becomes of the connection.
        if (state.finish !== undefined) report()
        // Not the time that passes in a verdict makes it another one.
        const reason = state.slow?.reason ?? ""
        const isFinal = state.outcome !== undefined
        const isNew = isFinal !== told.isFinal || reason !== told.reason ||
          (reason === "" && state.phase !== told.phase)
        if (!isNew || told.isFinal) return
        told = { phase: state.phase, reason, isFinal }
        if (onVerdict === undefined && observed === undefined) return
        const verdict = LivenessStep.verdictOf(state)
        onVerdict?.(verdict)
        observed?.verdict(verdict)
      }

      /** That nobody asks is told only once something else is to be told: mostly somebody asks at once. */
      const tellIdle = () => {
        if (idle === undefined || idle.told) return
        idle.told = true
        step({ _tag: "Reading", at: idle.since, on: false })
      }

      const tell = (input: LivenessInput) => {
        tellIdle()
        step(input)
      }

      const tellOutlook = () => {
        if (onOutlook === undefined || ended) return
        const next = outlookOf(state)
        if (Outlook.isSame(outlook, next)) return
        outlook = next
        onOutlook(next, timeOf(state))
      }

      const report = () => {
        if (reported) return
        reported = true
        link?.ended({ binding: state.binding.status, longestStepMillis: state.engine.longestStepMillis })
      }

      const end = () => {
        if (ended) return
        ended = true
        report()
        observed?.ended(state, timeOf(state))
        onEnd?.(state)
      }

      const endOf = (exit: Exit.Exit<unknown, unknown>): LivenessInput => {
        const at = now()
        const reasons = Exit.isFailure(exit) ? exit.cause.reasons : []
        const error = reasons.find(Cause.isFailReason)?.error
        if (error instanceof Failed && error.hop === run.hop) return inputOf(error.reason, at)
        if (error instanceof Failed || error instanceof Stalled || error instanceof Slow) {
          return { _tag: "Ended", at, how: "agent-failed", detail: error.message }
        }
        if (error !== undefined) return { _tag: "Ended", at, how: Cause.isDone(error) ? "eof" : "reset" }
        // A bug on the way to the engine is nobody's wish to stop.
        const defect = reasons.find(Cause.isDieReason)
        return defect === undefined
          ? { _tag: "Cancelled", at, by: "downstream-gone" }
          : { _tag: "Ended", at, how: "reset", detail: String(defect.defect) }
      }

      const guarded = yield* GuardedPull.make<A, B, Effect.Error<typeof pull>, R, RunError | Cause.Done>(pull, scope, {
        onStart: () => {
          if (idle === undefined) return
          const at = now()
          if (at - idle.since > PROMPT_MILLIS) tellIdle()
          if (idle.told) step({ _tag: "Reading", at, on: true })
          idle = undefined
        },
        onSettle: (exit) => {
          const at = now()
          if (Exit.isSuccess(exit)) {
            const inputs = Result.try({ try: () => inputsOf(exit.value, at), catch: (cause) => cause })
            if (Result.isFailure(inputs)) {
              const defect = new ClassifierDefect({ cause: inputs.failure })
              tell(endOf(Exit.die(defect)))
              end()
              return Exit.die(defect)
            }
            for (const input of inputs.success) tell(input)
            idle = { since: at, told: false }
            enforce()
            return exit
          }
          const isEof = exit.cause.reasons.some((reason) => Cause.isFailReason(reason) && Cause.isDone(reason.error))
          if (isEof && endWithoutFinish === "finished") tell(finishAt(at))
          tell(endOf(exit))
          end()
          if (isEof && endWithoutFinish === "failed" && policy === "enforce" && state.outcome?._tag === "Failed") {
            return Exit.fail(failedWith(state.outcome))
          }
          return Exit.failCause(Cause.map(exit.cause, (error) => withVerdict(error, state)))
        }
      })

      /** Whether the engine dropped the request of a run that was given up, as far as anything can show it. */
      const cancelProof = (verdict: Verdict): Effect.Effect<CancelProof> => {
        const kind = verdict._tag === "Stalled" ? verdict.kind : undefined
        if (kind === "engine-dead" || kind === "engine-restarted") return Effect.succeed("confirmed")
        // An engine that stands still takes no aborts, and nothing can be told of it before it goes on.
        const isMute = kind === "engine-hung" || kind === "engine-idle" || !Binding.isBound(state.binding)
        if (isMute || link === undefined) return Effect.succeed("unconfirmed")
        return link.dropped.pipe(
          Effect.timeoutOption(Duration.millis(limits.cancelProofMillis)),
          Effect.map(Option.match({ onNone: () => "unconfirmed", onSome: () => "confirmed" }))
        )
      }

      const failedWith = (verdict: Extract<Verdict, { readonly _tag: "Failed" }>) =>
        new Failed({ hop: run.hop, reason: reasonOf(verdict), tokens: verdict.tokens, verdict })

      const errorOf = (verdict: Verdict): Effect.Effect<RunError> | undefined => {
        switch (verdict._tag) {
          case "Stalled":
            return Effect.map(cancelProof(verdict), (cancel) => Stalled.fromVerdict(run.hop, verdict, cancel))
          case "Cancelled": {
            const budget = budgetMillis ?? 0
            return verdict.by === "budget"
              ? Effect.map(cancelProof(verdict), (cancel) => Slow.fromVerdict(run.hop, budget, verdict, cancel))
              : undefined
          }
          case "Failed":
            return Effect.succeed(failedWith(verdict))
          default:
            return undefined
        }
      }

      /** Ends the stream if the verdict is that the run is over while upstream is not. */
      const enforce = () => {
        if (ended || state.outcome === undefined) return
        if (state.outcome._tag === "Completed" && endWithoutFinish !== undefined) {
          end()
          guarded.giveUp(Effect.as(Scope.close(upstream, Exit.void), Cause.Done()))
          return
        }
        if (policy !== "enforce") return
        const error = errorOf(state.outcome)
        if (error === undefined) return
        // First, because giving up resumes whoever waits, at once: they may ask what the run has taught.
        end()
        guarded.giveUp(Effect.andThen(Scope.close(upstream, Exit.void), error))
      }

      const beat = () => {
        if (heartbeat === undefined || state.finish !== undefined || ended) return
        const silentSince = Math.max(state.progress.lastMillis, lastBeatAt)
        if (timeOf(state) - silentSince < limits.heartbeatMillis) return
        if (guarded.put([heartbeat(state)])) lastBeatAt = timeOf(state)
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
            if (!opened) return
            tell(input)
            enforce()
          },
          isSuspect: () => state.slow !== undefined,
          lastTokenAt: () => lastTokenAt
        }),
        scope
      )
      opened = true
      observed = (yield* RunObserver)(run, () => state)
      const at = now()
      step({
        _tag: "Opened",
        at,
        run,
        ...link.known,
        ...options.opened,
        ...(budgetMillis === undefined ? {} : { budgetMillis })
      })
      idle = { since: at, told: false }
      yield* Scope.provide(
        ticker.add((at) => {
          tell({ _tag: "Tick", at })
          enforce()
          beat()
          tellOutlook()
        }),
        scope
      )
      return guarded.pull
    })
  ))
}

/** A failure of this hop with what was known when it came. */
const withVerdict = <E>(error: E, { outcome, run }: RunState): E =>
  error instanceof Failed && error.hop === run.hop && error.verdict === undefined && outcome?._tag === "Failed"
    ? new Failed({ hop: error.hop, reason: error.reason, tokens: error.tokens, verdict: outcome }) as E
    : error
