/**
 * The report of a campaign as a value: everything that is printed, drawn or compared, and nothing of how it looks.
 *
 * It is plain data that JSON can carry: `null` where a number is not known, never NaN; times are milliseconds, moments
 * milliseconds since 1970, shares and scores from 0 to 1. A figure that its samples cannot carry is `null` beside the
 * number of samples that it would take, and `unknown` says in words what nobody can know from what is stored.
 *
 * Every section names by `query` the documented query (docs/export.md) that finds the rows it was made of.
 *
 * Texts of agents, tasks and graders are in it as they are: whoever shows them escapes them.
 */
import type { CampaignSummary } from "../campaign/CampaignSummary.ts"
import type { EngineEpoch } from "../campaign/EngineEpoch.ts"
import type { CampaignState } from "../campaign/StoredCampaign.ts"
import type { Counterfactual } from "./CounterfactualReport.ts"
import type { Columns, Estimate } from "./Estimate.ts"
import type { AttemptEnds, Censored, Latencies } from "./LatencyReport.ts"
import type { Delivery, Failures, Retries, Stalls, Unscored } from "./OutcomeReport.ts"

export const reportSchema = "a2a-campaign/report/1"

/** The name of a documented query: an anchor in docs/export.md. */
export type QueryId =
  | "battles"
  | "scores"
  | "pass-at-k"
  | "ttft"
  | "itl"
  | "tpot"
  | "e2e"
  | "tokens-per-second"
  | "censored"
  | "stalls"
  | "failures"
  | "retries"
  | "delivery"
  | "epochs"
  | "unscored"
  | "counterfactual"

export interface Report {
  readonly schema: typeof reportSchema
  readonly header: Header
  /** The counts that other commands print: the very same numbers. */
  readonly summary: CampaignSummary
  readonly glance: Glance
  readonly coverage: Coverage
  readonly scores: Scores
  readonly passAtK: PassAtK
  readonly latencies: Latencies
  readonly censored: Censored
  readonly attemptEnds: AttemptEnds
  readonly stalls: Stalls
  readonly failures: Failures
  readonly retries: Retries
  readonly delivery: Delivery
  readonly epochs: Epochs
  readonly unscored: Unscored
  readonly counterfactual: Counterfactual
  /** What the stored rows do not tell, one sentence each, the most important first. */
  readonly unknown: ReadonlyArray<string>
}

export interface Header {
  readonly campaign: string
  /** The store, as its reader named it. */
  readonly file: string
  readonly state: CampaignState
  /** A process runs it at this moment: the figures are of the moment `asOf`. */
  readonly isRunning: boolean
  /** `null` where an earlier release wrote it. */
  readonly configHash: string | null
  /** The release of this package that made the report. */
  readonly release: string
  readonly asOf: number
  readonly createdAt: number
  /** `null` before the first attempt. */
  readonly firstAttemptAt: number | null
  /** When the last attempt ended; `null` before that. */
  readonly lastAttemptEndedAt: number | null
  /** Time with at least one attempt in flight: pauses and nights without a process are left out. */
  readonly activeMillis: number
  readonly agents: ReadonlyArray<ReportedAgent>
  readonly tasks: ReadonlyArray<ReportedTask>
  readonly repetitions: number
  readonly seed: number
  readonly stallPolicy: "off" | "warn" | "enforce"
  /** `null` where an attempt may take as long as it lives. */
  readonly hardCapMillis: number | null
}

export interface ReportedTask {
  readonly id: string
  /** The kind of its grader, such as "TextMatch". */
  readonly grader: string
  /** Digits that are the same for the same prompt, grader and judge: two tasks of one name may be different ones. */
  readonly fingerprint: string
}

export interface ReportedAgent {
  readonly name: string
  readonly kind: "Model" | "Agent" | "Scenario"
  /** The engine behind it; `null` where nobody knows it. */
  readonly engine: string | null
  /** The model that was asked for; `null` for whatever the engine serves. */
  readonly model: string | null
}

/** What a judge reads in a minute. */
export interface Glance {
  readonly planned: number
  readonly scored: number
  readonly unscored: number
  readonly pending: number
  /** Over all tasks and agents; with several agents it says nothing of any of them. */
  readonly score: Columns<Estimate>
  /** One agent a row, the highest score first; agents without a scored battle last. */
  readonly agents: ReadonlyArray<{
    readonly agent: string
    readonly scored: number
    readonly planned: number
    readonly score: Columns<Estimate>
    readonly passRate: Estimate
  }>
  readonly attempts: number
  readonly stalled: number
  /** Of those, proved by evidence of the engine. */
  readonly stalledProved: number
  readonly failed: number
  readonly slow: number
  /** Stalled attempts whose battle was scored in a later attempt. */
  readonly stalledButScored: number
  /** Scored battles that an earlier attempt had stalled, been slow or failed on. */
  readonly rescuedByRetry: number
  readonly ttftP50Millis: number | null
  readonly ttftP95Millis: number | null
  readonly tokensPerSecondP50: number | null
  /** Any shorter fixed timeout would have killed at least this good attempt; see `Counterfactual`. */
  readonly longestGoodAttemptMillis: number | null
  readonly longestGoodSilenceMillis: number | null
}

export interface CoverageCell {
  readonly task: string
  readonly agent: string
  readonly planned: number
  readonly scored: number
  readonly unscored: number
  readonly pending: number
  /** Mean over scored battles. */
  readonly meanScore: number | null
  readonly passed: number
}

export interface Coverage {
  readonly query: QueryId
  /** In the order of the definition: every task with every agent. */
  readonly cells: ReadonlyArray<CoverageCell>
  /** Cells that have at least one scored battle. */
  readonly cellsWithScore: number
}

export interface ScoreCut {
  /** What is cut out: a task's or an agent's name; "all" overall. */
  readonly name: string
  readonly planned: number
  readonly scored: number
  readonly unscored: number
  readonly pending: number
  readonly score: Columns<Estimate>
  /** Battles that passed: all tests, or the score that their task asks for. */
  readonly passed: number
  readonly passRate: Columns<Estimate>
}

export interface Scores {
  readonly query: QueryId
  readonly overall: ScoreCut
  readonly byAgent: ReadonlyArray<ScoreCut>
  readonly byTask: ReadonlyArray<ScoreCut>
  readonly cells: ReadonlyArray<ScoreCut & { readonly task: string; readonly agent: string }>
}

export interface PassAtKRow {
  readonly k: number
  /** Mean over tasks of the chance that at least one of k repetitions passes. */
  readonly passAtK: Estimate
  /** Mean over tasks of the chance that all of k repetitions pass. */
  readonly passAllK: Estimate
  /** Cells with fewer than k scored battles, which have no part in it. */
  readonly cellsLeftOut: number
}

export interface PassAtK {
  readonly query: QueryId
  /** By agent, for every k up to the repetitions. */
  readonly byAgent: ReadonlyArray<{ readonly agent: string; readonly rows: ReadonlyArray<PassAtKRow> }>
}

export interface EpochRow {
  /** `null` for attempts whose engine nobody knows. */
  readonly epoch: EngineEpoch | null
  readonly attempts: number
  readonly completed: number
  readonly stalled: number
  readonly failed: number
  /** Battles that count an attempt of this epoch, and their mean score. */
  readonly scored: number
  readonly meanScore: number | null
  readonly agents: ReadonlyArray<string>
  readonly firstAttemptAt: number | null
  readonly lastAttemptAt: number | null
}

export interface Epochs {
  readonly query: QueryId
  readonly rows: ReadonlyArray<EpochRow>
  /** Cells whose scored battles are of more than one epoch: their scores mix engines before and after a restart. */
  readonly mixedCells: number
  /** The same, where the served model differs. */
  readonly mixedModelCells: number
}
