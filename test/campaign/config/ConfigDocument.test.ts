// Documents in TOML and in JSON5: what stands in them, where, and what is refused.
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import {
  type ConfigDocument,
  type ConfigPath,
  define,
  pathText,
  valueAt
} from "../../../src/campaign/config/ConfigDocument.ts"
import type { ConfigError } from "../../../src/campaign/config/ConfigError.ts"
import * as Json5Document from "../../../src/campaign/config/Json5Document.ts"
import * as TomlDocument from "../../../src/campaign/config/TomlDocument.ts"
import { runs } from "../../support/propertyRuns.ts"
import { printInline, printKey, printToml } from "./printToml.ts"

const toml = (text: string) => Result.getOrThrow(TomlDocument.parse("a.toml", text))
const refusal = (read: Result.Result<ConfigDocument, ConfigError>) => Result.getOrThrow(Result.flip(read)).message

const few = Schema.isMaxLength(4)
const keys = Schema.Union([
  Schema.String,
  Schema.Literals(["__proto__", "a.b", "", "naïve key", "toString", "simple", "0", "\"quoted\""])
])
const leaf = Schema.Union([Schema.String, Schema.Int, Schema.Finite, Schema.Boolean])
const members = <S extends Schema.Top>(value: S) =>
  Schema.Struct({ members: Schema.Array(Schema.Tuple([keys, value])).check(few) })
const small = Schema.Union([leaf, Schema.Array(leaf).check(few), members(leaf)])
const documents = members(
  Schema.Union([
    small,
    Schema.Array(small).check(few),
    members(Schema.Union([small, Schema.Array(members(small)).check(few)]))
  ])
)

/** The table or value that was drawn, as TOML can hold it: texts of whole characters, and no -0. */
const cleaned = (value: unknown): unknown => {
  if (typeof value === "string") return value.toWellFormed()
  if (typeof value === "number") return value === 0 ? 0 : value
  if (Array.isArray(value)) return value.map(cleaned)
  if (typeof value !== "object" || value === null) return value
  const table = {}
  for (const [key, member] of (value as { readonly members: ReadonlyArray<[string, unknown]> }).members) {
    define(table, key.toWellFormed(), cleaned(member))
  }
  return table
}

const pathsIn = (value: unknown, path: ConfigPath = []): ReadonlyArray<ConfigPath> =>
  typeof value !== "object" || value === null
    ? []
    : Object.entries(value).flatMap(([key, member]) => {
      const at = [...path, Array.isArray(value) ? Number(key) : key]
      return [at, ...pathsIn(member, at)]
    })

/** Whether every place is that of what stands there, and no two are the same. */
const isPlaced = (document: ConfigDocument, text: string, key: (name: string) => string): boolean => {
  const lines = text.split("\n")
  const paths = pathsIn(document.value)
  const seen = new Set<string>()
  return paths.every((path) => {
    const { column, line } = document.placeOf(path)!
    const last = path.at(-1)!
    const rest = lines[line - 1]!.slice(column - 1)
    const found = valueAt(document.value, path)
    // The first of a list of tables and the list itself are both said by its header.
    const isHeader = typeof last === "number" && lines[line - 1]!.startsWith("[[")
    const isNew = isHeader || !seen.has(`${line}:${column}`)
    seen.add(`${line}:${column}`)
    return isNew &&
      (typeof last === "string"
        ? rest.startsWith(key(last))
        : isHeader || rest.startsWith(printInline(found).slice(0, 1)))
  })
}

describe("a document", () => {
  it.prop(
    "in TOML is what was printed, and every key and value has its place",
    [documents, Schema.Boolean],
    ([drawn, inline]) => {
      const value = cleaned(drawn) as Record<string, unknown>
      const text = printToml(value, inline)
      const document = toml(text)
      assert.deepStrictEqual(document.value, value)
      assert.deepStrictEqual(toml(printToml(document.value as Record<string, unknown>, !inline)).value, value)
      return isPlaced(document, text, printKey)
    },
    runs
  )

  it.prop(
    "in JSON is what was printed, and every key and value has its place",
    [documents, Schema.Boolean],
    ([drawn, indented]) => {
      const value = cleaned(drawn)
      const text = JSON.stringify(value, null, indented ? 2 : 0)
      for (const mode of ["json", "json5"] as const) {
        const document = Result.getOrThrow(Json5Document.parse("a.json", text, mode))
        assert.deepStrictEqual(document.value, value)
        if (!isPlaced(document, text, JSON.stringify)) return false
      }
      return true
    },
    runs
  )

  it("tells the place of the table around what is missing", () => {
    const document = toml("[a]\nb = 1\n\n[[c]]\nd = 1\n[[c]]\n  d.e = 2\n")
    assert.deepStrictEqual(document.placeOf(["a", "x", "y"]), { line: 1, column: 2 })
    assert.deepStrictEqual(document.placeOf(["c", 0, "x"]), { line: 4, column: 3 })
    assert.deepStrictEqual(document.placeOf(["c", 1, "x"]), { line: 6, column: 3 })
    assert.deepStrictEqual(document.placeOf(["c", 1, "d", "e"]), { line: 7, column: 5 })
    assert.deepStrictEqual(document.placeOf(["x"]), { line: 1, column: 1 })
  })

  it("tells a table where its header is, and not where it is first in a longer one", () => {
    assert.deepStrictEqual(toml("[a.b]\nc = 1\n[a]\nd = 1\n").placeOf(["a"]), { line: 3, column: 2 })
  })

  it("keeps dates as they are written, and knows byte order marks and all ends of lines", () => {
    assert.deepStrictEqual(toml("\ufeffa = 1979-05-27\r\nb = 07:32:00\r\n").value, { a: "1979-05-27", b: "07:32:00" })
    assert.deepStrictEqual(toml("a = 1\r\nb = 2\r\n").placeOf(["b"]), { line: 2, column: 1 })
    assert.deepStrictEqual(
      Result.getOrThrow(Json5Document.parse("a.json5", "\ufeff{a: 'x', /* y */ b: [+1,],}")).value,
      { a: "x", b: [1] }
    )
  })

  it("tells what is no TOML in one line with its place", () => {
    for (
      const [text, expected] of [
        [
          "a = 1\nb = x",
          "a.toml:2:5: this is not TOML: unexpected character; every key needs a value, and texts stand in quotes"
        ],
        ["a = 1\na = 2", "a.toml:2:1: this is not TOML: the key is defined twice; remove one of them"],
        ["a = [1,\n2", "a.toml:2:2: this is not TOML: unterminated array"],
        ["a = 9007199254740993", "a.toml:1:5: 9007199254740993 is too large to be kept exactly; write it in quotes"],
        ["a = 1\nb = [inf]", "a.toml:2:6: inf cannot be kept; write a finite number"]
      ] as const
    ) assert.include(refusal(TomlDocument.parse("a.toml", text)), expected)
  })

  it("tells what is no JSON5 in one line with its place", () => {
    for (
      const [text, expected] of [
        ["{a: 1,\n b: }", "a.json5:2:5: this is not JSON5: unexpected token RBrace found"],
        ["{a:\n 1", "a.json5:2:3: this is not JSON5: unexpected end of input found"],
        ["{a:", "a.json5:1:4: this is not JSON5: unexpected end of input found"],
        ["{a: 1,\n 'a': 2}", "a.json5:2:2: \"a\" is defined twice; remove one of them"],
        ["[1, NaN]", "a.json5:1:5: NaN cannot be kept; write a finite number"],
        ["[9007199254740993]", "a.json5:1:2: this number is too large to be kept exactly; write it in quotes"]
      ] as const
    ) assert.include(refusal(Json5Document.parse("a.json5", text)), expected)
    assert.include(refusal(Json5Document.parse("a.json", "{a: 1}", "json")), "a.json:1:2: this is not JSON:")
  })

  it("has paths that people can read", () => {
    assert.strictEqual(pathText(["agent", 1, "max-tokens"]), "agent[2].max-tokens")
    assert.strictEqual(pathText(["a b", "c", 0, 2]), "\"a b\".c[1][3]")
  })
})
