/**
 * The columns of the full display: which there are and how wide, from the width of the terminal and what the campaign
 * is made of, never from what happens to be in flight. So nothing moves while battles come and go.
 *
 * Law: the columns and their gaps are never wider than the terminal, if it has at least 16 columns.
 *
 *     mark task  agent  repetition  phase  tokens  rate  quiet  strip
 */
import type { CampaignView } from "./CampaignView.ts"
import { singleLine, widthOf } from "./TextWidth.ts"

/** Widths of the columns, without the gap before them; 0 for one that is not shown. */
export interface Grid {
  readonly columns: number
  readonly task: number
  /** Only where there are several. */
  readonly agent: number
  readonly repetition: number
  readonly phase: number
  readonly tokens: number
  readonly rate: number
  readonly quiet: number
  readonly strip: number
  readonly tokenUnit: string
  readonly rateUnit: string
}

/** Columns before the task: the mark and a blank. */
export const MARK = 2
/** Blanks between two columns. */
export const GAP = 2

/** `agent-work`, `connecting`. */
const PHASE = 10
/** `quiet 9.9 s`. */
const QUIET = 12
const LEAST_TASK = 8
const LEAST_AGENT = 6
const LEAST_STRIP = 8
/** The strip never shows more than is remembered; less than that reads better on very wide terminals. */
const MOST_STRIP = 120

/** The grid for a terminal of `columns`. */
export const gridOf = (view: CampaignView, columns: number): Grid => {
  const tasks = view.definition?.tasks ?? []
  const longest = tasks.reduce((width, { id }) => Math.max(width, widthOf(singleLine(id))), 1)
  const repetition = 1 + String(view.definition?.repetitions ?? 1).length
  let left = columns - MARK - GAP - repetition
  /** Gives a column what it needs, if there is that much. */
  const column = (width: number) => {
    if (left < width + GAP) return 0
    left -= width + GAP
    return width
  }
  let task = Math.max(1, Math.min(longest, LEAST_TASK, left))
  left -= task
  const agents = view.definition?.agents ?? []
  const longestAgent = agents.reduce((width, { name }) => Math.max(width, widthOf(singleLine(name))), 1)
  let agent = agents.length > 1 ? column(Math.min(longestAgent, LEAST_AGENT)) : 0
  const phase = column(PHASE)
  const quiet = column(QUIET)
  let tokens = column(6)
  let rate = column(6)
  let strip = column(LEAST_STRIP)
  /** Gives more to a column that is there. */
  const more = (most: number) => {
    const given = Math.max(0, Math.min(most, left))
    left -= given
    return given
  }
  task += more(Math.min(longest, Math.max(LEAST_TASK, Math.floor(columns * 0.22))) - task)
  if (agent > 0) agent += more(Math.min(longestAgent, Math.max(LEAST_AGENT, Math.floor(columns * 0.16))) - agent)
  const hasTokenUnit = tokens > 0 && left >= 4
  if (hasTokenUnit) tokens += more(4)
  const hasRateUnit = rate > 0 && left >= 4
  if (hasRateUnit) rate += more(4)
  if (strip > 0) strip += more(MOST_STRIP - strip)
  else task += more(longest - task)
  return {
    columns,
    task,
    agent,
    repetition,
    phase,
    tokens,
    rate,
    quiet,
    strip,
    tokenUnit: hasTokenUnit ? " tok" : "",
    rateUnit: hasRateUnit ? " tok/s" : "/s"
  }
}
