/**
 * The numbers of a campaign that a command prints at its end, from what is stored: a pure function, part of every report.
 *
 * Scores are means over scored battles only; what is not scored is counted beside them and never as 0. TTFT and token
 * rates are of attempts that completed in time to count, and that tell them: an agent that answers all at once has no
 * TTFT. A percentile is the nearest rank, however few samples there are; `n` says how many, and the report says how well
 * they bound it.
 */
import type { DeliveryMode } from "../a2a/DeliveryMode.ts"
import type { Grade } from "../grading/Grade.ts"
import type { Battle } from "./Battle.ts"
import { type Definition, namesOf } from "./Definition.ts"
import { nearestRank } from "./nearestRank.ts"
import type { AttemptSummary } from "./StoredCampaign.ts"

/** Of a number of samples, by the nearest rank. */
export interface Percentiles {
  /** The median; `null` where there is no sample. */
  readonly p50: number | null
  /** Likewise. */
  readonly p95: number | null
  /** How many samples there are. */
  readonly n: number
}

/** How many battles there are, by how they stand. */
export interface BattleCounts {
  /** All of them. */
  readonly planned: number
  /** Those with a score. */
  readonly scored: number
  /** Those that have none and get none, for a reason. */
  readonly unscored: number
  /** Those that are to be played, or are in flight. */
  readonly pending: number
}

/** The numbers of one task, over all agents. */
export interface TaskSummary {
  /** Its id. */
  readonly task: string
  /** Its battles. */
  readonly battles: BattleCounts
  /** Mean score over scored battles, 0 to 1, or null if there is none. */
  readonly score: number | null
  /** Battles whose answer passed every test. */
  readonly passed: number
  /** Generated tokens of completed attempts; null where all of them are of agents that tell none. */
  readonly tokens: number | null
  /** What they rest on in all of those attempts that tell them, or null where there is none. */
  readonly tokenBasis: "usage" | "deltas" | "mixed" | null
  /** Completed attempts of agents that tell no tokens: they have no part in the tokens. */
  readonly untold: number
  /** How the agent was followed in all its attempts that ended. */
  readonly modes: Readonly<Record<DeliveryMode, number>>
  /** Time to the first token, in milliseconds, of completed attempts that tell it. */
  readonly ttftMs: Percentiles
  /** Likewise: tokens after the first one, in each second. */
  readonly tokensPerSecond: Percentiles
}

/** The same of one agent, over all tasks. */
export interface AgentSummary extends Omit<TaskSummary, "task"> {
  /** Its name. */
  readonly agent: string
}

/** The same of a whole campaign. */
export interface CampaignSummary extends Omit<TaskSummary, "task"> {
  /** Its id. */
  readonly campaign: string
  /** Its agents, in a few words. */
  readonly agent: string
  /** Attempts that have ended, by how. */
  readonly attempts: {
    readonly total: number
    readonly completed: number
    readonly stalled: number
    readonly slow: number
    readonly failed: number
    readonly cancelled: number
    readonly abandoned: number
  }
  /** In the order of the definition. */
  readonly tasks: ReadonlyArray<TaskSummary>
  /** Likewise. */
  readonly agents: ReadonlyArray<AgentSummary>
  /** Battles without a score, with the reason. */
  readonly unscored: ReadonlyArray<Battle & { readonly reason: string }>
}

/** What of an outcome is counted. */
export type SummarizedOutcome =
  | { readonly _tag: "Scored"; readonly grade: Pick<Grade, "score" | "passed"> }
  | { readonly _tag: "Unscored"; readonly reason: string }
  | { readonly _tag: "Pending" }

interface Summarized {
  readonly definition: Definition
  readonly battles: ReadonlyArray<{ readonly battle: Battle; readonly outcome: SummarizedOutcome }>
  readonly attempts: ReadonlyArray<AttemptSummary>
}

/** The summary of a stored campaign. */
export const summarize = (stored: Summarized): CampaignSummary => {
  const { attempts, battles, definition } = stored
  const verdicts = { completed: 0, stalled: 0, slow: 0, failed: 0, cancelled: 0, abandoned: 0 }
  for (const { verdict } of attempts) verdicts[verdict]++
  const by = (nameOf: (battle: Battle) => string) => {
    const battlesOf = Map.groupBy(battles, ({ battle }) => nameOf(battle))
    const attemptsOf = Map.groupBy(attempts, ({ battle }) => nameOf(battle))
    return (name: string) => numbersOf(battlesOf.get(name) ?? [], attemptsOf.get(name) ?? [])
  }
  const ofTask = by(({ task }) => task)
  const ofAgent = by(({ agent }) => agent)
  return {
    campaign: definition.id,
    agent: namesOf(definition),
    ...numbersOf(battles, attempts),
    attempts: { total: attempts.length, ...verdicts },
    tasks: definition.tasks.map(({ id }) => ({ task: id, ...ofTask(id) })),
    agents: definition.agents.map(({ name }) => ({ agent: name, ...ofAgent(name) })),
    unscored: battles.flatMap(({ battle, outcome }) =>
      outcome._tag === "Unscored" ? [{ ...battle, reason: outcome.reason }] : []
    )
  }
}

const numbersOf = (
  battles: Summarized["battles"],
  attempts: ReadonlyArray<AttemptSummary>
): Omit<TaskSummary, "task"> => {
  const grades = battles.flatMap(({ outcome }) => outcome._tag === "Scored" ? [outcome.grade] : [])
  const unscored = battles.filter(({ outcome }) => outcome._tag === "Unscored").length
  const completed = attempts.filter(({ superseded, verdict }) => verdict === "completed" && !superseded)
  const told = completed.filter(({ tokenBasis }) => tokenBasis !== "pieces")
  const modes = { stream: 0, tap: 0, poll: 0, blocking: 0 }
  for (const { mode } of attempts) modes[mode]++
  return {
    battles: {
      planned: battles.length,
      scored: grades.length,
      unscored,
      pending: battles.length - grades.length - unscored
    },
    score: grades.length === 0
      ? null
      : toDigits(grades.reduce((sum, grade) => sum + grade.score, 0) / grades.length, 6),
    passed: grades.filter((grade) => grade.passed).length,
    tokens: told.length === 0 && completed.length > 0 ? null : told.reduce((sum, attempt) => sum + attempt.tokens, 0),
    tokenBasis: basisOf(told),
    untold: completed.length - told.length,
    modes,
    ttftMs: percentiles(completed.map((attempt) => attempt.timeToFirstTokenMillis)),
    tokensPerSecond: percentiles(completed.map((attempt) => attempt.tokensPerSecond))
  }
}

const basisOf = (attempts: ReadonlyArray<AttemptSummary>): TaskSummary["tokenBasis"] => {
  const bases = new Set(attempts.flatMap(({ tokenBasis }) => tokenBasis === "pieces" ? [] : [tokenBasis]))
  return bases.size > 1 ? "mixed" : [...bases][0] ?? null
}

const percentiles = (values: ReadonlyArray<number | null>): Percentiles => {
  const samples = values.filter((value) => value !== null).toSorted((a, b) => a - b)
  const rank = (share: number) => rounded(samples[nearestRank(samples.length, share) - 1])
  return { p50: rank(0.5), p95: rank(0.95), n: samples.length }
}

/** To three decimals: nothing here is measured more finely. Null for what there is not. */
const rounded = (value: number | undefined): number | null =>
  value === undefined || Number.isNaN(value) ? null : toDigits(value, 3)

/** Gotcha: whoever rounds again to two digits may round up what was below the middle, so scores keep many. */
const toDigits = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits
