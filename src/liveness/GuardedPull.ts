/**
 * A pull of a stream that somebody else can end, or answer in its place: the part that all stream guards share.
 *
 * One fiber for the life of a stream pulls upstream, once each time it is asked. Laws: nothing is read ahead; chunks are
 * kept as they come; giving up interrupts the pull and waits for that before the error is handed on, so the socket
 * behind it is closed; closing the scope does the same. Whoever waits may be interrupted and come back: what came in the
 * meantime is kept for him, and it has been told when it came.
 *
 * One fiber for all pulls, not one for each: a token in a chunk of its own would cost twice as much.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"

type Chunk<A> = readonly [A, ...ReadonlyArray<A>]

export interface PullHooks<A, E, E2 = never> {
  /** Upstream is being read from now on. */
  readonly onStart: () => void
  /** The element was not there at once; the pull has armed whatever timers it has. */
  readonly onWait?: () => void
  /** The pull has ended by itself; gives what is handed on. Not called where it was given up or interrupted. */
  readonly onSettle: (exit: Exit.Exit<Chunk<A>, E>) => Exit.Exit<Chunk<A>, E | E2>
}

export interface GuardedPull<A, B, E> {
  readonly pull: Effect.Effect<Chunk<A | B>, E>
  /** Interrupts the pull and ends the stream with what this then gives; false: it has ended already. */
  readonly giveUp: (error: Effect.Effect<E>) => boolean
  /** Gives elements of ours to whoever waits, while the pull goes on; false: nobody waits. */
  readonly put: (chunk: Chunk<B>) => boolean
}

/** Guards a pull until the scope closes. */
export const make = <A, B, E, R, E2>(
  pull: Effect.Effect<Chunk<A>, E, R>,
  scope: Scope.Scope,
  hooks: PullHooks<A, E, E2>
): Effect.Effect<GuardedPull<A, B, E | E2>, never, R> =>
  Effect.gen(function*() {
    type Answer = Effect.Effect<Chunk<A | B>, E | E2>
    /** Upstream is being read. */
    let reading = false
    let wake: (() => void) | undefined
    let waiter: ((answer: Answer) => void) | undefined
    /** What came while nobody waited. */
    let kept: Answer | undefined
    /** What there is to say after the end. */
    let end: Answer | undefined

    const asked = Effect.callback<void>((resume) => {
      if (reading) return resume(Effect.void)
      wake = () => resume(Effect.void)
    })
    const takeWaiter = () => {
      const waiting = waiter
      waiter = undefined
      return waiting
    }
    const turn = Effect.andThen(asked, Effect.exit(pull))
    const pump = yield* Effect.forkIn(
      Effect.whileLoop({
        while: () => end === undefined,
        body: () => turn,
        step: (exit) => {
          if (end !== undefined) return
          const waiting = takeWaiter()
          reading = false
          const answer = hooks.onSettle(exit)
          if (Exit.isFailure(answer)) end ??= answer
          if (waiting === undefined) kept = answer
          else waiting(answer)
        }
      }),
      scope,
      { startImmediately: true }
    )

    return {
      pull: Effect.callback<Chunk<A | B>, E | E2>((resume) => {
        if (kept !== undefined) {
          const answer = kept
          kept = undefined
          return resume(answer)
        }
        if (end !== undefined) return resume(end)
        let answered = false
        waiter = (answer) => {
          answered = true
          resume(answer)
        }
        if (!reading) {
          reading = true
          hooks.onStart()
          const start = wake
          wake = undefined
          start?.()
        }
        if (answered) return
        hooks.onWait?.()
        return Effect.sync(() => {
          waiter = undefined
        })
      }),
      giveUp: (error) => {
        if (end !== undefined) return false
        reading = false
        const closed = Effect.andThen(Fiber.interrupt(pump), Effect.flip(error))
        end = Effect.tapError(closed, (error) =>
          Effect.sync(() => {
            end = Effect.fail(error)
          }))
        pump.interruptUnsafe()
        takeWaiter()?.(end)
        return true
      },
      put: (chunk) => {
        const waiting = reading ? takeWaiter() : undefined
        waiting?.(Effect.succeed(chunk))
        return waiting !== undefined
      }
    }
  })
