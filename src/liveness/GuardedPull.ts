/**
 * A pull of a stream that somebody else can end: the part that all stream guards share.
 *
 * Each pull runs in a fiber of its own, so that it can be interrupted while it waits. Laws: chunks are kept as they come;
 * giving up interrupts the pull and waits for that before the error is handed on, so the socket behind it is closed;
 * interruption from below does the same.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

export interface PullHooks<A, E> {
  /** An element is being waited for from now on. */
  readonly onStart: () => void
  /** The element was not there at once; the pull has armed whatever timers it has. */
  readonly onWait?: () => void
  /** The pull has ended by itself; before its chunk is handed on. Not called where it was given up or interrupted. */
  readonly onSettle: (exit: Exit.Exit<ReadonlyArray<A>, E>) => void
  /** Whoever waited was interrupted, and may yet come back. */
  readonly onAbandon: () => void
}

export interface GuardedPull<A, E, E2, R> {
  readonly pull: Effect.Effect<readonly [A, ...ReadonlyArray<A>], E | E2, R>
  /** Ends the pull that is being waited for with this error; false: nothing is being waited for. */
  readonly giveUp: (error: E2) => boolean
}

/** Guards a pull. */
export const make = <A, E, R, E2>(
  pull: Effect.Effect<readonly [A, ...ReadonlyArray<A>], E, R>,
  hooks: PullHooks<A, E>
): GuardedPull<A, E, E2, R> => {
  let end: ((error: E2) => void) | undefined
  const settle = (exit: Exit.Exit<readonly [A, ...ReadonlyArray<A>], E>) => {
    end = undefined
    hooks.onSettle(exit)
  }
  return {
    pull: Effect.suspend(() => {
      hooks.onStart()
      return Effect.flatMap(Effect.forkChild(pull, { startImmediately: true }), (fiber) => {
        const exit = fiber.pollUnsafe()
        if (exit !== undefined) {
          settle(exit)
          return exit
        }
        hooks.onWait?.()
        return Effect.callback<readonly [A, ...ReadonlyArray<A>], E | E2>((resume) => {
          const forget = fiber.addObserver((exit) => {
            settle(exit)
            resume(exit)
          })
          end = (error) => {
            end = undefined
            forget()
            resume(Effect.andThen(Fiber.interrupt(fiber), Effect.fail(error)))
          }
          return Effect.suspend(() => {
            end = undefined
            forget()
            hooks.onAbandon()
            return Fiber.interrupt(fiber)
          })
        })
      })
    }),
    giveUp: (error) => {
      if (end === undefined) return false
      end(error)
      return true
    }
  }
}
