/**
 * The columns of the full display: which there are and how wide, from the width of the terminal and what the campaign
 * is made of, never from what happens to be in flight. So nothing moves while battles come and go.
 *
 * Law: the columns and their gaps are never wider than the terminal, if it has at least 16 columns.
 *
 *     mark task  agent  repetition  phase  tokens  rate  quiet  strip
 */
import type { Battle } from "../campaign/Battle.ts"
import type { Definition } from "../campaign/Definition.ts"
import type { CampaignView } from "./CampaignView.ts"
import { type Piece, piece, type Style } from "./StyledLine.ts"
import { fit, singleLine, widthOf } from "./TextWidth.ts"

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
const ROOMY_STRIP = 12
/** The strip never shows more than is remembered; less than that reads better on very wide terminals. */
const MOST_STRIP = 120

/** How wide the names of a campaign are: reckoned once, because that takes long where there are many. */
const longestOf = ({ definition }: CampaignView): Longest => {
  if (definition === undefined) return { task: 1, agent: 1, agents: 0 }
  const known = longestNames.get(definition)
  if (known !== undefined) return known
  const widest = (names: ReadonlyArray<string>) =>
    names.reduce((width, name) => Math.max(width, widthOf(singleLine(name))), 1)
  const longest: Longest = {
    task: widest(definition.tasks.map(({ id }) => id)),
    agent: widest(definition.agents.map(({ name }) => name)),
    agents: definition.agents.length
  }
  longestNames.set(definition, longest)
  return longest
}

interface Longest {
  readonly task: number
  readonly agent: number
  readonly agents: number
}

const longestNames = new WeakMap<Definition, Longest>()

/** The grid for a terminal of `columns`. */
export const gridOf = (view: CampaignView, columns: number): Grid => {
  const { agent: longestAgent, agents, task: longest } = longestOf(view)
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
  let agent = agents > 1 ? column(Math.min(longestAgent, LEAST_AGENT)) : 0
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
  // A silence is described in the columns from the rate on, which is worth more than a unit.
  if (strip > 0) strip += more(ROOMY_STRIP - strip)
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

type Pieces = ReadonlyArray<Piece>

/** A cell with its gap before it; nothing where the grid has no such column. */
export const cell = (text: string, width: number, style: Style = "plain", edge: "left" | "right" = "left"): Pieces =>
  width === 0 ? [] : [piece(" ".repeat(GAP)), piece(fit(text, width, edge), style)]

/** The first cells of a line: its mark, and which battle it is of. */
export const name = ({ agent, repetition, task }: Battle, grid: Grid, mark: Piece): Pieces => [
  mark,
  piece(" ".repeat(MARK - 1)),
  piece(fit(singleLine(task), grid.task)),
  ...cell(singleLine(agent), grid.agent),
  ...cell(`#${repetition}`, grid.repetition, "plain", "right")
]

/** Text that takes the line from the column after the phase to its end. */
export const rest = (text: string, grid: Grid, style: Style): Pieces => {
  const before = MARK + grid.task + (grid.agent === 0 ? 0 : GAP + grid.agent) + GAP + grid.repetition +
    (grid.phase === 0 ? 0 : GAP + grid.phase)
  const line = singleLine(text)
  return cell(line, Math.max(0, Math.min(widthOf(line), grid.columns - before - GAP)), style)
}
