/**
 * The first line of the full display: how far the campaign is.
 *
 *     ━━━━━━╸─────────  41/120  8 active   412 tok/s  elapsed 1:23  ETA 2:40  ✓ 30  ◐ 4  ✗ 5  ○ 2
 *
 * What does not fit is left out, the least needed first; what comes and goes (ETA, outcomes) stands at the end, so the
 * rest stays where it is.
 */
import { mostAtOnce } from "../campaign/Definition.ts"
import * as Cadence from "./Cadence.ts"
import { active, type CampaignView, done, planned, RATE_MILLIS, type Result } from "./CampaignView.ts"
import { estimateRemaining } from "./estimateRemaining.ts"
import { clockTime, count, rate } from "./Quantities.ts"
import { type Piece, piece, type Style } from "./StyledLine.ts"
import { widthOf } from "./TextWidth.ts"

/** The mark of a battle by what became of it. */
export const marks: Record<Exclude<Result, "pending">, { readonly sign: string; readonly style: Style }> = {
  passed: { sign: "✓", style: "green" },
  partial: { sign: "◐", style: "plain" },
  failed: { sign: "✗", style: "red" },
  unscored: { sign: "○", style: "amber" }
}

interface Item {
  readonly pieces: ReadonlyArray<Piece>
  /** The highest are kept first. */
  readonly rank: number
}

/** The pieces of the first line, for `columns`. */
export const renderHeader = (view: CampaignView, now: number, columns: number): ReadonlyArray<Piece> => {
  const total = planned(view)
  const digits = String(total).length
  const elapsed = now - view.beganAtMillis
  // Of a campaign that is over the last seconds say nothing: it is the mean of all of it then.
  const perSecond = view.endedAtMillis === undefined
    ? Cadence.rate(view.cadence, now, RATE_MILLIS) ?? 0
    : view.tokens / Math.max(1, elapsed) * 1000
  const remaining = view.endedAtMillis === undefined ? estimateRemaining(view, now) : undefined
  const width = Math.max(8, Math.min(40, Math.floor(columns * 0.2)))
  const running = String(active(view)).padStart(
    String(view.definition === undefined ? 1 : mostAtOnce(view.definition)).length
  )

  const items: Array<Item> = [
    { rank: 9, pieces: bar(total === 0 ? 0 : done(view) / total, width) },
    { rank: 8, pieces: [piece(`${String(done(view)).padStart(digits)}/${total}`, "bold")] },
    { rank: 6, pieces: [piece(`${running} active`)] },
    { rank: 7, pieces: [piece(`${rate(perSecond).padStart(4)} tok/s`)] },
    { rank: 5, pieces: [piece("elapsed ", "dim"), piece(clockTime(elapsed))] },
    { rank: 1, pieces: [piece(`${count(view.tokens).padStart(6)} tok`, "dim")] }
  ]
  if (view.endedAtMillis !== undefined) items.push({ rank: 4, pieces: [piece("ended", "bold")] })
  else if (remaining !== undefined) items.push({ rank: 4, pieces: [piece("ETA ", "dim"), piece(clockTime(remaining))] })
  items.push({ rank: 3, pieces: outcomes(view) })

  const kept = new Set<Item>()
  let left = columns
  for (const item of items.toSorted((a, b) => b.rank - a.rank)) {
    const needed = widthOf(item.pieces.map(({ text }) => text).join("")) + (kept.size === 0 ? 0 : 2)
    if (needed > left) continue
    left -= needed
    kept.add(item)
  }
  return items.filter((item) => kept.has(item))
    .flatMap(({ pieces }, index) => index === 0 ? pieces : [piece("  "), ...pieces])
}

const bar = (share: number, width: number): ReadonlyArray<Piece> => {
  const halves = Math.floor(Math.min(1, share) * width * 2)
  const full = Math.floor(halves / 2)
  const half = halves % 2
  return [
    piece("━".repeat(full) + "╸".repeat(half), "green"),
    piece("─".repeat(width - full - half), "dim")
  ]
}

const outcomes = ({ counts }: CampaignView): ReadonlyArray<Piece> =>
  (["passed", "partial", "failed", "unscored"] as const)
    .filter((result) => counts[result] > 0)
    .flatMap((result, index) => [
      piece(index === 0 ? "" : "  "),
      piece(marks[result].sign, marks[result].style),
      piece(` ${counts[result]}`)
    ])
