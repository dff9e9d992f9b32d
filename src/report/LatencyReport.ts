/**
 * How long things took: distributions of what was measured to its end, and curves of what was not.
 *
 * As vLLM's benchmark defines them: TTFT is the time to the first token; ITL the gaps between arrivals, pooled over all
 * requests; TPOT (E2E − TTFT) / (n − 1) of a request with n tokens; E2E the time to the last token. An arrival of several
 * tokens at once is one gap, as in that benchmark, and `tokensPerArrival` says how often that was so.
 *
 * Distributions are of attempts that completed in time to count. Those of runs that were given up are not there, which
 * makes what is there look faster: `Censored` shows both together.
 */
import type { QueryId } from "./Report.ts"

export interface Percentile {
  /** Such as 0.95. */
  readonly share: number
  /** By nearest rank: a sample, never interpolated. `null`, as both bounds, where the samples do not bound it. */
  readonly value: number | null
  /** Bounds of the percentile that holds of whatever was sampled. */
  readonly lower: number | null
  readonly upper: number | null
  /** Confidence of the two bounds together. */
  readonly level: number
  /**
   * The least samples that give both bounds; for samples of attempts, the attempts that give them however alike the samples
   * of each are, of which fewer may do.
   */
  readonly needed: number
  readonly method: "order-statistics" | "clustered-quantile"
}

export interface Bin {
  /** Included. */
  readonly from: number
  /** Excluded. */
  readonly to: number
  readonly count: number
}

export interface Distribution {
  readonly query: QueryId
  readonly unit: "ms" | "tokens/s"
  readonly n: number
  /** Attempts behind them, where samples of one attempt are not independent; else `null`. */
  readonly clusters: number | null
  readonly mean: number | null
  readonly least: number | null
  readonly most: number | null
  /** 0.5, 0.9, 0.95, 0.99. */
  readonly percentiles: ReadonlyArray<Percentile>
  /** Ten to a power of ten, from the first that is not empty to the last; for drawing. */
  readonly bins: ReadonlyArray<Bin>
  /** Completed attempts that have no part in it, by why; a clause each. */
  readonly leftOut: ReadonlyArray<{ readonly why: string; readonly attempts: number }>
}

/** What numbers of tokens rest on, in attempts. */
export interface TokenBasisCounts {
  readonly usage: number
  readonly deltas: number
  /** Pieces of text of the agent's own choosing, which are no tokens. */
  readonly pieces: number
}

export interface LatencyGroup {
  /** An agent's name; "all" overall. */
  readonly name: string
  /** Attempts that completed in time to count. */
  readonly attempts: number
  readonly basis: TokenBasisCounts
  readonly ttft: Distribution
  readonly itl: Distribution
  readonly meanItl: Distribution
  readonly tpot: Distribution
  /** To the last token. */
  readonly e2e: Distribution
  /** To the end of the attempt, grading included. */
  readonly duration: Distribution
  readonly tokensPerSecond: Distribution
  /** Tokens and arrivals behind the gaps of `itl`; more tokens than arrivals: several came at once. */
  readonly gapBasis: {
    readonly tokens: number
    readonly arrivals: number
    /** Share of arrivals that brought more than one token. */
    readonly coalesced: number | null
  }
}

export interface Latencies {
  readonly overall: LatencyGroup
  readonly byAgent: ReadonlyArray<LatencyGroup>
}

/** A moment at which something came, or at which attempts ended without it. */
export interface SurvivalStep {
  readonly atMillis: number
  /** Share that takes longer than this. */
  readonly survival: number
  /** `null` where all that were left have come, of which no interval is known. */
  readonly lower: number | null
  readonly upper: number | null
  /** Neither come nor ended before. */
  readonly atRisk: number
  /** With those of moments since the step before that are not in the list. */
  readonly events: number
  readonly censored: number
}

/** Kaplan–Meier: attempts that ended without the event count until then. */
export interface SurvivalCurve {
  /** An agent's name; "all" overall. */
  readonly name: string
  readonly n: number
  readonly events: number
  readonly censored: number
  /** At most some hundred: with more, those that a drawing can tell apart. */
  readonly steps: ReadonlyArray<SurvivalStep>
  readonly isThinned: boolean
  /** `null` where fewer than half are known to have come so far. */
  readonly medianMillis: number | null
  readonly medianLowerMillis: number | null
  readonly medianUpperMillis: number | null
  readonly level: number
}

export interface Censored {
  readonly query: QueryId
  /** Time to the end of the attempt, of all attempts but superseded ones; one in flight counts until it was last told of. */
  readonly completion: { readonly overall: SurvivalCurve; readonly byAgent: ReadonlyArray<SurvivalCurve> }
  /** Time to the first token, likewise. */
  readonly firstToken: { readonly overall: SurvivalCurve; readonly byAgent: ReadonlyArray<SurvivalCurve> }
}

/** What became of all attempts that have ended, with the hours that each kind took. */
export interface AttemptEnds {
  readonly total: number
  readonly superseded: number
  /** Of those that were not superseded. */
  readonly byVerdict: ReadonlyArray<{
    readonly verdict: "completed" | "stalled" | "slow" | "failed" | "cancelled" | "abandoned"
    readonly attempts: number
    readonly hours: number
    readonly tokens: number
  }>
  readonly inFlight: number
}
