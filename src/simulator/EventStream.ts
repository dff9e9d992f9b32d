/**
 * Comments that fill the idle times of a streamed answer.
 *
 * Laws: comments come from the HTTP side alone, so they go on in front of a silent engine; one is sent each time nothing
 * was sent for the whole interval, never between two parts of an event, none after the end. A reader that does not read
 * holds the comments up, as it holds up everything else.
 *
 * Gotcha: a comment is a byte like any other, so with headers "with-first-token" a comment brings the headers, too.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** A comment as vLLM's --sse-keep-alive-interval sends it. */
export const comment = ": keep-alive\n\n"

/** Sends `filler` whenever `pieces` were idle for `intervalSeconds`, unless it is undefined then; 0 = never. */
export const keepAlive =
  <A>(intervalSeconds: number, filler: () => A | undefined) => (pieces: Stream.Stream<A>): Stream.Stream<A> =>
    intervalSeconds === 0 ? pieces : Stream.unwrap(Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      const intervalMillis = intervalSeconds * 1000
      let lastSent = now()
      const sent = <B>(value: B): B => {
        lastSent = now()
        return value
      }
      const nextFiller: Effect.Effect<readonly [A]> = Effect.suspend(() => {
        const left = lastSent + intervalMillis - now()
        if (left > 0) return Effect.flatMap(Effect.sleep(left), () => nextFiller)
        const value = sent(filler())
        return value === undefined ? nextFiller : Effect.succeed([value] as const)
      })
      return Stream.merge(
        Stream.mapArray(pieces, sent),
        Stream.fromPull(Effect.succeed(nextFiller)),
        { haltStrategy: "left" }
      )
    }))
