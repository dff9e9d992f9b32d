/**
 * JSON5, and with it JSON, with places, over momoa.
 *
 * Laws: numbers that are not finite are refused, and so are members that are defined twice (JSON5 allows both, and
 * keeps the last).
 *
 * Gotchas: where a text ends too early, momoa names its first line, so the end is found here. Its columns begin at 1.
 */
import { type MemberNode, parse as parseJson5, type ValueNode } from "@humanwhocodes/momoa"
import * as Result from "effect/Result"
import { type ConfigDocument, type ConfigPath, define, type Place, Places, type Table } from "./ConfigDocument.ts"
import { type ConfigError, syntaxError } from "./ConfigError.ts"

/** Reads a text; `file` is what it is called in errors. `mode` is `json` where only JSON is allowed. */
export const parse = (
  file: string,
  text: string,
  mode: "json" | "json5" = "json5"
): Result.Result<ConfigDocument, ConfigError> =>
  Result.flatMap(
    Result.try({
      try: () => parseJson5(text.replace(/^\ufeff/, ""), { mode }),
      catch: (cause) => {
        const message = cause instanceof Error ? cause.message.replace(/ ?\(\d+:\d+\)$/, "") : String(cause)
        const isEnd = message.startsWith("Unexpected end")
        return syntaxError(
          file,
          isEnd ? endOf(text) : placeIn(cause),
          `this is not ${mode === "json" ? "JSON" : "JSON5"}: ${message.charAt(0).toLowerCase()}${
            message.slice(1).replace(/\.$/, "")
          }`
        )
      }
    }),
    ({ body }) => evaluate(file, text.replace(/^\ufeff/, ""), body)
  )

const endOf = (text: string): Place => {
  const lines = text.split(/\r\n|\n|\r/)
  return { line: lines.length, column: lines.at(-1)!.length + 1 }
}

const placeIn = (cause: unknown): Place => {
  const { column, line } = cause as { readonly line?: unknown; readonly column?: unknown }
  return typeof line === "number" && typeof column === "number" ? { line, column } : { line: 1, column: 1 }
}

const startOf = ({ loc: { start } }: ValueNode | MemberNode): Place => ({ line: start.line, column: start.column })

/** Whether a number is the one that was written; only whole ones are held to it. */
const isExact = (written: string, value: number): boolean =>
  Number.isFinite(value) &&
  (!/^[+-]?\d+$/.test(written) || written.replace("+", "") === String(value) ||
    BigInt(written.replace("+", "")) === BigInt(value))

const evaluate = (file: string, text: string, body: ValueNode): Result.Result<ConfigDocument, ConfigError> => {
  const places = new Places()
  const refused: Array<ConfigError> = []

  const valueOf = (node: ValueNode, path: ConfigPath): unknown => {
    switch (node.type) {
      case "Object": {
        const table: Table = {}
        for (const member of node.members) {
          const name = member.name.type === "Identifier" ? member.name.name : member.name.value
          const at = [...path, name]
          if (Object.hasOwn(table, name)) {
            refused.push(syntaxError(file, startOf(member), `"${name}" is defined twice; remove one of them`))
          }
          places.add(at, startOf(member), true)
          define(table, name, valueOf(member.value, at))
        }
        return table
      }
      case "Array":
        return node.elements.map(({ value }, index) => {
          const at = [...path, index]
          places.add(at, startOf(value), true)
          return valueOf(value, at)
        })
      case "Number":
        if (!isExact(text.slice(node.loc.start.offset, node.loc.end.offset), node.value)) {
          refused.push(
            syntaxError(file, startOf(node), "this number is too large to be kept exactly; write it in quotes")
          )
        }
        return node.value
      case "NaN":
      case "Infinity":
        refused.push(syntaxError(file, startOf(node), `${node.type} cannot be kept; write a finite number`))
        return null
      case "Null":
        return null
      default:
        return node.value
    }
  }

  const value = valueOf(body, [])
  return refused[0] === undefined
    ? Result.succeed({ file, value, placeOf: places.placeOf })
    : Result.fail(refused[0])
}
