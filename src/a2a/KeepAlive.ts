/**
 * Says on every open stream of a server, now and then, that the connection lives: proxies and clients cut what is silent.
 *
 * It is an SSE comment, never an event: it proves nothing about the agent, and nobody may take it for progress. One timer
 * for the whole server; a stream that has written something lately is left alone.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"

const COMMENT_INTERVAL_SECONDS = 15

export interface KeepAlive {
  /** Seconds since the server began, roughly. */
  readonly now: () => number
  /** Calls `wake` each time a comment is due: so many seconds after `lastWrite`. Gives back how to stop. */
  readonly onDue: (lastWrite: () => number, wake: () => void) => () => void
}

export const make: Effect.Effect<KeepAlive, never, Scope.Scope> = Effect.gen(function*() {
  const streams = new Set<{ readonly lastWrite: () => number; readonly wake: () => void }>()
  let seconds = 0
  const tick = Effect.sync(() => {
    seconds++
    for (const { lastWrite, wake } of streams) {
      if (seconds - lastWrite() >= COMMENT_INTERVAL_SECONDS) wake()
    }
  })
  yield* Effect.forkScoped(Effect.andThen(Effect.sleep("1 second"), Effect.repeat(tick, Schedule.fixed("1 second"))))
  return {
    now: () => seconds,
    onDue: (lastWrite, wake) => {
      const stream = { lastWrite, wake }
      streams.add(stream)
      return () => {
        streams.delete(stream)
      }
    }
  }
})
