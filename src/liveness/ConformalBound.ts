/**
 * How long is too long, from how long it took before: the conformal bound over finished runs.
 *
 * Let M_1..M_K be one number of each of K finished runs, in milliseconds, and a the share of false alarms that is
 * acceptable. The bound is the ceil((K + 1)(1 - a))-th smallest of them. If the next run is exchangeable with those
 * (their order says nothing), the chance that its number exceeds the bound is at most a. Nothing is assumed of the
 * distribution. (Split conformal prediction: Vovk, Gammerman, Shafer 2005; liveness model, section 3.5.)
 *
 * A run whose number is only known to be large is censored and counts as +Infinity. Where there are so many of them that
 * the bound itself is +Infinity, it is `Unbounded`: there were runs enough, but the finished ones among them do not show
 * where the slow ones end, so the caller's ceiling is all that is left.
 *
 * Laws: no observation that grows, none that becomes censored and none censored that is added ever lowers the bound; a
 * larger share never raises it; the order of observations is nothing.
 */

interface Counted {
  /** Observations, the censored ones among them. */
  readonly runs: number
  /** The least observations that give a bound; +Infinity where no number of them does. */
  readonly needed: number
}

export type ConformalBound =
  /** Fewer observations than needed. */
  | { readonly _tag: "NotLearned" } & Counted
  /** Too many of them are censored. */
  | { readonly _tag: "Unbounded" } & Counted
  | { readonly _tag: "Bound"; readonly millis: number } & Counted

/** Most shares are no binary fractions: 0.29 x 100 is 28.999999999999996. Far below any share that means anything. */
const ROUNDING = 1e-9

/** Of `count` exchangeable numbers, how many may lie beyond the bound. */
const allowed = (count: number, share: number): number => share > 0 ? Math.floor(count * share + ROUNDING) : 0

/**
 * The smallest K with ceil((K + 1)(1 - share)) <= K, which is 1/share - 1 rounded up: 199 for 0.5 %. +Infinity for a
 * share of 0, with which no number of runs is enough.
 */
export const runsNeeded = (share: number): number =>
  share > 0 ? Math.max(1, Math.ceil((1 - ROUNDING) / share) - 1) : Infinity

/**
 * The bound that the next observation exceeds with a chance of at most `share`.
 *
 * Observations are milliseconds, +Infinity where censored; one that is not a number counts as censored.
 */
export const conformalBound = (observations: ReadonlyArray<number>, share: number): ConformalBound =>
  // Sorts what is not a number behind +Infinity.
  conformalBoundOfSorted(Float64Array.from(observations).toSorted(), share)

/** The same of observations that do not fall. */
export const conformalBoundOfSorted = (observations: Float64Array, share: number): ConformalBound => {
  const runs = observations.length
  const needed = runsNeeded(share)
  if (runs < needed) return { _tag: "NotLearned", runs, needed }
  const rank = Math.max(1, runs + 1 - allowed(runs + 1, share))
  const millis = observations[rank - 1] ?? Infinity
  return Number.isFinite(millis) ? { _tag: "Bound", millis, runs, needed } : { _tag: "Unbounded", runs, needed }
}
