/**
 * The fixed-limit guard of a token stream: `Liveness.failIfSilent` that knows tokens.
 *
 * Only progress ends a silence: signals, comments and usage frames never do. The `Stalled` it fails with carries the
 * phase and the tokens received so far.
 */
import * as Duration from "effect/Duration"
import * as Stream from "effect/Stream"
import { type TokenEvent, tokensOf } from "../token/TokenEvent.ts"
import { failIfSilent } from "./Liveness.ts"
import * as Phase from "./Phase.ts"
import { type Hop, Stalled } from "./Stalled.ts"

/**
 * Stall limits are nested: an outer hop waits this much longer than the one inside it, so that the innermost hop,
 * which knows most, decides first. Two heartbeats of 5 s and 5 s more.
 */
const HOP_ALLOWANCE = Duration.seconds(15)

/** The limit for a hop further out, given the limit of the innermost and how many hops lie between. */
export const outerLimit = (limit: Duration.Duration, hops: number): Duration.Duration =>
  Duration.sum(limit, Duration.times(HOP_ALLOWANCE, hops))

export interface TokenGuardOptions<A> {
  readonly hop: Hop
  /** Silence allowed, measured while an element is being waited for. */
  readonly limit: Duration.Duration
  readonly isProgress: (element: A) => boolean
  /** The token event an element is, if it is one. */
  readonly asTokenEvent: (element: A) => TokenEvent | undefined
}

/** Fails with `Stalled` when no progress comes from `hop` within `limit`. */
export const failIfStalled =
  <A>(options: TokenGuardOptions<A>) => <E, R>(self: Stream.Stream<A, E, R>): Stream.Stream<A, E | Stalled, R> =>
    Stream.suspend(() => {
      let phase: Phase.Phase = "connecting"
      let tokens = 0
      return self.pipe(
        Stream.mapArray((elements) => {
          for (const element of elements) {
            const event = options.asTokenEvent(element)
            if (event === undefined) continue
            phase = Phase.step(phase, event)
            tokens += tokensOf(event)
          }
          return elements
        }),
        failIfSilent({
          limit: options.limit,
          isProgress: options.isProgress,
          onSilence: (silentMillis) =>
            new Stalled({
              kind: options.hop === "engine" ? "silent" : "agent-silent",
              hop: options.hop,
              phase,
              silentMillis,
              limitMillis: Duration.toMillis(options.limit),
              tokens,
              confidence: "inferred"
            })
        })
      )
    })
