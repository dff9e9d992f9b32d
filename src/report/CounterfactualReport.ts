/**
 * What a fixed timeout would have done to this campaign, replayed over the stored times.
 *
 * *Good* is an attempt that completed and that its battle counts. *Hung* is one that was found stalled in time to count.
 * Whatever else was given up, interrupted or superseded is no part of it. A timeout kills an attempt at the first moment
 * that its clock passes the limit:
 *
 * - `total`: time since the attempt began;
 * - `first-token`: the same, until the first token; it can end those only that hung before one;
 * - `gap`: time since the last token; it can end those only that hung after one.
 *
 * A good one that is killed wastes the time until then. A hung one that is killed before it was found saves the rest; one
 * for which the limit is too long is held until the limit. What a retry after a kill would have done nobody knows, and it
 * is not guessed.
 *
 * Laws: killed and saved never rise with the limit, and held hours never fall; nothing is killed by a limit as long as the
 * longest.
 */
import type { LimitInForce } from "../liveness/LimitInForce.ts"
import type { QueryId } from "./Report.ts"

export type Timeout = "total" | "first-token" | "gap"

export interface CounterfactualPoint {
  readonly limitMillis: number
  readonly killedGood: number
  /** Of `good`; `null` where there is none. */
  readonly killedShare: number | null
  /** Hours until the kills of good attempts, for nothing. */
  readonly wastedHours: number
  /** Hung attempts that it would have ended earlier than they were, and by how much in all. */
  readonly hungEndedEarlier: number
  readonly savedHours: number
  /** Hung attempts that it would have ended later, and by how much in all. */
  readonly hungEndedLater: number
  readonly heldHours: number
}

export interface CounterfactualCurve {
  readonly timeout: Timeout
  /** Attempts that it is replayed over. */
  readonly good: number
  readonly hung: number
  /** Hung ones that it would never have ended, however short: its clock does not run where they hung. */
  readonly unseen: number
  /** Good and hung ones whose token times are not known, such as those of agents that answer all at once. */
  readonly leftOut: number
  /** Increasing limits, the same in every report. */
  readonly points: ReadonlyArray<CounterfactualPoint>
  /** The longest that a good attempt took by this clock: any shorter timeout kills at least that one. */
  readonly longestGoodMillis: number | null
}

/** A limit that decided stalls of this campaign. */
export interface LimitMark {
  readonly name: LimitInForce["name"]
  readonly origins: ReadonlyArray<LimitInForce["origin"]>
  readonly stalls: number
  readonly leastMillis: number
  readonly medianMillis: number
  readonly mostMillis: number
}

export interface Counterfactual {
  readonly query: QueryId
  readonly curves: ReadonlyArray<CounterfactualCurve>
  /** Where limits really stood. */
  readonly limits: ReadonlyArray<LimitMark>
  readonly hardCapMillis: number | null
}
