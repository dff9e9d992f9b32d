/**
 * The mutants of one module: every small change to its source that a test should notice. Pure.
 *
 * Made from the syntax tree of the source without its types, which stand blanked out at the same offsets (Node's own type
 * stripping). A mutant is one piece of text put in place of another; nothing is written anywhere.
 *
 * Operators: comparisons (boundary and opposite), arithmetic, `&&` and `||` (swapped, and either side alone), `??`
 * (either side), conditions always true and always false, negations, numbers one up and down, booleans, strings and
 * templates emptied, properties, spreads and elements left out, statements left out, `Math.max` and `min` swapped,
 * `some` and `every`, `startsWith` and `endsWith`, calls that only choose or sort (`filter`, `slice`, `toSorted`...) left
 * out.
 */
import { stripTypeScriptTypes } from "node:module"
import { parseAst } from "vitest/node"

export interface Mutant {
  /** The line on which it begins, from 1, and its text. */
  readonly line: number
  readonly code: string
  /** What is put in place of what, `a < b -> a <= b`; numbered where such a line has it again. */
  readonly change: string
  readonly start: number
  readonly end: number
  readonly replacement: string
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

interface Change {
  /** The node that is shown as changed. */
  readonly shown: Node
  readonly start: number
  readonly end: number
  readonly replacement: string
}

const binary: Readonly<Record<string, ReadonlyArray<string>>> = {
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "^": ["&"],
  ">>>": ["<<"],
  "+=": ["-=", "="],
  "-=": ["+=", "="],
  "||=": ["&&=", "="],
  "&&=": ["||=", "="],
  "??=": ["="]
}

const methods: Readonly<Record<string, string>> = {
  max: "min",
  min: "max",
  floor: "ceil",
  ceil: "floor",
  some: "every",
  every: "some",
  startsWith: "endsWith",
  endsWith: "startsWith",
  isSafeInteger: "isFinite",
  isInteger: "isFinite"
}

/** Calls that give back what they are called on, or a part of it. */
const choosing: ReadonlySet<string> = new Set(["filter", "slice", "toSorted", "flat", "padStart", "replace"])

/** What shows which of several literals on a line is meant. */
const telling: ReadonlySet<string> = new Set([
  "BinaryExpression",
  "LogicalExpression",
  "ConditionalExpression",
  "UnaryExpression",
  "Property"
])

/** The source without its types; every character stands where it stood. */
export const withoutTypes = (source: string): string => stripTypeScriptTypes(source)

/** The source with a mutant in it. */
export const apply = (stripped: string, { end, replacement, start }: Mutant): string =>
  stripped.slice(0, start) + replacement + stripped.slice(end)

/** Every mutant of a source, in the order of the text. */
export const mutantsOf = (source: string): ReadonlyArray<Mutant> => {
  const stripped = withoutTypes(source)
  const lines = source.split("\n")
  const starts = lines.reduce<Array<number>>((all, line) => [...all, all.at(-1)! + line.length + 1], [0])
  const flat = (text: string) => text.replaceAll(/\s+/g, " ").trim()
  const seen = new Set<string>()
  const times = new Map<string, number>()
  return changesOf(stripped).flatMap(({ end, replacement, shown, start }) => {
    const before = stripped.slice(shown.start, shown.end)
    const after = stripped.slice(shown.start, start) + replacement + stripped.slice(end, shown.end)
    // The same text by another way, such as a condition that is the whole of a return.
    const key = `${shown.start} ${shown.end} ${after}`
    if (seen.has(key)) return []
    seen.add(key)
    const line = starts.findLastIndex((offset) => offset <= shown.start)
    const change = `${flat(before)} -> ${flat(after) === "" ? "(nothing)" : flat(after)}`
    const name = `${lines[line]!.trim()} ${change}`
    const time = (times.get(name) ?? 0) + 1
    times.set(name, time)
    const told = time === 1 ? change : `${change} (${time})`
    return [{ line: line + 1, code: lines[line]!.trim(), change: told, start, end, replacement }]
  }).toSorted((one, other) => one.start - other.start)
}

const changesOf = (source: string): ReadonlyArray<Change> => {
  const changes: Array<Change> = []
  const text = (node: Node) => source.slice(node.start, node.end)

  const replace = (node: Node, replacement: string, shown = node) => {
    if (text(node) !== replacement) changes.push({ shown, start: node.start, end: node.end, replacement })
  }
  /** Another operator between the two sides of a node. */
  const operator = (node: Node, left: Node, right: Node, other: string) => {
    const between = source.slice(left.end, right.start)
    const at = left.end + between.indexOf(String(node["operator"]))
    changes.push({ shown: node, start: at, end: at + String(node["operator"]).length, replacement: other })
  }
  /** Without one of a list, and its comma. */
  const without = (list: ReadonlyArray<Node>, index: number, shown: Node) => {
    const node = list[index]!
    const next = list[index + 1]
    const previous = list[index - 1]
    const start = next === undefined && previous !== undefined ? previous.end : node.start
    const end = next === undefined ? node.end : next.start
    changes.push({ shown, start, end, replacement: "" })
  }

  const isUndefined = (value: unknown) => (value as Node | null)?.["name"] === "undefined"
  const isNothing = (value: unknown) => isUndefined(value) || (value as Node | null)?.["value"] === false
  /** Last statements of functions that only say that there is nothing to return. */
  const idle = new Set<unknown>()

  const visit = (node: Node, parent: Node | undefined): void => {
    switch (node.type) {
      case "ImportDeclaration":
      case "ExportAllDeclaration":
        return
      case "ExportNamedDeclaration":
        if (node["source"] !== null) return
        break
      case "BinaryExpression":
      case "AssignmentExpression": {
        const [left, right] = [node["left"] as Node, node["right"] as Node]
        for (const other of binary[String(node["operator"])] ?? []) operator(node, left, right, other)
        break
      }
      case "LogicalExpression": {
        const [left, right] = [node["left"] as Node, node["right"] as Node]
        if (node["operator"] !== "??") operator(node, left, right, node["operator"] === "&&" ? "||" : "&&")
        replace(node, text(left))
        replace(node, text(right))
        break
      }
      case "UnaryExpression":
        if (node["operator"] === "!" || node["operator"] === "-") replace(node, text(node["argument"] as Node))
        break
      case "ConditionalExpression":
        replace(node["test"] as Node, "true", node)
        replace(node["test"] as Node, "false", node)
        break
      case "IfStatement":
      case "WhileStatement":
        replace(node["test"] as Node, "true")
        replace(node["test"] as Node, "false")
        break
      case "Literal":
        literal(node, parent)
        break
      case "TemplateLiteral":
        replace(node, "\"\"")
        break
      case "ObjectExpression": {
        const properties = node["properties"] as ReadonlyArray<Node>
        for (const [index, property] of properties.entries()) {
          // Nobody who reads it can tell undefined from missing, and to ask a flag that is missing is to be told no.
          const hides = properties.slice(0, index).some(({ type }) => type === "SpreadElement")
          if (hides || !isNothing(property["value"])) without(properties, index, property)
        }
        break
      }
      case "ArrayExpression": {
        const elements = node["elements"] as ReadonlyArray<Node>
        for (const index of elements.keys()) without(elements, index, elements[index]!)
        break
      }
      case "CallExpression":
        called(node)
        break
      case "ArrowFunctionExpression":
      case "FunctionDeclaration": {
        const last = ((node["body"] as Node)["body"] as ReadonlyArray<Node> | undefined)?.at(-1)
        if (last?.type === "ReturnStatement" && (last["argument"] === null || isUndefined(last["argument"]))) {
          idle.add(last)
        }
        break
      }
      case "ExpressionStatement":
      case "ReturnStatement":
      case "BreakStatement":
      case "ContinueStatement":
        // The whole of an `if` is left out by its condition.
        if (parent?.type !== "IfStatement" && !idle.has(node)) replace(node, "")
        break
    }
    for (const [key, value] of Object.entries(node)) {
      if (key === "key" && node.type === "Property" && node["computed"] !== true) continue
      for (const child of Array.isArray(value) ? value : [value]) {
        if (typeof child === "object" && child !== null && "type" in child) visit(child as Node, node)
      }
    }
  }

  const literal = (node: Node, parent: Node | undefined) => {
    const { value } = node
    // A line may hold several of the same.
    const shown = parent !== undefined && telling.has(parent.type) ? parent : node
    if (typeof value === "number") {
      replace(node, String(value + 1), shown)
      replace(node, parent?.type === "UnaryExpression" || value > 0 ? String(value - 1) : "(-1)", shown)
    } else if (typeof value === "boolean") {
      replace(node, String(!value), shown)
    } else if (typeof value === "string") {
      replace(node, value === "" ? "\"mutant\"" : "\"\"", shown)
    }
  }

  const called = (node: Node) => {
    const callee = node["callee"] as Node
    if (callee.type !== "MemberExpression" || callee["computed"] === true) return
    const property = callee["property"] as Node
    const name = String(property["name"])
    const other = methods[name]
    if (other !== undefined) replace(property, other, node)
    if (choosing.has(name)) replace(node, text(callee["object"] as Node))
  }

  visit(parseAst(source) as unknown as Node, undefined)
  return changes
}
