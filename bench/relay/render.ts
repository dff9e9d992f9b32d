/**
 * The relay bench's results for people: pure.
 */
import type { PathCell } from "../latency/Results.ts"
import { criteriaLines, type Criterion } from "../support/Criterion.ts"
import { significant, table } from "../support/table.ts"
import type { Cell, Flatness, Ratio, SizeRatios } from "./Cell.ts"

export interface Results {
  readonly cells: ReadonlyArray<Cell>
  readonly ratios: ReadonlyArray<SizeRatios>
  readonly flatness: Flatness | null
  /** Several streams at once, as fast as they go. */
  readonly together: ReadonlyArray<PathCell> | null
  readonly criteria: ReadonlyArray<Criterion>
}

const legend = [
  "ours: PurpleAgent over Engine; raw: node:http and undici, one write per token, no A2A library;",
  "sdk: DefaultRequestHandler, InMemoryTaskStore and Express. The same engine and the same client for all, each in its",
  "own process on this machine. Numbers are medians; processor time and memory are of the agent's process alone. The",
  "times of a cell that was stopped are those up to then: the whole answer takes more. About 25 MB of each peak belong",
  "to the thread that measures."
]

/** Lines for stdout. */
export const render = ({ cells, criteria, flatness, ratios, together }: Results): string =>
  [
    ...(cells.length === 0 ? [] : cellLines({ cells, flatness, ratios })),
    ...(together === null ? [] : [
      "All streams at once, flat out",
      ...table([
        ["agent", "tokens/s", "CPU/token", ""],
        ...together.map(({ agentCpuMicrosPerToken, detail, path, tokensPerSecond }) => [
          path,
          significant(tokensPerSecond),
          known(agentCpuMicrosPerToken, (micros) => `${significant(micros)} µs`),
          detail ?? ""
        ])
      ], ["left", "right", "right", "left"]),
      ""
    ]),
    ...legend,
    ...(criteria.length === 0 ? [] : ["", ...criteriaLines(criteria)])
  ].join("\n")

const cellLines = (
  { cells, flatness, ratios }: Pick<Results, "cells" | "flatness" | "ratios">
): ReadonlyArray<string> => [
  ...table([
    ["tokens", "agent", "runs", "wall", "first token", "CPU", "CPU/token", "peak RSS", "events", "text"],
    ...cells.map(cellRow)
  ]),
  "",
  ...table([
    ["tokens", "wall ours/raw", "wall sdk/ours", "CPU/token ours/raw", "CPU/token sdk/ours"],
    ...ratios.map(({ oursToRaw, sdkToOurs, tokens }) => [
      String(tokens),
      times(oursToRaw.wall),
      times(sdkToOurs.wall),
      times(oursToRaw.cpuPerToken),
      times(sdkToOurs.cpuPerToken)
    ])
  ]),
  "",
  ...(flatness === null ? [] : [
    `CPU per token at ${flatness.toTokens} tokens over that at ${flatness.fromTokens}: ` +
    `ours ${times(flatness.cpuPerToken.ours)}, raw ${times(flatness.cpuPerToken.raw)}, ` +
    `sdk ${times(flatness.cpuPerToken.sdk)} (1x = flat).`,
    ""
  ])
]

/** One line for a cell that has just been measured. */
export const cellLine = (cell: Cell): string => `${cell.agent} ${cell.tokens}: ${wallOf(cell)}, ${textOf(cell)}`

const cellRow = (cell: Cell): ReadonlyArray<string> => [
  String(cell.tokens),
  cell.agent,
  String(cell.completeRuns),
  wallOf(cell),
  known(cell.firstTokenMillis, (millis) => `${millis.toFixed(1)} ms`),
  known(cell.cpuMillis, seconds),
  known(cell.cpuMicrosPerToken, (micros) => `${bound(cell)}${significant(micros)} µs`),
  known(cell.peakRssBytes, (bytes) => `${Math.round(bytes / 1e6)} MB`),
  known(cell.events, String),
  textOf(cell)
]

const wallOf = (cell: Cell): string => known(cell.wallMillis, (millis) => `${bound(cell)}${seconds(millis)}`)

/** What stands before the numbers of an answer that would have gone on. */
const bound = (cell: Cell): string => cell.outcome === "stopped" ? "> " : ""

const textOf = (cell: Cell): string => {
  switch (cell.outcome) {
    case "complete":
      return "complete"
    case "stopped":
      return `stopped at ${cell.tokensReceived}`
    case "failed":
      return `failed: ${cell.detail}`
  }
}

const known = <A>(value: A | null, show: (value: A) => string): string => value === null ? "–" : show(value)

const seconds = (millis: number): string => `${significant(millis / 1000)} s`

/** A lower bound below one says nothing. */
const times = (ratio: Ratio | null): string => {
  if (ratio === null || (ratio.atLeast && ratio.value < 1)) return "–"
  return `${ratio.atLeast ? "> " : ""}${significant(ratio.value)}x`
}
