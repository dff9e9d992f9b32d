/**
 * The lines of the battles in flight: an attempt, a wait for the next one, or a line that is kept free for a moment.
 *
 *       run-length      #1  decoding       340 tok   41 tok/s               ▁▂▂▁▂▂▂▂▁▂▂▂
 *       roman-numerals  #2  decoding        96 tok  quiet 0:41 of 2:10, engine stepping
 *
 * Where there are more battles than lines, those that have been quiet longest are shown, in the order of their slots.
 * Battles that are not quiet count as equal there: which of two has got a token last would change with every frame.
 */
import * as AttemptOutlook from "../campaign/AttemptOutlook.ts"
import * as Cadence from "./Cadence.ts"
import { runs, signsOf } from "./CadenceStrip.ts"
import {
  type Attempt,
  attemptOf,
  attemptsOf,
  type CampaignView,
  RATE_MILLIS,
  silenceOf,
  type Waiting,
  waitOf
} from "./CampaignView.ts"
import { cell, GAP, type Grid, MARK, name, rest } from "./Grid.ts"
import { count, duration, rate } from "./Quantities.ts"
import { silenceNote, silenceStyle } from "./silenceNote.ts"
import { type Piece, piece } from "./StyledLine.ts"
import { widthOf } from "./TextWidth.ts"

/** Silence that is worth a word, in milliseconds. */
const QUIET_MILLIS = 1_000
/** How long the line of a battle that has ended is kept free for the next, in milliseconds. */
const LINGER_MILLIS = 1_000
/** A shorter strip says nothing. */
const LEAST_STRIP = 8
/** A strip that has room for words besides. */
const ROOMY = 24

type Pieces = ReadonlyArray<Piece>

/** What a battle waits for when its own time is over: others that have its places, or a gate. */
type Behind = "turn" | "gate"

/** What stands in a line: an attempt, a wait, or nothing yet. */
export type Entry =
  | { readonly _tag: "Attempt"; readonly attempt: Attempt; readonly silence: number }
  | { readonly _tag: "Waiting"; readonly waiting: Waiting; readonly behind: Behind }
  | { readonly _tag: "Free" }

/** What stands in the lines at `now`, in the order of their slots. */
export const entriesOf = (view: CampaignView, now: number): ReadonlyArray<Entry> => {
  const isEnding = view.endedAtMillis !== undefined
  const behind = behindOf(view)
  const entries = view.slots.flatMap(({ key, sinceMillis }): ReadonlyArray<Entry> => {
    if (key === undefined) return now - sinceMillis < LINGER_MILLIS && !isEnding ? [{ _tag: "Free" }] : []
    const attempt = attemptOf(view, key)
    if (attempt !== undefined) return [{ _tag: "Attempt", attempt, silence: silenceOf(attempt, now) }]
    const waiting = waitOf(view, key)
    return waiting === undefined || isEnding ? [] : [{ _tag: "Waiting", waiting, behind: behind(waiting.battle.agent) }]
  })
  return entries.slice(0, entries.findLastIndex(({ _tag }) => _tag !== "Free") + 1)
}

/** What battles of an agent wait for: where a lane has no place left it is not a gate, which may be that of another lane. */
const behindOf = (view: CampaignView): (agent: string) => Behind => {
  const attempts = view.shut.length === 0 ? [] : attemptsOf(view)
  const free = view.lanes.filter(({ agents, most }) =>
    attempts.filter(({ battle }) => agents.includes(battle.agent)).length < most
  )
  const atGate = new Set(view.shut.length === 0 ? [] : free.flatMap(({ agents }) => agents))
  return (agent) => atGate.has(agent) ? "gate" : "turn"
}

/** The entries in at most `space` lines; those that do not fit are counted in the last one. */
export const renderBattles = (
  entries: ReadonlyArray<Entry>,
  now: number,
  grid: Grid,
  space: number
): ReadonlyArray<Pieces> => {
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
      return waitingLine(entry, now, grid)
    case "Attempt":
      return attemptLine(entry.attempt, entry.silence, now, grid)
  }
}

const attemptLine = (attempt: Attempt, silence: number, now: number, grid: Grid): Pieces => {
  const head = [...name(attempt.battle, grid, piece(" ")), ...cell(attempt.phase, grid.phase, "dim")]
  const tokens = cell(`${count(attempt.tokens)}${grid.tokenUnit}`, grid.tokens, "plain", "right")
  const isKnown = !AttemptOutlook.isSame(attempt.outlook, AttemptOutlook.calm)
  if (isKnown && silence > QUIET_MILLIS) return [...head, ...tokens, ...silenceOfAttempt(attempt, silence, now, grid)]
  const perSecond = attempt.firstTokenAtMillis === undefined
    ? undefined
    : Cadence.rate(attempt.cadence, now, RATE_MILLIS, attempt.firstTokenAtMillis)
  const quiet = silence > QUIET_MILLIS ? `quiet ${duration(silence)}` : ""
  return [
    ...head,
    ...tokens,
    ...cell(perSecond === undefined ? "" : `${rate(perSecond)}${grid.rateUnit}`, grid.rate, "plain", "right"),
    // Where there is no column for tokens, theirs is the one that silence leaves empty.
    ...cell(quiet === "" && grid.tokens === 0 ? `${count(attempt.tokens)} tok` : quiet, grid.quiet, "amber"),
    ...strip(attempt, now, grid)
  ]
}

/** A silence of which more is known than its length takes the columns of the rate, and what it needs of the strip. */
const silenceOfAttempt = (attempt: Attempt, quietMillis: number, now: number, grid: Grid): Pieces => {
  const area = [grid.rate, grid.quiet, grid.strip].reduce((sum, width) => width === 0 ? sum : sum + GAP + width, -GAP)
  if (area <= 0) return []
  const { beganAtMillis, outlook } = attempt
  const note = silenceNote({ quietMillis, ageMillis: now - beganAtMillis, outlook }, area)
  const left = Math.max(0, area - widthOf(note) - GAP)
  const nth = nthOf(attempt.number)
  const told = nth !== "" && widthOf(nth) <= left ? nth : ""
  const room = left - (told === "" ? 0 : widthOf(told) + GAP)
  const recent = room < LEAST_STRIP ? "" : signsOf(attempt.cadence, now, Math.min(grid.strip, room))
  // Nothing but silence says no more than the note does.
  const signs = /[^·]/u.test(recent) ? recent : ""
  return [
    ...cell(note, Math.min(area, widthOf(note)), silenceStyle(outlook)),
    ...cell(told, widthOf(told)),
    ...signs === "" ? [] : [piece(" ".repeat(GAP + room - signs.length)), ...runs(signs)]
  ]
}

const strip = (attempt: Attempt, now: number, grid: Grid): Pieces => {
  if (grid.strip === 0) return []
  // The number of a further attempt takes the oldest part of the strip: a column of its own would mostly be empty.
  const note = grid.strip < ROOMY ? ordinal(attempt.number) : nthOf(attempt.number)
  const left = grid.strip - (note === "" ? 0 : widthOf(note) + GAP)
  const signs = signsOf(attempt.cadence, now, left)
  // The present is at the right edge, so a young strip is filled up with blanks on its left.
  return [...cell(note, grid.strip - signs.length), ...runs(signs)]
}

/** The same in three columns. */
const ordinal = (number: number): string =>
  number < 2 ? "" : `${number}${number === 2 ? "nd" : number === 3 ? "rd" : "th"}`

/** A word on which attempt it is, where it is not the first. */
export const nthOf = (number: number): string => number > 1 ? `attempt ${number}` : ""

const behindWords: Record<Behind, string> = { turn: "waits for its turn", gate: "waits at the gate" }

const waitingLine = (
  { behind, waiting: { battle, number, reason, untilMillis } }: Extract<Entry, { readonly _tag: "Waiting" }>,
  now: number,
  grid: Grid
): Pieces => [
  ...name(battle, grid, piece(" ")),
  ...cell("waiting", grid.phase, "dim"),
  ...rest(
    `${nthOf(number)} ${untilMillis > now ? `in ${duration(untilMillis - now)}` : behindWords[behind]}${
      reason === "" ? "" : `: ${reason}`
    }`.trim(),
    grid,
    "amber"
  )
]
