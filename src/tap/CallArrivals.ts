/**
 * When tokens of a call really came, for the metrics: the watch of a tap is told of them up to half a second later and many
 * at once (CallFeed.ts), and begins only when the engine has answered, which is enough for limits and not for histograms.
 *
 * Times count from the client's request. What comes before the watch has begun is kept until then. Where the tap has no
 * metrics there is none of these, and a token costs nothing.
 */
import type { ObservedRun, ObserveRun } from "../liveness/RunObserver.ts"

/** What a watch that has not begun yet may miss; it begins within half a second. */
const MOST_KEPT = 1000

export class CallArrivals {
  readonly #now: () => number
  readonly #beganAt: number
  #lastAt: number
  #isFirst = true
  #kept: Array<readonly [gapMillis: number, isFirst: boolean]> = []
  #observed: ObservedRun | undefined

  /** Of a call that began at that moment of the monotonic clock, in milliseconds. */
  constructor(now: () => number, beganAt: number) {
    this.#now = now
    this.#beganAt = beganAt
    this.#lastAt = beganAt
  }

  /** Tokens came, in one read. */
  readonly came = (): void => {
    const at = this.#now()
    const gapMillis = at - this.#lastAt
    const isFirst = this.#isFirst
    this.#lastAt = at
    this.#isFirst = false
    if (this.#observed !== undefined) this.#observed.came(gapMillis, isFirst)
    else if (this.#kept.length < MOST_KEPT) this.#kept.push([gapMillis, isFirst])
  }

  /** The observer of the watch, with these times in the place of the watch's own. */
  readonly instead = (observe: ObserveRun): ObserveRun => (run, view) => {
    const observed = observe(run, view)
    if (observed === undefined) return undefined
    this.#observed = observed
    for (const [gapMillis, isFirst] of this.#kept) observed.came(gapMillis, isFirst)
    this.#kept = []
    return {
      came: () => {},
      verdict: observed.verdict,
      ended: (state) => observed.ended(state, this.#now() - this.#beganAt)
    }
  }
}
