/**
 * The one timer of all calls at a tap: what wants to be told is told some half a second later, all at once.
 *
 * While nobody wants anything there is no timer.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"

export interface Pulse {
  /** Calls it once, with the next pulse; it must not throw. */
  readonly add: (tell: () => void) => void
}

const INTERVAL = "500 millis"

export const make: Effect.Effect<Pulse, never, Scope.Scope> = Effect.gen(function*() {
  const due = new Set<() => void>()
  const some = Latch.makeUnsafe()
  yield* Effect.forkScoped(Effect.forever(Effect.gen(function*() {
    yield* some.await
    yield* Effect.sleep(INTERVAL)
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
