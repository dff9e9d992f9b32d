/**
 * The lines of the last verdicts: battles that are over, and attempts that were given up, with what proved it.
 *
 *     ✓ roman-numerals  #1  passed         120 tok   40 tok/s  3.0 s   2 of 2 hidden tests passed
 *     ! run-length      #1  stalled     orphaned: it holds fewer requests than it was given; proved, quiet 0:57
 *
 * The newest comes first. A stall is rarer than a score and worth more, so the last ones keep a line after newer verdicts
 * have come.
 */
import type { CampaignView } from "./CampaignView.ts"
import * as Cells from "./Cells.ts"
import type { Ended, Result } from "./Ended.ts"
import { errorText } from "./errorText.ts"
import { cell, GAP, type Grid, name, rest } from "./Grid.ts"
import { clockTime, count, duration, rate, score } from "./Quantities.ts"
import { nthOf } from "./renderBattles.ts"
import { type Piece, piece, type Style } from "./StyledLine.ts"
import { singleLine } from "./TextWidth.ts"

/** The mark of a battle by what became of it. */
export const marks: Record<Exclude<Result, "pending">, { readonly sign: string; readonly style: Style }> = {
  passed: { sign: "✓", style: "green" },
  partial: { sign: "◐", style: "plain" },
  failed: { sign: "✗", style: "red" },
  unscored: { sign: "○", style: "amber" }
}

/** Stalls that keep a line, where there are many lines or few. */
const STALLS_OF_MANY = 2
const MANY_LINES = 6

/** The last verdicts in at most `space` lines. */
export const renderVerdicts = (
  view: CampaignView,
  now: number,
  grid: Grid,
  space: number
): ReadonlyArray<ReadonlyArray<Piece>> => {
  const kept = view.stalls.slice(0, space < 2 ? 0 : space < MANY_LINES ? 1 : STALLS_OF_MANY)
  const others = view.ended.filter((ended) => !kept.includes(ended)).slice(0, Math.max(0, space - kept.length))
  return [...others, ...kept].toSorted((a, b) => b.atMillis - a.atMillis)
    .map((ended) => verdictLine(view, ended, now, grid))
}

const words: Record<Result, (value: number) => string> = {
  passed: () => "passed",
  partial: (value) => `score ${score(value)}`,
  failed: (value) => `score ${score(value)}`,
  unscored: () => "unscored",
  pending: () => "pending"
}

/** Columns of the duration of an attempt, below a week. */
const DURATION = 6

const verdictLine = (view: CampaignView, ended: Ended, now: number, grid: Grid): ReadonlyArray<Piece> => {
  const { atMillis, record, result } = ended
  const { battle, durationMillis, error, number, outcome, tokens, tokensPerSecond, verdict } = record
  const isStall = verdict === "stalled"
  if (outcome._tag !== "Scored") {
    const { sign, style } = isStall || outcome._tag === "Pending"
      ? { sign: "!", style: isStall ? "red" as const : "amber" as const }
      : marks.unscored
    const why = error === null ? outcome._tag === "Unscored" ? outcome.reason : "" : errorText(error)
    const spent = tokens === 0 ? "" : `${count(tokens)} tok`
    return [
      ...name(battle, grid, piece(sign, style)),
      ...cell(outcome._tag === "Unscored" ? words.unscored(0) : verdict, grid.phase, style),
      ...rest(joined([nthOf(number), why, spent, `${clockTime(now - atMillis)} ago`]), grid, "plain")
    ]
  }
  const { sign, style } = marks[result === "pending" ? "unscored" : result]
  const { scored, sum } = Cells.get(view.cells, battle.task, battle.agent)
  const mean = grid.strip < 48 || scored === 0 ? "" : `task mean ${score(sum / scored)} of ${scored}`
  const text = singleLine(joined([nthOf(number), mean, outcome.grade.explanation]))
  return [
    ...name(battle, grid, piece(sign, style)),
    ...cell(words[result](outcome.grade.score), grid.phase, style),
    ...cell(`${count(tokens)}${grid.tokenUnit}`, grid.tokens, "plain", "right"),
    ...cell(tokensPerSecond === null ? "" : `${rate(tokensPerSecond)}${grid.rateUnit}`, grid.rate, "plain", "right"),
    ...cell(duration(durationMillis), Math.min(grid.quiet, DURATION)),
    ...cell(text, grid.strip === 0 ? 0 : grid.quiet + GAP + grid.strip - DURATION - GAP, "dim")
  ]
}

const joined = (parts: ReadonlyArray<string>): string => parts.filter((part) => part !== "").join("; ")
