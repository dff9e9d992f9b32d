/**
 * The cancel bench's results for people: pure.
 */
import { criteriaLines } from "../support/Criterion.ts"
import { median } from "../support/statistics.ts"
import { significant, table } from "../support/table.ts"
import { type ClosingCell, faultOf, type Results, type ResumeCell } from "./Results.ts"

const legend = [
  "closed: from the client's leaving to the end of the connection at the engine. lost, doubled: summed over all readers,",
  "each of which is checked from the first token on. ours: PurpleAgent; sdk: DefaultRequestHandler and Express."
]

/** Lines for stdout. */
export const render = ({ closing, criteria, graceMillis, resuming }: Results): string =>
  [
    ...(closing.length === 0 ? [] : [
      `The engine's connection, with a grace of ${graceMillis} ms for a reader that is gone`,
      ...table([["client", "engine", "agent", "runs", "median", "min", "max", ""], ...closing.map(closingRow)], [
        "left",
        "left",
        "left"
      ]),
      ""
    ]),
    ...(resuming.length === 0 ? [] : [
      "A reader that leaves and comes back",
      ...table([["agent", "tokens", "away", "lost", "doubled", "text", "wall", ""], ...resuming.map(resumeRow)], [
        "left"
      ]),
      ""
    ]),
    ...legend,
    "",
    ...criteriaLines(criteria)
  ].join("\n")

const closingRow = (cell: ClosingCell): ReadonlyArray<string> => {
  const { agent, closedMillis, engine, way } = cell
  const none = closedMillis.length === 0
  return [
    way === "cancel" ? "CancelTask" : "disconnects",
    engine,
    agent,
    String(closedMillis.length),
    none ? "–" : millis(median(closedMillis)),
    none ? "–" : millis(Math.min(...closedMillis)),
    none ? "–" : millis(Math.max(...closedMillis)),
    faultOf(cell) ?? ""
  ]
}

const resumeRow = (cell: ResumeCell): ReadonlyArray<string> => {
  const { agent, drops, resumption, textRight, tokens } = cell
  return [
    agent,
    String(tokens),
    String(drops),
    resumption === null ? "–" : String(resumption.lost),
    resumption === null ? "–" : String(resumption.doubled),
    resumption === null ? "–" : textRight ? "right" : "wrong",
    resumption === null ? "–" : `${significant(resumption.wallMillis / 1000)} s`,
    faultOf(cell) ?? ""
  ]
}

const millis = (value: number): string => `${value.toFixed(1)} ms`
