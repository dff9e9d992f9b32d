/**
 * Fills the variables in the texts of a file: `${NAME}` and `${NAME:-default}`; `$${` is a literal `${`.
 *
 * Laws: a variable that is missing is told with its line and what to do; nothing that comes from a variable whose name
 * says that it is a secret gets into what is stored, not even its default. Texts of `keptAs` stay as they were written:
 * the environment of a command, which is filled in when the command is started.
 *
 * Gotcha: names are judged by their parts in any case: API_KEY, HF_TOKEN, apikey, DB_PASSWORD. Too many are refused
 * rather than too few.
 */
import * as Result from "effect/Result"
import { substitute } from "../../text/Variables.ts"
import { type ConfigDocument, type ConfigPath, define, isTable, type Table } from "./ConfigDocument.ts"
import { type Findings, Reading } from "./Reading.ts"

/** What a variable holds; undefined if it is not set. */
export type Lookup = (name: string) => string | undefined

/** Whether a variable's name says that it holds a secret. */
const saysSecret = (name: string): boolean => /KEY|TOKEN|SECRET|PASSWORD/i.test(name)

/** The document as it is read from here on. `keptAs` tells which texts are kept as they are. */
export const fillVariables = (
  document: ConfigDocument,
  lookup: Lookup,
  keptAs: (path: ConfigPath) => boolean,
  findings: Findings
): Reading => {
  const told = new Reading(document, document.value, findings)

  const filledText = (text: string, path: ConfigPath): string => {
    if (!text.includes("${")) return text
    const names: Array<string> = []
    const filled = substitute(text, (name) => {
      names.push(name)
      return lookup(name)
    })
    const secret = names.find(saysSecret)
    if (secret !== undefined) {
      told.refuse(path, refusalOf(secret, path))
      return text
    }
    if (Result.isSuccess(filled)) return filled.success
    told.refuse(
      path,
      `the variable ${filled.failure} is not set; set it, give it a default by \${${filled.failure}:-default}, ` +
        "or write $${ where a literal ${ is meant"
    )
    return text
  }

  const filledIn = (value: unknown, path: ConfigPath): unknown => {
    if (keptAs(path)) return value
    if (typeof value === "string") return filledText(value, path)
    if (Array.isArray(value)) return value.map((element, index) => filledIn(element, [...path, index]))
    if (!isTable(value)) return value
    const filled: Table = {}
    for (const [key, member] of Object.entries(value)) define(filled, key, filledIn(member, [...path, key]))
    return filled
  }

  return new Reading(document, filledIn(document.value, []), findings)
}

const refusalOf = (name: string, path: ConfigPath): string => {
  const why = `${name} looks like a secret, which would be stored with the campaign`
  const key = path.at(-1)
  if (key === "key-variable" || key === "token-variable") return `${why}; write the name alone: ${key} = "${name}"`
  switch (path[0]) {
    case "engine":
      return `${why}; name the variable instead: key-variable = "${name}"`
    case "agent":
      return `${why}; name the variable instead: token-variable = "${name}", ` +
        `or environment = { ${name} = "\${${name}}" } for its command`
    default:
      return `${why}; name the variable instead, by key-variable = "${name}" of an engine ` +
        `or token-variable = "${name}" of an agent`
  }
}
