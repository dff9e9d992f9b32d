/**
 * The tap bench's results for people: pure.
 */
import { criteriaLines, type Criterion } from "../support/Criterion.ts"
import { significant, table } from "../support/table.ts"
import type { Summary } from "./Results.ts"

const legend = [
  "direct: no proxy; bare: node:http and undici, which look at nothing; tap: ours; battles: ours, with a battle for each",
  "stream that a runner follows. Medians over the rounds; CPU is that of the process in between, over the tokens the client",
  "got, and its ratio is that within a round."
]

/** Lines for stdout. */
export const render = (summaries: ReadonlyArray<Summary>, criteria: ReadonlyArray<Criterion>): string =>
  [
    ...table([
      ["way", "first byte", "added", "tokens/s", "CPU/token", "to bare"],
      ...summaries.map((one) => [
        one.way,
        cell(one.firstByteMillis, (value) => `${value.toFixed(2)} ms`),
        cell(one.addedMillis, (value) => `${value.toFixed(2)} ms`),
        cell(one.tokensPerSecond, significant),
        cell(one.cpuMicrosPerToken, (value) => `${significant(value)} µs`),
        cell(one.cpuRatio, (value) => value.toFixed(3))
      ])
    ]),
    "",
    ...legend,
    "",
    ...criteriaLines(criteria)
  ].join("\n")

const cell = (value: number, text: (value: number) => string): string => Number.isNaN(value) ? "–" : text(value)
