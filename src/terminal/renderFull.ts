/**
 * The full display of a campaign: how far it is, what keeps it from going on, how far each task is with each agent, a line
 * for every battle in flight, the last verdicts.
 *
 * Laws: a pure function of the view, the time, the size and the estimate; no line is wider than `columns`, and there are at
 * most `rows` − 1 of them, so that the cursor has a line of its own below. The battles in flight come first: of the rest
 * only one line on tasks and agents and one verdict may stand in their way, and what stands above them has its height from
 * what the campaign is, not from what happens to be in flight.
 */
import type { CampaignView, GateShown } from "./CampaignView.ts"
import type { Remaining } from "./estimateRemaining.ts"
import { gridOf } from "./Grid.ts"
import { mostAtOnce } from "./Lane.ts"
import { clockTime } from "./Quantities.ts"
import { entriesOf, renderBattles } from "./renderBattles.ts"
import { renderCells } from "./renderCells.ts"
import { renderHeader } from "./renderHeader.ts"
import { renderVerdicts } from "./renderVerdicts.ts"
import { type Piece, piece, toLine } from "./StyledLine.ts"
import { singleLine } from "./TextWidth.ts"

export interface RenderOptions {
  readonly columns: number
  readonly rows: number
  readonly color: boolean
  /** As it was estimated at some moment before now; `undefined` where it is not known. */
  readonly remaining: Remaining | undefined
}

/** From so many rows on sections are set apart, and the first line is two. */
const TALL = 16
/** Verdicts that are shown where there is room, and where there is little. */
const VERDICTS = 8
const VERDICTS_LEAST = 3

/** How long an engine may be tried before that is worth a line, in milliseconds. */
const UNTRIED_MILLIS = 3_000

type Pieces = ReadonlyArray<Piece>

/** The display at `now` (event time, in milliseconds), or "" before the campaign has begun. */
export const renderFull = (view: CampaignView, now: number, options: RenderOptions): string => {
  const { color, columns, remaining, rows } = options
  if (view.definition === undefined) return ""
  const isTall = rows >= TALL
  const grid = gridOf(view, columns)
  const time = Math.min(now, view.endedAtMillis ?? Infinity)
  const space = rows - 1
  const gap = isTall ? 1 : 0
  const lined = entriesOf(view, time)
  // A line that is kept free is the first to go.
  const entries = lined.length > mostAtOnce(view.lanes) ? lined.filter(({ _tag }) => _tag !== "Free") : lined
  const verdicts = Math.min(view.ended.length, isTall ? VERDICTS_LEAST : rows >= 8 ? 1 : 0)
  const notes = notesOf(view, time).slice(0, rows >= 24 ? 3 : rows >= 8 ? 1 : 0)
  const lines: Array<Pieces> = [
    ...renderHeader(view, time, { columns, lines: isTall ? 2 : 1, remaining }),
    ...notes
  ]
  if (isTall) {
    // A gate that is shut for a moment is to leave the table where it is.
    const free = space - 2 - 1 - gap - inFlightAtMost(view) - gap - VERDICTS_LEAST
    lines.push(...renderCells(view, columns, Math.max(1, free - gap)))
  }
  const least = Math.min(verdicts, Math.max(1, space - lines.length - gap - entries.length - gap))
  const reserved = lines.length + gap + (least > 0 ? least + gap : 0)
  const section = (content: ReadonlyArray<Pieces>) => {
    if (content.length > 0) lines.push(...gap === 0 ? [] : [[]], ...content)
  }
  section(renderBattles(entries, time, grid, space - reserved))
  section(renderVerdicts(view, time, grid, Math.max(0, Math.min(VERDICTS, space - lines.length - gap))))
  return lines.slice(0, Math.max(0, space)).map((line) => toLine(line, columns, color)).join("\n")
}

/** As many lines as the battles in flight may need. */
const inFlightAtMost = (view: CampaignView): number =>
  view.endedAtMillis === undefined
    ? Math.max(view.slots.length, Math.min(mostAtOnce(view.lanes), view.counts.pending))
    : 0

/** What keeps the campaign, or a part of it, from going on. */
const notesOf = (view: CampaignView, now: number): ReadonlyArray<Pieces> =>
  view.endedAtMillis !== undefined ? [] : [
    ...view.stopping === undefined
      ? []
      : [[piece("no battle is begun any more", "amber"), piece(`  ${singleLine(view.stopping)}`, "dim")]],
    ...view.shut.toReversed().map((gate) => gateLine(gate, now)),
    // Most engines have answered before anybody would read that they are asked.
    ...view.untried.filter(({ sinceMillis }) => now - sinceMillis > UNTRIED_MILLIS).map((
      { endpoint, sinceMillis, why }
    ) => [
      piece("no battle yet", "amber"),
      piece(` for ${clockTime(now - sinceMillis)}`),
      piece(`  ${singleLine(endpoint)}: ${singleLine(why)}`, "dim")
    ]),
    ...view.lanes.filter(({ halted }) => halted !== null).map(({ halted, name }) => [
      piece(`no battle starts in ${singleLine(name)}`, "amber"),
      piece(`  ${singleLine(halted ?? "")}`, "dim")
    ])
  ]

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
