/**
 * What went wrong, what proved it, what it cost, and what was done about it.
 */
import type { DeliveryMode } from "../a2a/DeliveryMode.ts"
import type { Battle } from "../campaign/Battle.ts"
import type { CancelProof } from "../liveness/CancelProof.ts"
import type { FailKind } from "../liveness/FailKind.ts"
import type { Hop } from "../liveness/Hop.ts"
import type { LimitInForce } from "../liveness/LimitInForce.ts"
import type { Phase } from "../liveness/Phase.ts"
import type { Confidence, StallKind } from "../liveness/StallKind.ts"
import type { Evidence } from "../liveness/Verdict.ts"
import type { Columns, Estimate } from "./Estimate.ts"
import type { QueryId } from "./Report.ts"

/** How a battle stands, seen from one of its attempts. */
export type Afterwards =
  /** A later attempt was scored. */
  | "scored-later"
  /** It was scored already: this one came too late. */
  | "scored-before"
  | "unscored"
  | "pending"

export interface StallRow {
  readonly battle: Battle
  readonly attempt: number
  readonly at: number
  readonly hop: Hop
  readonly kind: StallKind
  readonly confidence: Confidence
  readonly phase: Phase
  /** Tokens that had come. */
  readonly tokens: number
  readonly silentMillis: number
  /** The limit that decided, and where its number came from. */
  readonly limit: LimitInForce
  readonly decidedBy: string
  /** What the engine's metrics showed: binding, how long it stood still, the last scrapes. */
  readonly evidence: Evidence
  readonly cancel: CancelProof
  /** The whole in a sentence, as the command says it. */
  readonly message: string
  readonly durationMillis: number
  readonly charged: boolean
  readonly superseded: boolean
  readonly epoch: number | null
  readonly afterwards: Afterwards
  /** The attempt that was scored in the end; `null` where none was. */
  readonly scoredIn: number | null
}

export interface Stalls {
  readonly query: QueryId
  readonly rows: ReadonlyArray<StallRow>
  readonly byKind: ReadonlyArray<{
    readonly kind: StallKind
    readonly confidence: Confidence
    readonly stalls: number
    readonly hours: number
    readonly medianSilentMillis: number | null
    readonly scoredLater: number
  }>
  readonly hours: number
  readonly tokensLost: number
  /** Stalled attempts of all that ended in time, cancelled and abandoned ones left out. */
  readonly rate: Estimate
}

export interface FailureClass {
  /** `slow` for attempts over the user's own hard cap. */
  readonly kind: FailKind | "slow"
  readonly hop: Hop
  readonly failures: number
  readonly battles: number
  readonly hours: number
  readonly scoredLater: number
  /** Of the last one: what was said. */
  readonly example: { readonly battle: Battle; readonly attempt: number; readonly message: string }
}

export interface Failures {
  readonly query: QueryId
  /** The most frequent first. */
  readonly classes: ReadonlyArray<FailureClass>
  /** Failed attempts of all that ended in time, cancelled and abandoned ones left out. */
  readonly rate: Estimate
}

export interface Retries {
  readonly query: QueryId
  /** Battles by the number of their attempts so far, however these ended. */
  readonly attemptsPerBattle: ReadonlyArray<{ readonly attempts: number; readonly battles: number }>
  /** Scored battles none of whose earlier attempts had stalled, been slow or failed. */
  readonly firstTry: RetryGroup
  /** The others that were scored. */
  readonly retried: RetryGroup
  /**
   * Mean score of retried battles less that of first tries. Battles that are tried again are not drawn by lot: a difference
   * says that the two kinds differ, not that trying again changes a score.
   */
  readonly difference: Estimate
  /** The score as it would be without any retry: what failed at first is unscored. */
  readonly withoutRetries: Columns<Estimate>
  /** The score as it is. */
  readonly withRetries: Columns<Estimate>
  /** Battles that only a retry brought a score. */
  readonly rescued: number
  /** Attempts begun after one that used up an attempt, and the hours that the used-up ones took. */
  readonly retries: number
  readonly hoursLost: number
}

export interface RetryGroup {
  readonly battles: number
  readonly score: Estimate
  readonly passed: number
  readonly passRate: Estimate
}

export interface Delivery {
  readonly query: QueryId
  readonly byAgent: ReadonlyArray<{
    readonly agent: string
    /** What its user asked for; `null` for the best that it can do. */
    readonly asked: DeliveryMode | null
    readonly modes: ReadonlyArray<{ readonly mode: DeliveryMode; readonly attempts: number; readonly untold: number }>
    /** Why it is followed so, as far as the stored rows tell; a clause. */
    readonly why: string
  }>
}

export interface Unscored {
  readonly query: QueryId
  readonly battles: ReadonlyArray<{
    readonly battle: Battle
    readonly reason: string
    /** How the attempt ended that left it so; `null` where it was given up by its user. */
    readonly verdict: string | null
    readonly attempts: number
  }>
  /** The same reason for several battles, the most frequent first. */
  readonly byVerdict: ReadonlyArray<{ readonly verdict: string | null; readonly battles: number }>
}
