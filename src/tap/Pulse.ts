/**
 * The one timer of all calls at a tap: what wants to be told is told half a second later at most, all at once.
 *
 * It comes at least twice between two ticks of the watch, which condemns a run with one tick and gives it up with the next:
 * so nobody is given up while a token of his waits here. While nobody wants anything there is no timer.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"

export interface Pulse {
  /** Calls it once, with the next pulse; it must not throw. */
  readonly add: (tell: () => void) => void
}

const MOST_MILLIS = 500

/** The pulse of a watch that ticks every so many milliseconds. */
export const make = Effect.fnUntraced(function*(tickMillis: number): Effect.fn.Return<Pulse, never, Scope.Scope> {
  const interval = Math.min(MOST_MILLIS, tickMillis / 2)
  const due = new Set<() => void>()
  const some = Latch.makeUnsafe()
  yield* Effect.forkScoped(Effect.forever(Effect.gen(function*() {
    yield* some.await
    yield* Effect.sleep(interval)
    const told = Array.from(due)
    due.clear()
    some.closeUnsafe()
    for (const tell of told) tell()
  })))
  return {
    add: (tell) => {
      if (due.size === 0) some.openUnsafe()
      due.add(tell)
    }
  }
})
