/**
 * Our own standing still: a machine that is too busy, a process that was stopped, a laptop that slept. What came meanwhile
 * seems to have come at once, and that must not be laid at an agent's door.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** The wait between two looks at the clock, in milliseconds. */
const TICK_MILLIS = 10

/** Measures until the scope ends; gives the longest pause so far, in milliseconds. */
export const pauseMeter: Effect.Effect<() => number, never, Scope.Scope> = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  let before = now()
  let longest = 0
  const look = Effect.sync(() => {
    const at = now()
    longest = Math.max(longest, at - before - TICK_MILLIS)
    before = at
  })
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(TICK_MILLIS), look)))
  // One that has not ended counts as well.
  return () => Math.max(longest, now() - before - TICK_MILLIS)
})
