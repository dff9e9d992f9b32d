/**
 * The first lines of the full display: how far the campaign is and when it may end, and what it does at this moment.
 *
 *     ━━━━━━╸─────────  41/120  elapsed 1:23  ETA 2:40 (1:50–4:10)  ✓ 30  ◐ 4  ✗ 5  ○ 2
 *     8 of 8 active  412 tok/s   12345 tok  2 slow  1 stalled  gpu-a 4/4  gpu-b 4/4  no gate shut
 *
 * On a low terminal they are one line. What does not fit is left out, the least needed first; what comes and goes stands
 * at the end, so the rest stays where it is.
 */
import * as Cadence from "./Cadence.ts"
import { active, attemptsOf, type CampaignView, done, planned, RATE_MILLIS } from "./CampaignView.ts"
import type { Remaining } from "./estimateRemaining.ts"
import { mostAtOnce } from "./Lane.ts"
import { clockTime, count, rate } from "./Quantities.ts"
import { marks } from "./renderVerdicts.ts"
import { type Piece, piece } from "./StyledLine.ts"
import { singleLine, widthOf } from "./TextWidth.ts"

type Pieces = ReadonlyArray<Piece>

interface Item {
  readonly pieces: Pieces
  /** The highest are kept first. */
  readonly rank: number
  /** What is shown where there is no room for all of it. */
  readonly short?: Pieces
}

export interface HeaderOptions {
  readonly columns: number
  /** 1 or 2. */
  readonly lines: number
  /** As it was estimated at some moment before now; `undefined` where it is not known. */
  readonly remaining: Remaining | undefined
}

/** The pieces of the first lines. */
export const renderHeader = (
  view: CampaignView,
  now: number,
  { columns, lines, remaining }: HeaderOptions
): ReadonlyArray<Pieces> => {
  const far = farItems(view, now, columns, remaining)
  const present = presentItems(view, now)
  const outcome: Item = { rank: 3, pieces: outcomes(view) }
  if (lines < 2) return [fitted([far[0]!, far[1]!, ...present.slice(0, 2), ...far.slice(2), outcome], columns)]
  return [fitted([...far, outcome], columns), fitted(present, columns)]
}

const farItems = (
  view: CampaignView,
  now: number,
  columns: number,
  remaining: Remaining | undefined
): ReadonlyArray<Item> => {
  const total = planned(view)
  const width = Math.max(8, Math.min(40, Math.floor(columns * 0.15)))
  return [
    { rank: 9, pieces: bar(total === 0 ? 0 : done(view) / total, width) },
    { rank: 8, pieces: [piece(`${String(done(view)).padStart(String(total).length)}/${total}`, "bold")] },
    { rank: 5, pieces: [piece("elapsed ", "dim"), piece(clockTime(now - view.beganAtMillis))] },
    { rank: 4, ...end(view, now, remaining) }
  ]
}

/** When it ends, or why that is not known. */
const end = (view: CampaignView, now: number, remaining: Remaining | undefined): Omit<Item, "rank"> => {
  if (view.endedAtMillis !== undefined) return { pieces: [piece("ended", "bold")] }
  if (view.stopping !== undefined) return { pieces: [piece("stopping", "amber")] }
  if (view.counts.pending === 0) return { pieces: [] }
  if (remaining === undefined) return { pieces: [piece("ETA ", "dim"), piece("not known yet", "dim")], short: [] }
  const passed = Math.max(0, now - remaining.atMillis)
  const left = (millis: number) => clockTime(millis - passed)
  const eta = [piece("ETA ", "dim"), piece(left(remaining.millis))]
  return {
    pieces: [...eta, piece(` (${left(remaining.lowMillis)}–${left(remaining.highMillis)})`, "dim")],
    short: eta
  }
}

/** The two that are needed most come first. */
const presentItems = (view: CampaignView, now: number): ReadonlyArray<Item> => {
  const elapsed = now - view.beganAtMillis
  // Of a campaign that is over the last seconds say nothing: it is the mean of all of it then.
  const perSecond = view.endedAtMillis === undefined
    ? Cadence.rate(view.cadence, now, RATE_MILLIS) ?? 0
    : view.tokens / Math.max(1, elapsed) * 1000
  const most = mostAtOnce(view.lanes)
  const running = String(active(view)).padStart(String(most).length)
  const slow = attemptsOf(view).filter(({ outlook }) => outlook.slow !== null).length
  return [
    {
      rank: 6,
      pieces: [piece(view.endedAtMillis === undefined ? `${running} of ${most} active` : `${running} active`)]
    },
    { rank: 7, pieces: [piece(`${rate(perSecond).padStart(4)} tok/s`)] },
    { rank: 2, pieces: [piece(`${count(view.tokens).padStart(6)} tok`, "dim")] },
    { rank: 4, pieces: slow === 0 ? [] : [piece(`${slow} slow`, "amber")] },
    { rank: 5, pieces: view.stalled === 0 ? [] : [piece(`${view.stalled} stalled`, "red")] },
    { rank: 1, pieces: view.endedAtMillis !== undefined || view.lanes.length < 2 ? [] : lanes(view) },
    { rank: 3, pieces: view.endedAtMillis === undefined ? gates(view) : [] }
  ]
}

const lanes = (view: CampaignView): Pieces => {
  const attempts = attemptsOf(view)
  return view.lanes.flatMap(({ agents, halted, most, name }, index) => {
    const inFlight = attempts.filter(({ battle }) => agents.includes(battle.agent)).length
    return [
      piece(`${index === 0 ? "" : "  "}${singleLine(name)} `, "dim"),
      piece(`${inFlight}/${most}`, halted === null ? "plain" : "amber")
    ]
  })
}

const gates = ({ shut }: CampaignView): Pieces =>
  shut.length === 0
    ? [piece("no gate shut", "dim")]
    : [piece(shut.length === 1 ? "1 gate shut" : `${shut.length} gates shut`, "amber")]

/** The items that have room in the line, in their order. */
const fitted = (items: ReadonlyArray<Item>, columns: number): Pieces => {
  const kept = new Map<Item, Pieces>()
  let left = columns
  for (const item of items.toSorted((a, b) => b.rank - a.rank)) {
    for (const pieces of [item.pieces, item.short ?? []]) {
      if (pieces.length === 0) continue
      const needed = widthOf(pieces.map(({ text }) => text).join("")) + (kept.size === 0 ? 0 : 2)
      if (needed > left) continue
      left -= needed
      kept.set(item, pieces)
      break
    }
  }
  return items.flatMap((item) => kept.get(item) === undefined ? [] : [kept.get(item)!])
    .flatMap((pieces, index) => index === 0 ? pieces : [piece("  "), ...pieces])
}

const bar = (share: number, width: number): Pieces => {
  const halves = Math.floor(Math.min(1, share) * width * 2)
  const full = Math.floor(halves / 2)
  const half = halves % 2
  return [
    piece("━".repeat(full) + "╸".repeat(half), "green"),
    piece("─".repeat(width - full - half), "dim")
  ]
}

const outcomes = ({ counts }: CampaignView): Pieces =>
  (["passed", "partial", "failed", "unscored"] as const)
    .filter((result) => counts[result] > 0)
    .flatMap((result, index) => [
      piece(index === 0 ? "" : "  "),
      piece(marks[result].sign, marks[result].style),
      piece(` ${counts[result]}`)
    ])
