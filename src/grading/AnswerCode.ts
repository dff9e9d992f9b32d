/**
 * Finds the code in an agent's answer, which is prose, Markdown or bare code, and may have been cut off by a length
 * limit. Pure; whether the code is any good is for the sandbox to say.
 *
 * Which code: of the fenced blocks the last one that defines the function; else the last that mentions it (blocks
 * marked with the task's language, or not marked, before blocks of other languages); else the last block. Without
 * any fence the whole answer, if it mentions the function. "Defines" goes first because answers often end with a block
 * of examples that only calls it.
 *
 * Laws: code without fences or exports, put into a fence, comes back unchanged (line ends become \n); so it does if the
 * closing fence is missing; and `asScript` changes nothing the second time.
 *
 * Gotchas: fences are recognised as Markdown does (any indentation, ``` or ~~~, closed by at least as many), and also
 * when the closing ``` stands at the end of the last line of code or of the opening line. `asScript` looks at lines, not
 * at syntax: a line that begins with `export` inside a template literal loses that word.
 */
import * as Option from "effect/Option"

export interface AnswerCode {
  readonly code: string
  readonly language: "javascript" | "typescript" | "python"
}

/** The languages that a task can ask for; TypeScript counts as JavaScript. */
export type CodeFamily = "javascript" | "python"

export interface FencedBlock {
  /** The first word behind the opening fence, in lower case; empty if there is none. */
  readonly label: string
  readonly content: string
}

const scriptLabels = new Set(["", "cjs", "ecmascript", "es6", "javascript", "js", "jsx", "mjs", "node"])
const typeScriptLabels = new Set(["cts", "mts", "ts", "tsx", "typescript"])

const pythonLabels = new Set(["", "py", "py3", "python", "python3"])

const openingFence = /^\s*(?<fence>`{3,}|~{3,})\s*(?<label>[\w+#.-]*)(?<rest>.*)$/
/** An opening and a closing fence on one line; what is between them is code, with or without a label. */
const fencedLine = /^\s*(?<fence>`{3,})(?<content>[^`].*?)\k<fence>\s*$/

const isClosing = (line: string, fence: string): boolean => {
  const text = line.trim()
  return text.length >= fence.length && text === fence.charAt(0).repeat(text.length)
}

/** The code before a closing fence that stands at the end of a line of code, or none if there is no such fence. */
const beforeClosing = (line: string, fence: string): string | undefined => {
  const text = line.trimEnd()
  if (fence.startsWith("~") || !text.endsWith(fence) || text.indexOf(fence) !== text.length - fence.length) {
    return undefined
  }
  return text.slice(0, -fence.length)
}

const onOneLine = (line: string): FencedBlock | undefined => {
  const content = fencedLine.exec(line)?.groups?.["content"]
  if (content === undefined) return undefined
  const [, label = "", code = ""] = /^(\w*)\s+(.*)$/.exec(content) ?? []
  const isLabel = scriptLabels.has(label.toLowerCase()) || typeScriptLabels.has(label.toLowerCase())
  return isLabel && code !== "" ? { label: label.toLowerCase(), content: code } : { label: "", content }
}

/** The fenced blocks of a Markdown text, in order; a block that is never closed reaches to the end. */
export const fencedBlocks = (markdown: string): ReadonlyArray<FencedBlock> => {
  const blocks: Array<FencedBlock> = []
  let open: { readonly fence: string; readonly label: string; readonly lines: Array<string> } | undefined
  const close = () => {
    if (open !== undefined) blocks.push({ label: open.label, content: open.lines.join("\n") })
    open = undefined
  }
  for (const line of markdown.replaceAll("\r\n", "\n").split("\n")) {
    if (open === undefined) {
      const single = onOneLine(line)
      const { fence, label = "", rest = "" } = openingFence.exec(line)?.groups ?? {}
      if (single !== undefined) blocks.push(single)
      else if (fence !== undefined && !rest.includes("`")) open = { fence, label: label.toLowerCase(), lines: [] }
      continue
    }
    const last = beforeClosing(line, open.fence)
    if (isClosing(line, open.fence)) close()
    else if (last !== undefined) {
      open.lines.push(last)
      close()
    } else open.lines.push(line)
  }
  close()
  return blocks
}

/**
 * Makes a script of a module as far as exports go: `export` and `export default` are taken off declarations, export
 * lists are removed. Imports stay, and will be syntax errors.
 */
export const asScript = (code: string): string =>
  code
    .replaceAll("\r\n", "\n")
    .replace(/^[ \t]*export[ \t]*\{[^}]*\}[ \t]*;?[ \t]*$/gm, "")
    // `export` may stand before `default`, and nothing stops a text from repeating it
    .replace(/^([ \t]*)(?:export[ \t]+(?:default[ \t]+)?)+(?=\S)/gm, "$1")

const escaped = (name: string): string => name.replace(/[$\\]/g, "\\$&")

const mentions = (functionName: string) => {
  const pattern = new RegExp(`(?<![\\p{ID_Continue}$])${escaped(functionName)}(?![\\p{ID_Continue}$])`, "u")
  return (text: string) => pattern.test(text)
}

/** What stands before the name, or behind it, where it is defined. */
const definitions: Readonly<Record<CodeFamily, (name: string) => string>> = {
  javascript: (name) =>
    `\\b(?:function\\s*\\*?\\s*|(?:const|let|var)\\s+)${name}|(?<![\\p{ID_Continue}$])${name}\\s*=(?![=>])`,
  python: (name) => `\\bdef\\s+${name}|(?<![\\p{ID_Continue}.])${name}\\s*=(?!=)`
}

const defines = (functionName: string, family: CodeFamily) => {
  const pattern = new RegExp(definitions[family](`${escaped(functionName)}(?![\\p{ID_Continue}$])`), "u")
  return (text: string) => pattern.test(text)
}

const isOfFamily = (family: CodeFamily) => ({ label }: FencedBlock): boolean =>
  family === "python" ? pythonLabels.has(label) : scriptLabels.has(label) || typeScriptLabels.has(label)

const chooseBlock = (
  blocks: ReadonlyArray<FencedBlock>,
  functionName: string,
  family: CodeFamily
): FencedBlock | undefined => {
  const isDefinition = defines(functionName, family)
  const isMention = mentions(functionName)
  const isCode = isOfFamily(family)
  return blocks.findLast((block) => isCode(block) && isDefinition(block.content))
    ?? blocks.findLast((block) => isCode(block) && isMention(block.content))
    ?? blocks.findLast((block) => isMention(block.content))
    ?? blocks.at(-1)
}

/** Takes off the indentation that all lines share: a block inside a list is indented, and to Python that matters. */
const dedented = (code: string): string => {
  const lines = code.replaceAll("\r\n", "\n").split("\n")
  const indents = lines.filter((line) => line.trim() !== "").map((line) => line.length - line.trimStart().length)
  const shared = indents.reduce((least, indent) => Math.min(least, indent), Number.POSITIVE_INFINITY)
  return shared === 0 || indents.length === 0 ? lines.join("\n") : lines.map((line) => line.slice(shared)).join("\n")
}

const codeOf = (text: string, label: string, family: CodeFamily): AnswerCode =>
  family === "python"
    ? { code: dedented(text), language: "python" }
    : { code: asScript(text), language: typeScriptLabels.has(label) ? "typescript" : "javascript" }

/** The code of an answer, ready to be run; none if the answer contains no code. */
export const fromAnswer = (
  answer: string,
  functionName: string,
  family: CodeFamily = "javascript"
): Option.Option<AnswerCode> => {
  const blocks = fencedBlocks(answer).filter(({ content }) => content.trim() !== "")
  const block = chooseBlock(blocks, functionName, family)
  if (block !== undefined) return Option.some(codeOf(block.content, block.label, family))
  return mentions(functionName)(answer) ? Option.some(codeOf(answer, "", family)) : Option.none()
}
