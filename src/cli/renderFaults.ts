/**
 * The catalogue of the simulator's faults as a person reads it in a terminal.
 *
 * Law: no line is wider than the terminal, unless a single word is.
 */
import { catalogue } from "../simulator/faults/FaultCatalogue.ts"
import { describeOutcome, type FaultEntry, type Parameter } from "../simulator/faults/FaultEntry.ts"
import { type HelpOptions, indented, styles } from "./renderHelp.ts"

const parameterText = (name: string, parameter: Parameter): string => {
  const choices = parameter.kind === "choice" ? ` (${parameter.choices.join(" | ")})` : ""
  const value = parameter.default === 1e9 ? "" : `=${parameter.default}`
  return `${name}${value}: ${parameter.meaning}${choices}`
}

const titles = { server: "FAULTS OF THE ENGINE AND THE SERVER: EVERYBODY HAS THEM", request: "FAULTS OF A REQUEST" }

/** All faults, those of the server first, without a line break at the end. */
export const renderFaults = ({ color, columns }: HelpOptions): string => {
  const { bold, dim, green } = styles(color)
  const block = ({ name, outcome, parameters, summary, trigger }: FaultEntry) => [
    `  ${green(name)}`,
    ...indented(summary, columns, 6),
    ...Object.entries(parameters).flatMap(([key, parameter]) =>
      indented(parameterText(key, parameter), columns, 6).map(dim)
    ),
    ...(trigger.for === undefined ? [] : [dim(`      for=${trigger.for}: how long it lasts, in seconds`)]),
    ...indented(`→ ${describeOutcome(outcome)}`, columns, 6)
  ]
  const intro = indented(
    "Write NAME or NAME:key=value,key=value; several with ; between. Every fault also has request=N or N-M (which " +
      "requests, counted from 1), probability=P (0 to 1), times=N (at most), from=S and for=S (seconds). A fault of " +
      "the server happens once, with the first request that fits, or at from=S. Behind → stands what must become of a " +
      "run that meets it.",
    columns,
    0
  )
  const section = (scope: FaultEntry["scope"]) => [
    "",
    bold(titles[scope]),
    ...catalogue.filter((fault) => fault.scope === scope).flatMap(block)
  ]
  return [...intro, ...section("server"), ...section("request")].join("\n")
}
