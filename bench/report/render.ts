/**
 * The report bench's results for people: pure.
 */
import { criteriaLines, type Criterion } from "../support/Criterion.ts"
import { significant, table } from "../support/table.ts"
import { type Kind, type Measured, summarize } from "./Results.ts"

const names: Record<Kind, string> = {
  rows: "all rows, by SQLite alone",
  summary: "`campaign report`",
  html: "`campaign report -o report.html`",
  md: "`campaign report -o report.md`",
  json: "`campaign report -o report.json`"
}

/** Lines for stdout. */
export const render = (measured: Measured, criteria: ReadonlyArray<Criterion>): string => {
  return [
    `${measured.battles} battles, ${measured.attempts} attempts of ${measured.tokens} tokens; a store of ${
      significant(measured.storeBytes / 1e6)
    } MB`,
    ...table([
      ["", "wall", "CPU", "most memory", "file", "to the rows"],
      ...summarize(measured).map(({ cpuMillis, fileBytes, kind, peakBytes, ratio, wallMillis }) => [
        names[kind],
        `${significant(wallMillis / 1000)} s`,
        `${significant(cpuMillis / 1000)} s`,
        `${significant(peakBytes / 1e6)} MB`,
        fileBytes === 0 ? "" : `${significant(fileBytes / 1e6)} MB`,
        `${significant(ratio)}x`
      ])
    ], ["left", "right", "right", "right", "right", "right"]),
    "",
    ...criteriaLines(criteria)
  ].join("\n")
}
