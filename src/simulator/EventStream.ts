/**
 * The body of a streamed answer, apart from what its events say: when its headers leave, comments that fill idle times.
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

const comment = ": keep-alive\n\n"

/** Sends a comment whenever `events` were idle for `intervalSeconds`; 0 = never. */
export const keepAlive = (intervalSeconds: number) => (events: Stream.Stream<string>): Stream.Stream<string> =>
  intervalSeconds === 0 ? events : Stream.unwrap(Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const intervalMillis = intervalSeconds * 1000
    let lastSent = now()
    const sent = <A>(value: A): A => {
      lastSent = now()
      return value
    }
    const nextComment: Effect.Effect<readonly [string]> = Effect.suspend(() => {
      const left = lastSent + intervalMillis - now()
      return left <= 0
        ? Effect.sync(() => sent([comment] as const))
        : Effect.flatMap(Effect.sleep(left), () => nextComment)
    })
    return Stream.merge(
      Stream.mapArray(events, sent),
      Stream.fromPull(Effect.succeed(nextComment)),
      { haltStrategy: "left" }
    )
  }))

/**
 * Runs `flush` before the first event is asked for ("at-once") or just before each write; `flush` is idempotent.
 *
 * Suspended, not concatenated: a second stream in front costs each event of the first one several microseconds.
 */
export const withHeaders =
  (when: "at-once" | "with-first-token", flush: () => void) => (events: Stream.Stream<string>) =>
    when === "at-once"
      ? Stream.suspend(() => {
        flush()
        return events
      })
      : Stream.mapArray(events, (texts) => {
        flush()
        return texts
      })
