/**
 * The one fiber that lets time pass for all runs of a process: every second it looks at each of them.
 *
 * While there is no run there is no timer. A tick tells the time it happened, so a late one is seen as such; between two
 * ticks the event loop has turned, so what waited in a socket before the second has been read.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { CurrentPolicy } from "./LivenessPolicy.ts"

/** Called with monotonic milliseconds; must not throw. */
export type Tick = (at: number) => void

/** The clock of all watched runs of a process. Keep one, as `Ticker.layer()`. */
export class Ticker extends Context.Service<Ticker, {
  /** Calls `tick` every interval until the scope closes. */
  readonly add: (tick: Tick) => Effect.Effect<void, never, Scope.Scope>
}>()("a2a-campaign/Ticker") {
  /** Ticks this often while anybody listens; as the policy in force says unless given. */
  static readonly layer = (interval?: Duration.Input): Layer.Layer<Ticker> =>
    Layer.effect(
      Ticker,
      Effect.gen(function*() {
        const every = interval ?? (yield* CurrentPolicy).limits.tickMillis
        const clock = yield* Clock.Clock
        const ticks = new Set<Tick>()
        const busy = Latch.makeUnsafe()
        yield* Effect.forkScoped(Effect.forever(Effect.gen(function*() {
          yield* busy.await
          yield* Effect.sleep(every)
          const at = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
          for (const tick of ticks) tick(at)
        })))
        return Ticker.of({
          add: (tick) =>
            Effect.asVoid(Effect.acquireRelease(
              Effect.sync(() => {
                ticks.add(tick)
                busy.openUnsafe()
              }),
              () =>
                Effect.sync(() => {
                  ticks.delete(tick)
                  if (ticks.size === 0) busy.closeUnsafe()
                })
            ))
        })
      })
    )
}
