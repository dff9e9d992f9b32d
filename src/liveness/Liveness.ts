/**
 * Is the stream alive? Operators that fail a stream with a typed error when nothing comes.
 *
 * `timeoutFail` is the fixed-limit form: it has the name and the argument order of `Stream.timeoutFail` of Effect 3,
 * which Effect 4 no longer has. `failIfSilent` is the same guard with a say in which elements count as progress. `watch`
 * (LivenessWatch.ts) is the one that knows phases and the engine's own evidence; the pure reducer inside it is `step`.
 * What else a program needs around them is here, too.
 *
 * Laws: chunks are kept as they come; a gap of exactly the limit is alive; time spent by a slow consumer is not
 * silence; the upstream pull is interrupted before the error is handed on, so its socket closes.
 *
 * Where it differs from `Stream.timeoutOrElse`: it measures with the monotonic clock, so a step of the wall clock
 * changes nothing, and before it fails it gives the event loop a full turn, so bytes that already wait in the socket
 * while this process was busy are seen first. A wake that comes late means that this process was paused; whatever it
 * missed needs time to arrive, so the silence begins anew.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type { LazyArg } from "effect/Function"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import * as GuardedPull from "./GuardedPull.ts"

export { begun } from "./begun.ts"
export { BindingStatus } from "./Binding.ts"
export { CancelProof } from "./CancelProof.ts"
export {
  type Classification,
  type Classifier,
  type Classify,
  counted,
  error,
  finish,
  progress,
  type ProgressChannel,
  type ProgressOptions,
  transport
} from "./Classification.ts"
export { EngineEvidence } from "./EngineEvidence.ts"
export { EngineGate } from "./EngineGate.ts"
export { Failed } from "./Failed.ts"
export type { FinishedRun } from "./FinishedRun.ts"
export { heartbeatOf } from "./Heartbeat.ts"
export { Hop } from "./Hop.ts"
export { LearnedLimits, ToldLimit } from "./LimitInForce.ts"
export { LimitLearner } from "./LimitLearner.ts"
export {
  fromTokenEvents,
  type Heartbeat,
  type LivenessInput,
  ofTokenEvents,
  type Opened,
  type Scrape
} from "./LivenessInput.ts"
export { defaults, LivenessLimits } from "./LivenessLimits.ts"
export { initial, step, verdictOf } from "./LivenessStep.ts"
export { watch, type WatchOptions } from "./LivenessWatch.ts"
export type { Outlook } from "./Outlook.ts"
export { planOf, schedule } from "./RetryPolicy.ts"
export { RunError } from "./RunError.ts"
export { RunKey } from "./RunKey.ts"
export type { RunState } from "./RunState.ts"
export { Slow } from "./Slow.ts"
export { Stalled } from "./Stalled.ts"
export { Ticker } from "./Ticker.ts"
export { RunName, Verdict } from "./Verdict.ts"
export { layer, watchWith, type WatchWithOptions } from "./watchWith.ts"

/** A wake this much later than asked for means that we were paused, not that the stream was silent. */
const LATE_WAKE_MILLIS = 1000

/** How a silent stream is failed. */
export interface FailIfSilentOptions<A, E> {
  /** Silence allowed, measured while an element is being waited for. */
  readonly limit: Duration.Input
  /** Makes the error; `silentMillis` is the silence in milliseconds. */
  readonly onSilence: (silentMillis: number) => E
  /** Which elements end the silence. All of them unless given. */
  readonly isProgress?: (element: A) => boolean
}

/**
 * Fails the stream with `onSilence` when no element that counts as progress comes within `limit`.
 *
 * An infinite limit leaves the stream as it is; a zero limit fails at once.
 */
export const failIfSilent: {
  <A, E2>(
    options: FailIfSilentOptions<A, E2>
  ): <E, R>(self: Stream.Stream<A, E, R>) => Stream.Stream<A, E | E2, R>
  <A, E, R, E2>(self: Stream.Stream<A, E, R>, options: FailIfSilentOptions<A, E2>): Stream.Stream<A, E | E2, R>
} = dual(
  2,
  <A, E, R, E2>(self: Stream.Stream<A, E, R>, options: FailIfSilentOptions<A, E2>): Stream.Stream<A, E | E2, R> => {
    const limit = Duration.fromInputUnsafe(options.limit)
    if (!Duration.isFinite(limit)) return self
    if (Duration.isZero(limit)) return Stream.suspend(() => Stream.fail(options.onSilence(0)))
    const limitMillis = Duration.toMillis(limit)
    const { isProgress, onSilence } = options

    return Stream.transformPull(self, (pull, scope) =>
      Effect.gen(function*() {
        const clock = yield* Clock.Clock
        const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
        const pulling = Latch.makeUnsafe(false)
        /** Silence of the pulls since the last progress that have ended. */
        let silentBefore = 0
        let pullStartedAt: number | undefined

        const silence = () => silentBefore + (pullStartedAt === undefined ? 0 : now() - pullStartedAt)

        const beginAnew = () => {
          silentBefore = 0
          if (pullStartedAt !== undefined) pullStartedAt = now()
        }

        const stop = (isSilent: boolean) => {
          silentBefore = isSilent ? silence() : 0
          pullStartedAt = undefined
          pulling.closeUnsafe()
        }

        const guarded = yield* GuardedPull.make<A, never, Effect.Error<typeof pull>, R, E2>(pull, scope, {
          onStart: () => {
            pullStartedAt = now()
          },
          onWait: () => {
            pulling.openUnsafe()
          },
          onSettle: (exit) => {
            stop(exit._tag === "Failure" || (isProgress !== undefined && !exit.value.some(isProgress)))
            return exit
          }
        })

        const watch = Effect.gen(function*() {
          while (true) {
            yield* pulling.await
            const remaining = limitMillis - silence()
            if (remaining > 0) {
              const armedAt = now()
              yield* Effect.sleep(remaining)
              const late = now() - armedAt - remaining
              if (late > LATE_WAKE_MILLIS) beginAnew()
              continue
            }
            // Node runs an expired timer before it reads the sockets. Let it read, and let what it read arrive here.
            for (let turn = 0; turn < 3; turn++) yield* Effect.yieldNow
            const silentMillis = silence()
            if (pullStartedAt === undefined || silentMillis < limitMillis) continue
            if (guarded.giveUp(Effect.sync(() => onSilence(silentMillis)))) return
          }
        })
        yield* Effect.forkIn(watch, scope, { startImmediately: true })

        return guarded.pull
      }))
  }
)

/**
 * Fails the stream with `error` when no element comes within `duration`. Any element counts: put it behind a filter
 * or use `failIfSilent` where some elements prove nothing.
 *
 * @example
 * import * as Liveness from "a2a-campaign/Liveness"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * const tokens = Stream.concat(Stream.make("alive"), Stream.never)
 * const program = tokens.pipe(
 *   Liveness.timeoutFail(() => "no token for a tenth of a second", "100 millis"),
 *   Stream.runForEach((token) => Effect.sync(() => console.log(token))),
 *   Effect.catch((error) => Effect.sync(() => console.log(error)))
 * )
 * await Effect.runPromise(program)
 * // prints: alive
 * // prints: no token for a tenth of a second
 */
export const timeoutFail: {
  <E2>(
    error: LazyArg<E2>,
    duration: Duration.Input
  ): <A, E, R>(self: Stream.Stream<A, E, R>) => Stream.Stream<A, E | E2, R>
  <A, E, R, E2>(
    self: Stream.Stream<A, E, R>,
    error: LazyArg<E2>,
    duration: Duration.Input
  ): Stream.Stream<A, E | E2, R>
} = dual(
  3,
  <A, E, R, E2>(
    self: Stream.Stream<A, E, R>,
    error: LazyArg<E2>,
    duration: Duration.Input
  ): Stream.Stream<A, E | E2, R> => failIfSilent(self, { limit: duration, onSilence: () => error() })
)
