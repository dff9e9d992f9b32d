/**
 * One look at a file of settings: what stands in it, what is wrong with it, and where each number came from.
 *
 * Laws: a table that cannot be decoded hides no problem of another one; problems are told in the order of their places.
 * Of a misspelt key only that is told, and not also that the right one is missing.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import { nearestName } from "../../text/nearestName.ts"
import { type ConfigDocument, type ConfigPath, isTable, pathText, valueAt } from "./ConfigDocument.ts"
import { ConfigError, ConfigErrorReason, type ConfigProblem } from "./ConfigError.ts"

/** What is shared by all files of one configuration. */
export interface Findings {
  readonly problems: Array<ConfigProblem>
  /** Where each number of the settings comes from. */
  readonly origins: Map<string, string>
  /** What was read over, one line each. */
  readonly notes: Array<string>
}

export const noFindings = (): Findings => ({ problems: [], origins: new Map(), notes: [] })

/** The problems as an error; undefined if there are none. */
export const errorOf = ({ problems }: Findings): ConfigError | undefined => {
  const [first, ...rest] = firstOfEachPlace(problems).toSorted((left, right) =>
    left.file === right.file
      ? (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0)
      : left.file < right.file
      ? -1
      : 1
  )
  return first === undefined
    ? undefined
    : new ConfigError({ reason: ConfigErrorReason.cases.Invalid.make({ problems: [first, ...rest] }) })
}

/** Tells an error of syntax together with other problems. */
export const tellSyntax = ({ problems }: Findings, { reason }: ConfigError): undefined => {
  if (reason._tag === "Syntax") {
    const { column, detail, file, line } = reason
    problems.push({ file, line, column, path: "", text: detail })
  }
}

/** What is wrong with a text before its variables are filled in says more than what is wrong with it thereafter. */
const firstOfEachPlace = (problems: ReadonlyArray<ConfigProblem>): ReadonlyArray<ConfigProblem> => {
  const first = new Map<string, ConfigProblem>()
  for (const problem of problems) {
    const { column, file, line, path, text } = problem
    const key = JSON.stringify(path === "" ? [file, text] : [file, line, column, path])
    if (!first.has(key)) first.set(key, problem)
  }
  return [...first.values()]
}

/** What is read of one file. */
export class Reading {
  readonly document: ConfigDocument
  /** The document's value with its variables filled in. */
  readonly value: unknown
  readonly findings: Findings

  constructor(document: ConfigDocument, value: unknown, findings: Findings) {
    this.document = document
    this.value = value
    this.findings = findings
  }

  /** Tells a problem of what stands at a path. */
  refuse(path: ConfigPath, text: string): undefined {
    const { file, placeOf } = this.document
    const place = placeOf(path) ?? { line: null, column: null }
    this.findings.problems.push({ file, ...place, path: pathText(path), text })
    return undefined
  }

  /** Tells what was read over. */
  note(path: ConfigPath, text: string): void {
    this.findings.notes.push(`${this.placeText(path)}: ${pathText(path)}: ${text}`)
  }

  /** `campaign.toml:12`, for a line that was written; of a value without lines `settings: agent[2]`. */
  readonly placeText = (path: ConfigPath): string => {
    const { file, placeOf } = this.document
    const place = placeOf(path)
    return place === null ? `${file}: ${pathText(path)}` : `${file}:${place.line}`
  }

  at(path: ConfigPath): unknown {
    return valueAt(this.value, path)
  }

  /**
   * Which key of the table at a path is a misspelling of one of `meant`: one that is not among the `known` ones and
   * nearest to it; undefined if none is.
   */
  misspelt(path: ConfigPath, meant: ReadonlyArray<string>, known: ReadonlyArray<string>): string | undefined {
    const table = this.at(path)
    return isTable(table)
      ? Object.keys(table).find((key) => !known.includes(key) && meant.includes(nearestName(key, [...meant, ...known])))
      : undefined
  }

  /** How many elements a list has; 0 if it is none. A single table where a list of them is meant is told. */
  lengthOf(path: ConfigPath): number {
    const found = this.at(path)
    if (Array.isArray(found)) return found.length
    if (found !== undefined) {
      const name = path.at(-1)
      this.refuse(
        path,
        isTable(found) ? `write [[${name}]] with two brackets: there may be several` : "expected tables"
      )
    }
    return 0
  }

  /** What stands at a path, if it is what the schema says; else undefined, and the problems are told. */
  decode<A>(path: ConfigPath, schema: Schema.Codec<A, unknown>, value: unknown = this.at(path)): A | undefined {
    const decoded = Schema.decodeUnknownResult(schema, { onExcessProperty: "error", errors: "all" })(value)
    if (Result.isSuccess(decoded)) return decoded.success
    for (const { path: at, text } of problemsOf(decoded.failure.issue, path, (at) => this.at(at))) this.refuse(at, text)
    return undefined
  }
}

interface Found {
  readonly path: ConfigPath
  readonly text: string
}

const problemsOf = (
  issue: SchemaIssue.Issue,
  path: ConfigPath,
  valueOf: (path: ConfigPath) => unknown
): ReadonlyArray<Found> => {
  switch (issue._tag) {
    case "Pointer":
      return problemsOf(issue.issue, [...path, ...issue.path as ConfigPath], valueOf)
    case "Composite":
      return withoutMisspelt(issue, path, valueOf)
    case "Filter":
    case "Encoding":
      return problemsOf(issue.issue, path, valueOf)
    case "InvalidType":
      return [{ path, text: `expected ${expectedOf(issue.ast)}${instead(valueOf(path), isPrivate(issue.ast))}` }]
    case "MissingKey":
      return [{ path, text: "is missing" }]
    default:
      return [{ path, text: "this value cannot be used" }]
  }
}

/** The problems of a table. What is missing is told with what was expected, unless a misspelt key stands for it. */
const withoutMisspelt = (
  { ast, issues }: SchemaIssue.Composite,
  path: ConfigPath,
  valueOf: (path: ConfigPath) => unknown
): ReadonlyArray<Found> => {
  const missing = issues.flatMap((issue) =>
    issue._tag === "Pointer" && issue.issue._tag === "MissingKey" ? [String(issue.path[0])] : []
  )
  const table = valueOf(path)
  const absent = namesOf(ast).filter((name) => !isTable(table) || !Object.hasOwn(table, name))
  // What is missing was meant rather than what may be absent, and that rather than what stands there already.
  const names = [...missing, ...absent, ...namesOf(ast)]
  const meant = new Set<string>()
  const unknown = issues.flatMap((issue) => {
    if (issue._tag !== "Pointer" || issue.issue._tag !== "UnexpectedKey") return []
    const name = String(issue.path[0])
    if (names.length > 0) meant.add(nearestName(name, names))
    return [{ path: [...path, name], text: unknownKey(name, names) }]
  })
  const others = issues.flatMap((issue) => {
    if (issue._tag === "Pointer" && issue.issue._tag === "UnexpectedKey") return []
    if (issue._tag !== "Pointer" || issue.issue._tag !== "MissingKey") return problemsOf(issue, path, valueOf)
    const name = String(issue.path[0])
    return meant.has(name)
      ? []
      : [{ path: [...path, name], text: `is missing; expected ${expectedOf(typeOf(ast, name))}` }]
  })
  return [...unknown, ...others]
}

/** The line that refuses a key. */
export const unknownKey = (name: string, names: ReadonlyArray<string>): string =>
  names.length === 0
    ? `there is no key "${name}" here`
    : `there is no key "${name}" here; did you mean ${nearestName(name, names)}?`

const namesOf = (ast: SchemaAST.AST): ReadonlyArray<string> =>
  ast._tag === "Objects" ? ast.propertySignatures.map(({ name }) => String(name)) : []

const typeOf = (ast: SchemaAST.AST, name: string): SchemaAST.AST | undefined =>
  ast._tag === "Objects" ? ast.propertySignatures.find((property) => property.name === name)?.type : undefined

const expectedOf = (ast: SchemaAST.AST | undefined): string => {
  const expected = ast?.annotations?.["expected"]
  if (typeof expected === "string") return expected
  return ast?._tag === "Objects" ? "a table" : ast?._tag === "Arrays" ? "a list" : "a value"
}

const isPrivate = (ast: SchemaAST.AST): boolean => ast.annotations?.["isPrivate"] === true

const MOST_SHOWN = 60

/** What stands there instead, as far as it may be shown. */
const instead = (value: unknown, isPrivate: boolean): string => {
  if (value === undefined || isPrivate) return ""
  if (isTable(value)) return ", not a table"
  const shown = JSON.stringify(value)
  return `, not ${shown.length > MOST_SHOWN ? `${shown.slice(0, MOST_SHOWN)}…` : shown}`
}
