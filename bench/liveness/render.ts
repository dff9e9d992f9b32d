/**
 * The liveness bench's results for people: pure. Fits 120 columns.
 */
import { criteriaLines } from "../support/Criterion.ts"
import { significant, table } from "../support/table.ts"
import type { CostCell } from "./measureCost.ts"
import { type HealthyCell, type HungCell, oursNames, type Results, type Simulation } from "./Results.ts"

const HEALTHY_LEGEND = "In brackets: at most, with 95 % confidence (exact, one-sided)."
const HUNG_LEGEND = [
  "Median/p95. [x]: x % given up before the hang. (x): only x % found within an hour. -: none."
]
const BEYOND_LEGEND = "(*) Beyond what ours promises: shown, and no criterion."

/** Lines for stdout. */
export const render = ({ cost, criteria, simulation }: Results): string =>
  [
    ...(simulation === null ? [] : simulationLines(simulation)),
    ...(cost === null ? [] : costLines(cost)),
    ...criteriaLines(criteria)
  ].join("\n")

const simulationLines = ({ detectors, healthy, hung }: Simulation): ReadonlyArray<string> => {
  const names = detectors.map(({ name }) => name)
  const groups = groupsOf(names)
  const tables = <Cell extends { readonly detector: string }>(
    title: string,
    rows: ReadonlyArray<{ readonly class: string; readonly cells: ReadonlyArray<Cell> }>,
    show: (cell: Cell) => string,
    legend: ReadonlyArray<string>
  ) =>
    rows.length === 0 ? [] : [
      title,
      ...groups.flatMap((group) => [
        ...table(
          [
            ["", ...group],
            ...rows.map((row) => [
              row.class,
              ...group.map((name) => show(row.cells.find(({ detector }) => detector === name)!))
            ])
          ],
          ["left"]
        ),
        ""
      ]),
      ...legend,
      ""
    ]
  return [
    ...tables("Healthy runs given up, percent", healthy, healthyText, [HEALTHY_LEGEND]),
    ...tables("Hung runs: seconds from the hang to the verdict", hung, hungText, HUNG_LEGEND),
    ...detectors.map(({ name, rule }) => `${name}: ${rule}.`),
    BEYOND_LEGEND,
    ""
  ]
}

/** Timers in one table, what learns from gaps and ours in the next. */
const groupsOf = (names: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const ours: ReadonlyArray<string> = Object.values(oursNames)
  const isTimer = (name: string) => !ours.includes(name) && !name.startsWith("phi")
  return [names.filter(isTimer), names.filter((name) => !isTimer(name))].filter((group) => group.length > 0)
}

const healthyText = ({ killedPercent, upperBoundPercent }: HealthyCell): string =>
  `${percent(killedPercent)} (${upperBoundPercent < 10 ? upperBoundPercent.toFixed(1) : percent(upperBoundPercent)})`

const hungText = ({ killedBeforePercent, missedPercent, p50Seconds, p95Seconds }: HungCell): string => {
  const before = killedBeforePercent > 0 ? ` [${percent(killedBeforePercent)}]` : ""
  if (p50Seconds === null || p95Seconds === null) return `-${before}`
  const found = missedPercent > 0 ? ` (${percent(100 - killedBeforePercent - missedPercent)})` : ""
  return `${Math.round(p50Seconds)}/${Math.round(p95Seconds)}${before}${found}`
}

const costLines = (cells: ReadonlyArray<CostCell>): ReadonlyArray<string> => [
  "Cost of watch",
  ...table([
    ["source", "tokens per chunk", "bare", "watched", "difference per token", "watched / bare"],
    ...cells.map((cell) => [
      cell.source,
      String(cell.tokensPerChunk),
      `${significant(cell.bareNanosPerToken)} ns`,
      `${significant(cell.watchedNanosPerToken)} ns`,
      `${cell.differenceMicrosPerToken.toFixed(3)} µs`,
      `${significant(cell.ratio)}x`
    ])
  ]),
  "Processor time, medians over the rounds. ready: every pull settles at once; waiting: every pull waits for another fiber.",
  ""
]

const percent = (value: number): string => String(Number(value.toFixed(1)))
