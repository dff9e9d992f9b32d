/**
 * Is the stream alive? Operators that fail a stream with a typed error when nothing comes.
 *
 * `timeoutFail` is the fixed-limit form: it has the name and the argument order of `Stream.timeoutFail` of Effect 3,
 * which Effect 4 no longer has. `failIfSilent` is the same guard with a say in which elements count as progress. `watch`
 * (LivenessWatch.ts) is the one that knows phases and the engine's own evidence.
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
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import type { LazyArg } from "effect/Function"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"

export { EngineEvidence } from "./EngineEvidence.ts"
export { Failed } from "./Failed.ts"
export { watch, type WatchOptions } from "./LivenessWatch.ts"
export { Stalled } from "./Stalled.ts"
export { Ticker } from "./Ticker.ts"

/** A wake this much later than asked for means that we were paused, not that the stream was silent. */
const LATE_WAKE_MILLIS = 1000

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
        let giveUp: ((silentMillis: number) => void) | undefined

        const silence = () => silentBefore + (pullStartedAt === undefined ? 0 : now() - pullStartedAt)

        const beginAnew = () => {
          silentBefore = 0
          if (pullStartedAt !== undefined) pullStartedAt = now()
        }

        const settle = (exit: Exit.Exit<ReadonlyArray<A>, unknown>) => {
          silentBefore = exit._tag === "Success" && (isProgress === undefined || exit.value.some(isProgress))
            ? 0
            : silence()
          pullStartedAt = undefined
          giveUp = undefined
          pulling.closeUnsafe()
        }

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
            if (giveUp !== undefined && silentMillis >= limitMillis) return giveUp(silentMillis)
          }
        })
        yield* Effect.forkIn(watch, scope, { startImmediately: true })

        return Effect.suspend(() => {
          pullStartedAt = now()
          return Effect.flatMap(Effect.forkChild(pull, { startImmediately: true }), (fiber) => {
            const exit = fiber.pollUnsafe()
            if (exit !== undefined) {
              settle(exit)
              return exit
            }
            pulling.openUnsafe()
            return Effect.callback<Effect.Success<typeof pull>, Effect.Error<typeof pull> | E2>((resume) => {
              const forget = fiber.addObserver((exit) => {
                settle(exit)
                resume(exit)
              })
              giveUp = (silentMillis) => {
                forget()
                resume(Effect.andThen(Fiber.interrupt(fiber), Effect.fail(onSilence(silentMillis))))
              }
              return Effect.suspend(() => {
                forget()
                return Fiber.interrupt(fiber)
              })
            })
          })
        })
      }))
  }
)

/**
 * Fails the stream with `error` when no element comes within `duration`. Any element counts: put it behind a filter
 * or use `failIfSilent` where some elements prove nothing.
 *
 * @example
 * import * as Liveness from "a2a-campaign/Liveness"
 *
 * tokens.pipe(Liveness.timeoutFail(() => new TokensStalled(), "90 seconds"))
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
