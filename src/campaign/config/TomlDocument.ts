/**
 * TOML 1.0 with places, over toml-eslint-parser.
 *
 * Laws: the value is what every TOML parser gives, but dates and times are the texts that were written; integers that
 * would become other ones (from 2^53 on) and numbers that are not finite are refused.
 *
 * Gotchas: the parser's own evaluation loses a key that is called `__proto__`, so the tree is evaluated here. Its
 * columns begin at 0. It does not know the byte order mark that some editors write.
 */
import * as Result from "effect/Result"
import { type AST, ParseError, parseTOML } from "toml-eslint-parser"
import { type ConfigDocument, type ConfigPath, define, type Place, Places, type Table } from "./ConfigDocument.ts"
import { type ConfigError, syntaxError } from "./ConfigError.ts"

/** Reads a text; `file` is what it is called in errors. */
export const parse = (file: string, text: string): Result.Result<ConfigDocument, ConfigError> =>
  Result.flatMap(
    Result.try({
      try: () => parseTOML(text.replace(/^\ufeff/, ""), { tomlVersion: "1.0" }),
      catch: (cause) => {
        const known = cause instanceof ParseError
        return syntaxError(
          file,
          known ? { line: cause.lineNumber, column: cause.column + 1 } : { line: 1, column: 1 },
          `this is not TOML: ${detailOf(known ? cause.message : String(cause))}`
        )
      }
    }),
    (program) => evaluate(file, program)
  )

const detailOf = (message: string): string => {
  switch (message) {
    case "Defining a key multiple times is invalid":
      return "the key is defined twice; remove one of them, and write a list of tables with [[two brackets]]"
    case "Unexpected character":
      return "unexpected character; every key needs a value, and texts stand in quotes"
    case "Unspecified values are invalid":
      return "a key has no value; write one behind its =, or take the key away"
    default:
      return message.charAt(0).toLowerCase() + message.slice(1)
  }
}

/** What cannot be kept as it was written. */
class Inexact {
  readonly place: Place
  readonly detail: string
  constructor(place: Place, detail: string) {
    this.place = place
    this.detail = detail
  }
}

const placeOf = (node: AST.HasLocs): Place => ({ line: node.loc.start.line, column: node.loc.start.column + 1 })

const nameOf = (key: AST.TOMLBare | AST.TOMLQuoted): string => key.type === "TOMLBare" ? key.name : key.value

const evaluate = (file: string, program: AST.TOMLProgram): Result.Result<ConfigDocument, ConfigError> => {
  const places = new Places()
  const root: Table = {}
  const inexact: Array<Inexact> = []

  const valueOf = (node: AST.TOMLContentNode, path: ConfigPath): unknown => {
    switch (node.type) {
      case "TOMLArray":
        return node.elements.map((element, index) => {
          const at = [...path, index]
          places.add(at, placeOf(element), true)
          return valueOf(element, at)
        })
      case "TOMLInlineTable": {
        const table: Table = {}
        for (const member of node.body) addMember(table, member, path)
        return table
      }
      case "TOMLValue":
        if (node.kind === "integer" && BigInt(node.value) !== node.bigint) {
          inexact.push(new Inexact(placeOf(node), `${node.number} is too large to be kept exactly; write it in quotes`))
        } else if (node.kind === "float" && !Number.isFinite(node.value)) {
          inexact.push(new Inexact(placeOf(node), `${node.number} cannot be kept; write a finite number`))
        }
        return node.value instanceof Date ? (node as AST.TOMLDateTimeValue).datetime : node.value
    }
  }

  const addMember = (table: Table, { key, value }: AST.TOMLKeyValue, base: ConfigPath): void => {
    let inner = table
    let path = base
    for (const [index, part] of key.keys.entries()) {
      const name = nameOf(part)
      path = [...path, name]
      const isLast = index === key.keys.length - 1
      places.add(path, placeOf(part), isLast)
      if (isLast) define(inner, name, valueOf(value, path))
      else inner = innerTable(inner, name)
    }
  }

  for (const node of program.body[0].body) {
    if (node.type === "TOMLKeyValue") addMember(root, node, [])
    else {
      let names = 0
      for (const [index, part] of node.resolvedKey.entries()) {
        if (typeof part === "string") names++
        const isLast = index === node.resolvedKey.length - 1
        places.add(node.resolvedKey.slice(0, index + 1), placeOf(node.key.keys[names - 1]!), isLast)
      }
      const table = tableAt(root, node.resolvedKey)
      for (const member of node.body) addMember(table, member, node.resolvedKey)
    }
  }

  const [first] = inexact
  return first === undefined
    ? Result.succeed({ file, value: root, placeOf: places.placeOf })
    : Result.fail(syntaxError(file, first.place, first.detail))
}

const innerTable = (table: Table, name: string): Table => {
  if (!Object.hasOwn(table, name)) define(table, name, {})
  return table[name] as Table
}

/** The table of a header, made where it is not there yet. */
const tableAt = (root: Table, path: ConfigPath): Table => {
  let found: Table | Array<Table> = root
  for (const [index, part] of path.entries()) {
    if (typeof part === "number") {
      const list = found as unknown as Array<Table>
      found = list[part] ??= {}
    } else {
      const table = found as Table
      if (!Object.hasOwn(table, part)) define(table, part, typeof path[index + 1] === "number" ? [] : {})
      found = table[part] as Table
    }
  }
  return found as Table
}
