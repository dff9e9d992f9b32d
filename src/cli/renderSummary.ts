/**
 * The summary a person reads at the end of a campaign: a pure rendering of its numbers.
 *
 * Names may come from an agent's card, and reasons from anywhere: they are made harmless, and columns are those of a
 * terminal. Battles without a score are told by their reason, once: hundreds may have the same.
 */
import { DeliveryMode } from "../a2a/DeliveryMode.ts"
import type { BattleCounts, CampaignSummary, TaskSummary } from "../campaign/CampaignSummary.ts"
import { oneLine } from "../grading/Grade.ts"
import { fit, singleLine, widthOf } from "../terminal/TextWidth.ts"

export interface SummaryOptions {
  readonly database: string
  /** The command that goes on with the campaign. */
  readonly resume: string
}

/** Lines for stdout. */
export const renderSummary = (summary: CampaignSummary, options: SummaryOptions): string => {
  const rows = [
    headOf("task"),
    ...summary.tasks.map((task) => rowOf(task.task, task)),
    ...(summary.tasks.length > 1 ? [rowOf("all", summary)] : [])
  ]
  const byAgent = summary.agents.length === 1
    ? []
    : ["", ...table([headOf("agent"), ...summary.agents.map((agent) => rowOf(agent.agent, agent))])]
  const { attempts, battles } = summary
  const lines = [
    `Campaign ${singleLine(summary.campaign)} against ${singleLine(summary.agent)}`,
    "",
    ...table(rows),
    ...byAgent,
    "",
    `Battles:  ${battles.planned} planned: ${outcomesOf(battles)}`,
    `Attempts: ${attempts.total}: ${attempts.completed} completed, ${attempts.stalled} stalled, ` +
    `${attempts.slow} over the hard cap, ${attempts.failed} failed, ${attempts.cancelled} cancelled` +
    (attempts.abandoned === 0 ? "" : `, ${attempts.abandoned} abandoned`),
    summary.ttftMs.n === 0
      ? "TTFT:     not measured, no attempt completed with a token"
      : `TTFT:     ${millis(summary.ttftMs.p50)} p50, ${
        millis(summary.ttftMs.p95)
      } p95, of ${summary.ttftMs.n} attempts`,
    ...modesOf(summary),
    "",
    "Score is the mean over scored battles only, from 0 to 1.",
    "TTFT and tokens/s are of completed attempts, as their tokens arrived here.",
    ...countOf(summary),
    ...holesOf(summary),
    `Stored in ${options.database}`,
    ...(battles.pending > 0 ? [`Go on with: ${options.resume}`] : [])
  ]
  return lines.join("\n")
}

const headOf = (of: string) => [of, "scored", "score", "passed", "TTFT p50", "tokens/s p50", "tokens"]

/** Reasons that are told, before the rest is counted, and battles that are named for each. */
const MOST_REASONS = 10
const MOST_NAMED = 3
/** Of a reason, in UTF-16 units; all of it is in the JSON. */
const MOST_REASON = 240

const holesOf = ({ agents, unscored }: CampaignSummary): ReadonlyArray<string> => {
  const reasons = [...Map.groupBy(unscored, ({ reason }) => reason)].toSorted(([, a], [, b]) => b.length - a.length)
  const left = reasons.slice(MOST_REASONS).flatMap(([, holes]) => holes)
  const nameOf = ({ agent, repetition, task }: CampaignSummary["unscored"][number]) =>
    singleLine(`${task}${agents.length === 1 ? "" : ` × ${agent}`} #${repetition}`)
  return [
    ...reasons.slice(0, MOST_REASONS).map(([reason, holes]) => {
      const told = oneLine(reason, MOST_REASON)
      const named = holes.slice(0, MOST_NAMED).map(nameOf).join(", ")
      if (holes.length === 1) return `Not scored: ${named}: ${told}`
      const others = holes.length - MOST_NAMED
      return `Not scored: ${holes.length} battles (${named}${others > 0 ? ` and ${others} more` : ""}): ${told}`
    }),
    ...left.length === 0 ? [] : [`Not scored: ${left.length} more, for other reasons`]
  ]
}

const rowOf = (name: string, numbers: Omit<TaskSummary, "task">): ReadonlyArray<string> => [
  singleLine(name),
  `${numbers.battles.scored}/${numbers.battles.planned}`,
  numbers.score === null ? "–" : numbers.score.toFixed(2),
  `${numbers.passed}/${numbers.battles.scored}`,
  millis(numbers.ttftMs.p50),
  numbers.tokensPerSecond.p50 === null ? "–" : numbers.tokensPerSecond.p50.toFixed(1),
  numbers.tokens === null ? "–" : String(numbers.tokens)
]

/** How agents were followed; which ones, where they differ. */
const modesOf = ({ agents, attempts, modes }: CampaignSummary): ReadonlyArray<string> => {
  const some = DeliveryMode.literals.filter((mode) => modes[mode] > 0)
  if (attempts.total === 0 || some.length === 0) return []
  const who = (mode: DeliveryMode): string =>
    some.length === 1 || agents.length === 1
      ? ""
      : ` (${agents.filter((agent) => agent.modes[mode] > 0).map(({ agent }) => singleLine(agent)).join(", ")})`
  return [`Followed: ${some.map((mode) => `${modes[mode]} by ${mode}${who(mode)}`).join(", ")}`]
}

const countOf = ({ tokenBasis, untold }: CampaignSummary): ReadonlyArray<string> => [
  ...countOfTold(tokenBasis),
  ...untold === 0
    ? []
    : [
      `${untold === 1 ? "1 completed attempt tells" : `${untold} completed attempts tell`} no tokens, only text; ` +
      "see `campaign probe`."
    ]
]

const countOfTold = (tokenBasis: CampaignSummary["tokenBasis"]): ReadonlyArray<string> => {
  switch (tokenBasis) {
    case null:
      return []
    case "usage":
      return ["Tokens are the engine's own count."]
    case "deltas":
      return ["Tokens are counted as they came, one for each piece of text."]
    case "mixed":
      return ["Tokens are the engine's count where it reported one, else one a piece of text."]
  }
}

const outcomesOf = ({ pending, scored, unscored }: BattleCounts): string =>
  `${scored} scored, ${unscored} unscored, ${pending} pending`

const millis = (value: number | null): string => value === null ? "–" : `${Math.round(value)} ms`

/** Columns aligned: the first to the left, numbers to the right. */
const table = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => widthOf(row[column]!))))
  return rows.map((row) =>
    row.map((cell, column) => fit(cell, widths[column]!, column === 0 ? "left" : "right")).join("  ")
  )
}
