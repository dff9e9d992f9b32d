/**
 * The night bench's results for people: pure. Fits 120 columns.
 */
import { criteriaLines } from "../support/Criterion.ts"
import { significant, table } from "../support/table.ts"
import type { NightResult, NightRow, Results } from "./Results.ts"

const LEGEND = [
  "hangs: attempts ended because of one, found so long after it began, median/p95. thrown away: tokens made for attempts",
  "without a result. per hour: battles with a result. ratio: the wall clock of theirs over that of ours."
]

/** Lines for stdout. */
export const render = ({ criteria, medians, nights }: Results): string =>
  [
    ...table([
      [
        "night",
        "policy",
        "with result",
        "attempts",
        "false kills",
        "hangs",
        "found after",
        "thrown away",
        "wall clock",
        "per hour",
        "ratio"
      ],
      ...nights.flatMap((night) => rowsOf(`seed ${night.seed}`, night)),
      ...nights.length > 1 ? rowsOf("median", medians) : []
    ], ["left", "left"]),
    "",
    ...LEGEND,
    "",
    ...criteriaLines(criteria)
  ].join("\n")

const rowsOf = (name: string, { ours, theirs, wallRatio }: Omit<NightResult, "seed">) => [
  [name, "ours", ...cellsOf(ours), significant(wallRatio)],
  ["", "theirs", ...cellsOf(theirs), ""]
]

const cellsOf = (row: NightRow): ReadonlyArray<string> => [
  `${row.scored} of ${row.battles}`,
  String(row.attempts),
  String(row.falseKills),
  String(row.hangsFound),
  row.foundP50Seconds === null || row.foundP95Seconds === null
    ? "-"
    : `${Math.round(row.foundP50Seconds)}/${Math.round(row.foundP95Seconds)} s`,
  `${Math.round(row.tokensThrownAway / 1000)} k`,
  `${Math.round(row.wallSeconds / 60)} min`,
  String(Math.round(row.scoredPerHour))
]
