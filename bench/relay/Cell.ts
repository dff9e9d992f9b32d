/**
 * What was measured of one agent at one size, and the ratios between cells: pure.
 *
 * A cell that ran out of its budget is `stopped`: its times are those up to then, so the whole answer would have taken
 * more, and a ratio over such a cell is a lower bound too (`atLeast`). Processor time per token is always over the
 * tokens asked for. What had reached the client says little about the agent's progress: one whose event loop does not
 * turn has done the work for many more tokens than it has sent.
 */
import { mean, median } from "../support/statistics.ts"
import type { AgentName } from "./calls.ts"

/** One answer, from its first byte to its last. */
export interface Run {
  /** From sending the message to the last event, at the client. */
  readonly wallMillis: number
  /** From sending the message to the first text, at the client. */
  readonly firstTokenMillis: number | null
  /** Processor time of the agent's process, all its threads. */
  readonly cpuMillis: number
  readonly events: number
  /** Tokens whose text reached the client. */
  readonly tokensReceived: number
}

export interface Cell extends OrNull<Run> {
  readonly agent: AgentName
  /** Tokens asked for. */
  readonly tokens: number
  /** `failed` cells have no numbers. */
  readonly outcome: "complete" | "stopped" | "failed"
  /** Why it failed. */
  readonly detail: string | null
  /** Runs the numbers are medians of; 0 when the first one was stopped or failed. */
  readonly completeRuns: number
  readonly textComplete: boolean
  /** `cpuMillis` over the tokens asked for. */
  readonly cpuMicrosPerToken: number | null
  /** The most memory the agent's process ever had. */
  readonly peakRssBytes: number | null
}

type OrNull<A> = { readonly [Key in keyof A]: A[Key] | null }

export interface Ratio {
  readonly value: number
  readonly atLeast: boolean
}

export interface SizeRatios {
  readonly tokens: number
  readonly oursToRaw: { readonly wall: Ratio | null; readonly cpuPerToken: Ratio | null }
  readonly sdkToOurs: { readonly wall: Ratio | null; readonly cpuPerToken: Ratio | null }
}

/** How the cost of a token changes from the smallest size to the largest; 1 = not at all. */
export interface Flatness {
  readonly fromTokens: number
  readonly toTokens: number
  readonly cpuPerToken: { readonly [Name in AgentName]: Ratio | null }
}

/** The median of each number of one run or more. */
export const medianRun = (runs: ReadonlyArray<Run>): Run => combined(runs, median)

/** The mean of each number of one answer or more. */
export const meanRun = (runs: ReadonlyArray<Run>): Run => combined(runs, mean)

const combined = (runs: ReadonlyArray<Run>, combine: (values: ReadonlyArray<number>) => number): Run => {
  const firstTokens = runs.map((run) => run.firstTokenMillis).filter((millis) => millis !== null)
  return {
    wallMillis: combine(runs.map((run) => run.wallMillis)),
    firstTokenMillis: firstTokens.length === 0 ? null : combine(firstTokens),
    cpuMillis: combine(runs.map((run) => run.cpuMillis)),
    events: Math.round(combine(runs.map((run) => run.events))),
    tokensReceived: Math.round(combine(runs.map((run) => run.tokensReceived)))
  }
}

/** `numerator / denominator`, where the two say enough for it. */
const ratio = (
  numerator: Cell | undefined,
  denominator: Cell | undefined,
  number: (cell: Cell) => number | null
): Ratio | null => {
  if (numerator === undefined || denominator === undefined) return null
  if (numerator.outcome === "failed" || denominator.outcome !== "complete") return null
  const above = number(numerator)
  const below = number(denominator)
  if (above === null || below === null || below === 0) return null
  return { value: above / below, atLeast: numerator.outcome === "stopped" }
}

const wall = (cell: Cell): number | null => cell.wallMillis
const cpuPerToken = (cell: Cell): number | null => cell.cpuMicrosPerToken

/** The ratios at each size, the smallest size first. */
export const ratios = (cells: ReadonlyArray<Cell>): ReadonlyArray<SizeRatios> =>
  sizesOf(cells).map((tokens) => {
    const at = (agent: AgentName) => find(cells, agent, tokens)
    const compare = (above: AgentName, below: AgentName) => ({
      wall: ratio(at(above), at(below), wall),
      cpuPerToken: ratio(at(above), at(below), cpuPerToken)
    })
    return { tokens, oursToRaw: compare("ours", "raw"), sdkToOurs: compare("sdk", "ours") }
  })

/** Nothing can be said about a single size. */
export const flatness = (cells: ReadonlyArray<Cell>): Flatness | null => {
  const sizes = sizesOf(cells)
  const fromTokens = sizes[0]
  const toTokens = sizes.at(-1)
  if (fromTokens === undefined || toTokens === undefined || fromTokens === toTokens) return null
  const of = (agent: AgentName) => ratio(find(cells, agent, toTokens), find(cells, agent, fromTokens), cpuPerToken)
  return { fromTokens, toTokens, cpuPerToken: { ours: of("ours"), raw: of("raw"), sdk: of("sdk") } }
}

const sizesOf = (cells: ReadonlyArray<Cell>): ReadonlyArray<number> =>
  [...new Set(cells.map((cell) => cell.tokens))].toSorted((left, right) => left - right)

const find = (cells: ReadonlyArray<Cell>, agent: AgentName, tokens: number): Cell | undefined =>
  cells.find((cell) => cell.agent === agent && cell.tokens === tokens)
