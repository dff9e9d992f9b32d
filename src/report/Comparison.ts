/**
 * Two campaigns side by side: what differs, by how much, with intervals, and what cannot be compared.
 *
 * Scores are compared over the tasks that both have, paired by task, each task's mean once: tasks differ more among
 * themselves than campaigns do. Differences are those of the second campaign less the first; ratios the second by the first.
 */
import type { Columns, Estimate } from "./Estimate.ts"
import type { Header } from "./Report.ts"

export const comparisonSchema = "a2a-campaign/comparison/1"

export interface Compared {
  /** Such as "TTFT, all"; rates of tokens have "tokens/s" in it. */
  readonly name: string
  readonly first: number | null
  readonly second: number | null
  /** A difference for scores and rates, a ratio for latencies. */
  readonly change: Estimate
  readonly kind: "difference" | "ratio"
}

export interface ComparedScore {
  /** "all", or an agent that both have. */
  readonly name: string
  /** Tasks that have a scored battle in both. */
  readonly tasks: number
  readonly first: Columns<number | null>
  readonly second: Columns<number | null>
  readonly difference: Columns<Estimate>
}

export interface Comparison {
  readonly schema: typeof comparisonSchema
  readonly first: Header
  readonly second: Header
  readonly scores: ReadonlyArray<ComparedScore>
  /** Task by task, for drawing: mean over scored battles. */
  readonly byTask: ReadonlyArray<{
    readonly task: string
    readonly first: number | null
    readonly second: number | null
    readonly difference: number | null
  }>
  /** Medians of TTFT, TPOT, E2E and tokens/s. */
  readonly latencies: ReadonlyArray<Compared>
  /** Of stalls, failures, unscored battles. */
  readonly rates: ReadonlyArray<Compared>
  /** What cannot be compared, and why; one sentence each. */
  readonly notCompared: ReadonlyArray<string>
  /** What else differs between the two, and may be why their figures do; one sentence each. */
  readonly cautions: ReadonlyArray<string>
}
