/**
 * A number with its interval and with what it rests on.
 *
 * An interval is `null` where its samples cannot carry one; the value alone then says nothing of how far it may be off.
 */

/** How an interval was made; the formulas with their sources stand in statistics/ and in estimates.ts. */
export type IntervalMethod =
  /** Wilson's score interval of a proportion of independent trials. */
  | "wilson"
  /** Korn–Graubard: exact for the effective number of samples in clusters, as repetitions of a task are. */
  | "clustered"
  /** Of a difference or ratio, from the intervals of both (Zou and Donner 2008; Newcombe 1998). */
  | "mover"
  /** The same, with the correlation of the pairs, such as tasks that two campaigns have. */
  | "paired"
  /** Of percentiles: see LatencyReport.ts. */
  | "order-statistics"
  | "clustered-quantile"

export interface Estimate {
  readonly value: number | null
  readonly lower: number | null
  readonly upper: number | null
  /** Of the interval, such as 0.95. */
  readonly level: number
  /** Samples in it. */
  readonly n: number
  /** Clusters that count as independent, such as tasks; `null` where every sample does. */
  readonly clusters: number | null
  /** `null` where there is no interval. */
  readonly method: IntervalMethod | null
}

/** The same figure by three ways of counting battles whose infrastructure failed; pending ones are in none of them. */
export interface Columns<A> {
  /** Over scored battles only: unscored ones say nothing. */
  readonly scoredOnly: A
  /** Unscored battles count as 0: the lowest that the score can be. */
  readonly infrastructureAsFailure: A
  /** Unscored battles count as 1: the highest that it can be. */
  readonly bestCase: A
}
