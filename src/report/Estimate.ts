/**
 * A number with its interval and with what it rests on.
 *
 * An interval is `null` where its samples cannot carry one; the value alone then says nothing of how far it may be off.
 */

/** How an interval was made. */
export type IntervalMethod =
  /** Clopper–Pearson, exact for independent successes. */
  | "clopper-pearson"
  | "wilson"
  /** Student's t over the means of clusters, or a bootstrap of clusters: repetitions of a task are not independent. */
  | "clustered"
  /** Order statistics: free of any distribution, for independent samples. */
  | "order-statistics"
  /** For samples in clusters, by the effective number of samples. */
  | "clustered-quantile"
  /** Brookmeyer–Crowley, from Kaplan–Meier. */
  | "kaplan-meier"
  /** Newcombe's hybrid score interval of a difference. */
  | "newcombe"
  | "bootstrap"

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
