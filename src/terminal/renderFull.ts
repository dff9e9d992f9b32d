/**
 * The full display of a campaign: its first line, a line for every battle in flight, the last outcomes.
 *
 * Laws: a pure function of the view, the time and the size; no line is wider than `columns`, and there are at most
 * `rows` − 1 of them, so that the cursor has a line of its own below.
 *
 * Where there are more battles than lines, those that have been quiet longest are shown, in the order of their slots.
 * Battles that are not quiet count as equal there: which of two has got a token last would change with every frame.
 *
 * The strip has one sign per quarter of a second, on a fixed scale of octaves (▁ is 1 token, █ 128 or more), so strips
 * can be compared with each other and with what they were; · is silence.
 */
import * as Cadence from "./Cadence.ts"
import {
  type Attempt,
  attemptOf,
  type CampaignView,
  type Ended,
  type GateShown,
  RATE_MILLIS,
  type Result,
  silenceOf,
  type Waiting,
  waitOf
} from "./CampaignView.ts"
import { GAP, type Grid, gridOf, MARK } from "./Grid.ts"
import { clockTime, count, duration, rate, score } from "./Quantities.ts"
import { marks, renderHeader } from "./renderHeader.ts"
import { type Piece, piece, toLine } from "./StyledLine.ts"
import { fit, singleLine, widthOf } from "./TextWidth.ts"

export interface RenderOptions {
  readonly columns: number
  readonly rows: number
  readonly color: boolean
}

/** Silence that is worth a word, in milliseconds. */
const QUIET_MILLIS = 1_000
/** How long the line of a battle that has ended is kept free for the next, in milliseconds. */
const LINGER_MILLIS = 1_000

type Pieces = ReadonlyArray<Piece>

/** The display at `now` (event time, in milliseconds), or "" before the campaign has begun. */
export const renderFull = (view: CampaignView, now: number, { color, columns, rows }: RenderOptions): string => {
  if (view.definition === undefined) return ""
  const grid = gridOf(view, columns)
  const time = Math.min(now, view.endedAtMillis ?? Infinity)
  const space = rows - 1
  const gap = rows >= 16 ? 1 : 0
  const entries = entriesOf(view, time)
  const outcomesLeast = Math.min(view.ended.length, rows >= 16 ? 3 : rows >= 8 ? 1 : 0)
  const lines: Array<Pieces> = [
    renderHeader(view, time, columns),
    ...(view.gate === undefined || isEnding(view) ? [] : [gateLine(view.gate, time)])
  ]
  const reserved = lines.length + gap + (outcomesLeast > 0 ? outcomesLeast + gap : 0)
  const entryLines = linesOf(entries, time, grid, space - reserved)

  const section = (content: ReadonlyArray<Pieces>) => {
    if (content.length > 0) lines.push(...gap === 0 ? [] : [[]], ...content)
  }
  section(entryLines)
  section(
    view.ended.slice(0, Math.max(0, Math.min(8, space - lines.length - gap))).map((ended) => outcome(ended, grid))
  )
  return lines.slice(0, Math.max(0, space)).map((line) => toLine(line, columns, color)).join("\n")
}

/** Why no battle starts, and when the engine is asked again. */
const gateLine = ({ endpoint, nextCanaryAtMillis, of, sinceMillis, state, why }: GateShown, now: number): Pieces => [
  piece(
    `${state === "half-open" ? "one battle may start" : "no battle starts"}${of === "agent" ? " with an agent" : ""}`,
    "amber"
  ),
  piece(` for ${clockTime(Math.max(0, now - sinceMillis))}`),
  ...nextCanaryAtMillis === null ? [] : [piece(`, canary in ${clockTime(Math.max(0, nextCanaryAtMillis - now))}`)],
  piece(`  ${singleLine(endpoint)}: ${singleLine(why)}`, "dim")
]

/** What stands in a line: an attempt, a wait, or nothing yet. */
type Entry =
  | { readonly _tag: "Attempt"; readonly attempt: Attempt; readonly silence: number }
  | { readonly _tag: "Waiting"; readonly waiting: Waiting }
  | { readonly _tag: "Free" }

const entriesOf = (view: CampaignView, now: number): ReadonlyArray<Entry> => {
  const entries = view.slots.flatMap(({ key, sinceMillis }): ReadonlyArray<Entry> => {
    if (key === undefined) return now - sinceMillis < LINGER_MILLIS && !isEnding(view) ? [{ _tag: "Free" }] : []
    const attempt = attemptOf(view, key)
    if (attempt !== undefined) return [{ _tag: "Attempt", attempt, silence: silenceOf(attempt, now) }]
    const waiting = waitOf(view, key)
    return waiting === undefined || isEnding(view) ? [] : [{ _tag: "Waiting", waiting }]
  })
  return entries.slice(0, entries.findLastIndex(({ _tag }) => _tag !== "Free") + 1)
}

const isEnding = (view: CampaignView): boolean => view.endedAtMillis !== undefined

const linesOf = (entries: ReadonlyArray<Entry>, now: number, grid: Grid, space: number): ReadonlyArray<Pieces> => {
  const line = (entry: Entry) => entryLine(entry, now, grid)
  if (entries.length <= space) return entries.map(line)
  const shown = new Set(
    entries.map((entry, index) => ({ entry, index, urgency: urgency(entry) }))
      .toSorted((a, b) => b.urgency - a.urgency || a.index - b.index)
      .slice(0, Math.max(0, space - 1))
      .map(({ entry }) => entry)
  )
  const hidden = entries.filter((entry) => !shown.has(entry) && entry._tag !== "Free").length
  const kept = entries.filter((entry) => shown.has(entry)).map(line)
  return space <= 0 || hidden === 0 ? kept : [...kept, [piece(`${" ".repeat(MARK)}and ${hidden} more`, "dim")]]
}

const urgency = (entry: Entry): number =>
  entry._tag === "Attempt" ? entry.silence > QUIET_MILLIS ? entry.silence : 0 : entry._tag === "Waiting" ? -1 : -2

const entryLine = (entry: Entry, now: number, grid: Grid): Pieces => {
  switch (entry._tag) {
    case "Free":
      return []
    case "Waiting":
      return waitingLine(entry.waiting, now, grid)
    case "Attempt":
      return attemptLine(entry.attempt, entry.silence, now, grid)
  }
}

/** A cell with its gap before it; nothing where the grid has no such column. */
const cell = (text: string, width: number, style: Piece["style"] = "plain", edge: "left" | "right" = "left"): Pieces =>
  width === 0 ? [] : [piece(" ".repeat(GAP)), piece(fit(text, width, edge), style)]

const name = (battle: Attempt["battle"], grid: Grid, mark: Piece): Pieces => [
  mark,
  piece(" ".repeat(MARK - 1)),
  piece(fit(singleLine(battle.task), grid.task)),
  ...cell(singleLine(battle.agent), grid.agent),
  ...cell(`#${battle.repetition}`, grid.repetition, "plain", "right")
]

const attemptLine = (attempt: Attempt, silence: number, now: number, grid: Grid): Pieces => {
  const perSecond = attempt.firstTokenAtMillis === undefined
    ? undefined
    : Cadence.rate(attempt.cadence, now, RATE_MILLIS, attempt.firstTokenAtMillis)
  const tokens = `${count(attempt.tokens)}${grid.tokenUnit}`
  const quiet = silence > QUIET_MILLIS ? `quiet ${duration(silence)}` : ""
  return [
    ...name(attempt.battle, grid, piece(" ")),
    ...cell(attempt.phase, grid.phase, "dim"),
    ...cell(tokens, grid.tokens, "plain", "right"),
    ...cell(perSecond === undefined ? "" : `${rate(perSecond)}${grid.rateUnit}`, grid.rate, "plain", "right"),
    // Where there is no column for tokens, theirs is the one that silence leaves empty.
    ...cell(quiet === "" && grid.tokens === 0 ? `${count(attempt.tokens)} tok` : quiet, grid.quiet, "amber"),
    ...strip(attempt, now, grid)
  ]
}

const levels = "▁▂▃▄▅▆▇█"

/** The last quarters of a second, at most `columns` of them, one sign each. */
export const signsOf = (cadence: Cadence.Cadence, now: number, columns: number): string =>
  Cadence.recent(cadence, now, columns)
    .map((tokens) => tokens <= 0 ? "·" : levels[Math.min(levels.length - 1, Math.floor(Math.log2(tokens)))]!)
    .join("")

const strip = (attempt: Attempt, now: number, grid: Grid): Pieces => {
  if (grid.strip === 0) return []
  // The number of a further attempt takes the oldest part of the strip: a column of its own would mostly be empty.
  const note = nth(attempt.number)
  const left = grid.strip - (note === "" ? 0 : widthOf(note) + GAP)
  const signs = signsOf(attempt.cadence, now, left)
  // The present is at the right edge, so a young strip is filled up with blanks on its left.
  return [...cell(note, grid.strip - signs.length), ...runs(signs)]
}

const nth = (number: number): string => number > 1 ? `attempt ${number}` : ""

/** The strip in pieces of silence and of tokens. */
export const runs = (signs: string): Pieces =>
  (signs.match(/·+|[^·]+/gu) ?? []).map((run) => piece(run, run.startsWith("·") ? "dim" : "plain"))

const waitingLine = ({ battle, number, reason, untilMillis }: Waiting, now: number, grid: Grid): Pieces => [
  ...name(battle, grid, piece(" ")),
  ...cell("waiting", grid.phase, "dim"),
  ...rest(
    // Who still waits when the time is over waits for the gate.
    `${nth(number)} ${untilMillis > now ? `in ${duration(untilMillis - now)}` : "waits at the gate"}${
      reason === "" ? "" : `: ${reason}`
    }`.trim(),
    grid,
    "amber"
  )
]

/** Columns of the duration of an attempt, below a week. */
const DURATION = 6

const words: Record<Result, (value: number) => string> = {
  passed: () => "passed",
  partial: (value) => `score ${score(value)}`,
  failed: (value) => `score ${score(value)}`,
  unscored: () => "unscored",
  pending: () => "pending"
}

const outcome = ({ record, result, task }: Ended, grid: Grid): Pieces => {
  const { battle, durationMillis, number, outcome, tokens, tokensPerSecond } = record
  const { sign, style } = marks[result === "pending" ? "unscored" : result]
  const grade = outcome._tag === "Scored" ? outcome.grade : undefined
  const head = [
    ...name(battle, grid, piece(sign, style)),
    ...cell(words[result](grade?.score ?? 0), grid.phase, style)
  ]
  const reason = outcome._tag === "Unscored" ? outcome.reason : ""
  if (grade === undefined) return [...head, ...rest(joined([nth(number), reason]), grid, "plain")]
  const mean = grid.strip < 48 ? "" : `task mean ${score(task.sum / task.scored)} of ${task.scored}`
  const text = singleLine(joined([nth(number), mean, grade.explanation]))
  return [
    ...head,
    ...cell(`${count(tokens)}${grid.tokenUnit}`, grid.tokens, "plain", "right"),
    ...cell(tokensPerSecond === null ? "" : `${rate(tokensPerSecond)}${grid.rateUnit}`, grid.rate, "plain", "right"),
    ...cell(duration(durationMillis), Math.min(grid.quiet, DURATION)),
    ...cell(text, grid.strip === 0 ? 0 : grid.quiet + GAP + grid.strip - DURATION - GAP, "dim")
  ]
}

const joined = (parts: ReadonlyArray<string>): string => parts.filter((part) => part !== "").join("; ")

/** Text that takes the line from the column after the phase to its end. */
const rest = (text: string, grid: Grid, style: Piece["style"]): Pieces => {
  const before = MARK + grid.task + (grid.agent === 0 ? 0 : GAP + grid.agent) + GAP + grid.repetition +
    (grid.phase === 0 ? 0 : GAP + grid.phase)
  const line = singleLine(text)
  return cell(line, Math.max(0, Math.min(widthOf(line), grid.columns - before - GAP)), style)
}
