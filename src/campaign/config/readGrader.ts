/**
 * Graders as people write them in tables, made into graders as tasks store them.
 *
 * Laws: what may stand in the stored form is said by its schema alone (grading/Task.ts), and what it refuses is told at
 * the key that it came from. Long values may stand in files of their own: `tests-file`, `schema-file`, `rubric-file`.
 *
 * Gotcha: TOML has no null; a hidden test that expects null stands in a `tests-file`.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { nearestName } from "../../text/nearestName.ts"
import { graderTables, testTable, textTables } from "./campaignTables.ts"
import { type ConfigPath, isTable } from "./ConfigDocument.ts"
import { type ConfigFiles, type NamedPath, parseFile } from "./ConfigFiles.ts"
import { millisOf } from "./fileValues.ts"
import { Reading, tellSyntax, unknownKey } from "./Reading.ts"

/** The stored form of a grader, not yet held against its schema. */
export type StoredGrader = Readonly<Record<string, unknown>>

/** A table that is being read. */
interface Source {
  readonly reading: Reading
  readonly path: ConfigPath
  readonly files: ConfigFiles
  /** Of the file in which the table stands. */
  readonly folder: NamedPath
}

/** The stored form of the grader in the table at a path; undefined if something is wrong with it. */
export const readGrader = Effect.fnUntraced(function*(source: Source) {
  const { path, reading } = source
  const table = reading.at(path)
  if (!isTable(table)) {
    return reading.refuse(
      path,
      "expected a table with a kind, such as { kind = \"text\", match = \"contains\", expected = \"Paris\" }"
    )
  }
  switch (
    chosenWord(reading, path, "kind", ["javascript-tests", "python-tests", "text", "json-schema", "model", "command"])
  ) {
    case "javascript-tests":
      return yield* readTests(source, "javascript-tests", "JavaScriptTests")
    case "python-tests":
      return yield* readTests(source, "python-tests", "PythonTests")
    case "text":
      return readText(source)
    case "json-schema":
      return yield* readSchema(source)
    case "model":
      return yield* readModel(source)
    case "command":
      return readCommand(source)
    case undefined:
      return undefined
  }
})

/** The keys of all graders: what is meant by one of them is not known before its kind. */
const graderKeys = [
  ...new Set(
    [...Object.values(graderTables), ...Object.values(textTables)].flatMap(({ fields }) => Object.keys(fields))
  )
]

/** The word that says of which kind a table is; undefined, and told, if it is none of them. */
const chosenWord = <const Words extends ReadonlyArray<string>>(
  reading: Reading,
  path: ConfigPath,
  key: string,
  words: Words
): Words[number] | undefined => {
  const written = reading.at([...path, key])
  const known = words.find((word) => word === written)
  if (known !== undefined) return known
  const all = words.map((word) => `"${word}"`).join(", ")
  const misspelt = reading.misspelt(path, [key], graderKeys)
  if (misspelt !== undefined) return reading.refuse([...path, misspelt], unknownKey(misspelt, [key, ...graderKeys]))
  return reading.refuse(
    [...path, key],
    written === undefined
      ? `is missing; write ${key} = one of ${all}`
      : typeof written === "string"
      ? `expected one of ${all}, not "${written}"; did you mean "${nearestName(written, words)}"?`
      : `expected one of ${all}`
  )
}

const readTests = Effect.fnUntraced(function*(source: Source, kind: "javascript-tests" | "python-tests", tag: string) {
  const { path, reading } = source
  const table = reading.decode(path, graderTables[kind])
  const tests = yield* eitherOf(source, "tests", graderTables[kind].fields)
  if (table === undefined || tests === undefined) return undefined
  const stored = { _tag: tag, functionName: table.function }
  const { at, holder } = tests
  const list = holder.at(at)
  if (!Array.isArray(list) || list.length === 0) {
    return holder.refuse(at, "expected a list of at least one test such as { arguments = [1], expected = \"I\" }")
  }
  const decoded = list.map((_, index) => holder.decode([...at, index], testTable))
  return decoded.includes(undefined) ? undefined : { ...stored, tests: decoded } satisfies StoredGrader
})

interface Held {
  readonly holder: Reading
  readonly at: ConfigPath
}

/** Where the value is that stands under a key, or as JSON in the file that `KEY-file` names; exactly one of them. */
const eitherOf = Effect.fnUntraced(function*(source: Source, key: "tests" | "schema", fields: object) {
  const { path, reading } = source
  const file = yield* fileOf(source, key, Object.keys(fields))
  if (file === undefined) return undefined
  if (file === "inline") return { holder: reading, at: [...path, key] } satisfies Held as Held
  const document = parseFile(file.named, file.text)
  if (Result.isFailure(document)) return tellSyntax(reading.findings, document.failure)
  return {
    holder: new Reading(document.success, document.success.value, reading.findings),
    at: []
  } satisfies Held as Held
})

/**
 * The text of the file that `KEY-file` names, or `inline` where KEY itself stands there; exactly one of them does.
 * `known` are all keys of the table.
 */
export const fileOf = Effect.fnUntraced(function*(
  { files, folder, path, reading }: Source,
  key: string,
  known: ReadonlyArray<string>
) {
  const name = reading.at([...path, `${key}-file`])
  const isInline = reading.at([...path, key]) !== undefined
  if (isInline && name === undefined) return "inline" as const
  if (isInline) return reading.refuse([...path, `${key}-file`], `${key} stands there as well; leave out one of them`)
  // That a key is misspelt is told by whoever decodes the table.
  if (name === undefined && reading.misspelt(path, [key, `${key}-file`], known) !== undefined) return undefined
  if (name === undefined) {
    return reading.refuse([...path, key], `is missing; write it as ${key}, or name a file by ${key}-file`)
  }
  if (typeof name !== "string") return undefined
  const named = files.inside(folder, name)
  const text = yield* files.text(named)
  return Result.isSuccess(text)
    ? { named, text: text.success }
    : reading.refuse(
      [...path, `${key}-file`],
      `${named.shown} cannot be read (${text.failure}); check its name, which is relative to the file that names it`
    )
})

type AnswerKeys = { readonly answer?: "text" | "code" | "json"; readonly language?: string; readonly path?: string }

/** Where in the answer a grader looks, as it is stored. */
const placeIn = ({ path: at, reading }: Source, { answer, language, path }: AnswerKeys): StoredGrader => {
  if (language !== undefined && answer !== "code") {
    reading.refuse([...at, "language"], "belongs to answer = \"code\"; write that too, or leave out language")
  }
  if (path !== undefined && answer !== "json") {
    reading.refuse([...at, "path"], "belongs to answer = \"json\"; write that too, or leave out path")
  }
  switch (answer) {
    case "text":
      return { answer: { _tag: "Text" } }
    case "code":
      return { answer: { _tag: "Code", ...(language === undefined ? {} : { language }) } }
    case "json":
      return { answer: { _tag: "Json", ...(path === undefined ? {} : { path }) } }
    default:
      return {}
  }
}

const passing = (table: { readonly "passing-score"?: number }): StoredGrader =>
  table["passing-score"] === undefined ? {} : { passingScore: table["passing-score"] }

const readText = (source: Source): StoredGrader | undefined => {
  const { path, reading } = source
  const match = chosenWord(reading, path, "match", ["exact", "contains", "regex", "number"])
  switch (match) {
    case undefined:
      return undefined
    case "exact":
    case "contains": {
      const table = reading.decode(path, textTables[match])
      if (table === undefined) return undefined
      const { expected, "ignore-case": ignoreCase } = table
      const rule = {
        _tag: match === "exact" ? "Exact" : "Contains",
        expected,
        ...(ignoreCase === undefined ? {} : { ignoreCase })
      }
      return { _tag: "TextMatch", rule, ...placeIn(source, table) }
    }
    case "regex": {
      const table = reading.decode(path, textTables.regex)
      if (table === undefined) return undefined
      const { flags, pattern } = table
      if (Result.isFailure(Result.try(() => new RegExp(pattern, flags)))) {
        return reading.refuse(
          [...path, "pattern"],
          "is not a regular expression of JavaScript, or its flags are none; " +
            "write it in 'single quotes' to keep its backslashes"
        )
      }
      return {
        _tag: "TextMatch",
        rule: { _tag: "Regex", pattern, ...(flags === undefined ? {} : { flags }) },
        ...placeIn(source, table)
      }
    }
    case "number": {
      const table = reading.decode(path, textTables.number)
      if (table === undefined) return undefined
      const { expected, tolerance } = table
      return {
        _tag: "TextMatch",
        rule: { _tag: "Number", expected, ...(tolerance === undefined ? {} : { tolerance }) },
        ...placeIn(source, table)
      }
    }
  }
}

const readSchema = Effect.fnUntraced(function*(source: Source) {
  const table = source.reading.decode(source.path, graderTables["json-schema"])
  const schema = yield* eitherOf(source, "schema", graderTables["json-schema"].fields)
  return table === undefined || schema === undefined
    ? undefined
    : { _tag: "JsonSchema", schema: schema.holder.at(schema.at), ...placeIn(source, table) } satisfies StoredGrader
})

const readModel = Effect.fnUntraced(function*(source: Source) {
  const table = source.reading.decode(source.path, graderTables.model)
  const rubric = yield* fileOf(source, "rubric", Object.keys(graderTables.model.fields))
  if (table === undefined || rubric === undefined) return undefined
  return {
    _tag: "ModelGraded",
    rubric: rubric === "inline" ? table.rubric : rubric.text,
    ...placeIn(source, table),
    ...passing(table)
  } satisfies StoredGrader
})

const readCommand = (source: Source): StoredGrader | undefined => {
  const table = source.reading.decode(source.path, graderTables.command)
  if (table === undefined) return undefined
  const { command, "time-limit": timeLimit, "working-directory": workingDirectory = "." } = table
  return {
    _tag: "Command",
    command,
    workingDirectory: source.files.inside(source.folder, workingDirectory).absolute,
    ...(timeLimit === undefined ? {} : { timeLimitMillis: millisOf(timeLimit) }),
    ...placeIn(source, table),
    ...passing(table)
  }
}
