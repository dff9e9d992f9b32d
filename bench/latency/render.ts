/**
 * The latency bench's results for people: pure.
 */
import { criteriaLines } from "../support/Criterion.ts"
import { significant, table } from "../support/table.ts"
import type { PartResults, PathCell, Results } from "./Results.ts"

const legend = [
  "From the engine's writing a token to the client's reading it; medians over the windows. direct: no agent; raw: node:http",
  "and undici; ours: PurpleAgent. added: what a path has more than the direct one at the same percentile.",
  "Processor time is that of each process over the tokens delivered."
]

/** Lines for stdout. */
export const render = ({ criteria, hold, latency }: Results): string =>
  [
    ...[latency, hold].flatMap((part) => part === null ? [] : partLines(part)),
    ...legend,
    "",
    ...criteriaLines(criteria)
  ]
    .join("\n")

const partLines = (part: PartResults): ReadonlyArray<string> => [
  `${part.streams} streams of ${significant(part.tokensPerSecond)} tokens/s`,
  ...table([
    [
      "path",
      "tokens/s",
      "delivered",
      "p50",
      "p90",
      "p99",
      "max",
      "added p50",
      "p90",
      "p99",
      "agent CPU/token",
      "engine",
      "client"
    ],
    ...part.cells.map((cell) => cellRow(cell, part))
  ]),
  ...part.cells.flatMap(({ detail, path }) => detail === null ? [] : [`${path} failed: ${detail}`]),
  ""
]

const cellRow = (cell: PathCell, { added }: PartResults): ReadonlyArray<string> => {
  const { agentCpuMicrosPerToken, clientCpuMicrosPerToken, delays, delivered, engineCpuMicrosPerToken, path } = cell
  const more = added.find((one) => one.path === path)
  return [
    path,
    significant(cell.tokensPerSecond),
    `${(100 * delivered / cell.sent).toFixed(1)} %`,
    ...(["p50", "p90", "p99", "max"] as const).map((name) => millis(delays?.[name])),
    ...(["p50", "p90", "p99"] as const).map((name) => millis(more?.[name])),
    agentCpuMicrosPerToken === null ? "–" : `${significant(agentCpuMicrosPerToken)} µs`,
    `${significant(engineCpuMicrosPerToken)} µs`,
    `${significant(clientCpuMicrosPerToken)} µs`
  ]
}

const millis = (value: number | undefined): string => value === undefined ? "–" : `${value.toFixed(2)} ms`
