import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { asScript, fencedBlocks, fromAnswer } from "../../src/grading/AnswerCode.ts"

const fence = "```"
const code = "function f(x) {\n  return `${x}`\n}"
const found = (answer: string, functionName = "f") => Option.getOrUndefined(fromAnswer(answer, functionName))
const foundCode = (answer: string, functionName = "f") => found(answer, functionName)?.code

/** Lines of anything but fences, exports and carriage returns, with a definition of `f` among them. */
const CodeWithoutFences = Schema.Array(
  Schema.String.check(
    Schema.makeFilter((line) => !/[\r\n]|```|~~~|export/.test(line))
  )
)
const withDefinition = (lines: ReadonlyArray<string>) => [...lines, "const f = 1", ...lines].join("\n")

describe("AnswerCode", () => {
  it.prop("code that is put into a fence comes back", { lines: CodeWithoutFences }, ({ lines }) => {
    const wrapped = withDefinition(lines)
    assert.strictEqual(foundCode(`Here:\n${fence}js\n${wrapped}\n${fence}\nDone.`), wrapped)
    assert.strictEqual(foundCode(`~~~\n${wrapped}\n~~~`), wrapped)
  })

  it.prop("a missing closing fence changes nothing", { lines: CodeWithoutFences }, ({ lines }) => {
    const wrapped = withDefinition(lines)
    assert.strictEqual(foundCode(`${fence}javascript\n${wrapped}`), wrapped)
  })

  it.prop("CRLF and LF find the same code", { lines: CodeWithoutFences }, ({ lines }) => {
    const answer = `text\n${fence}js\n${withDefinition(lines)}\n${fence}`
    assert.deepStrictEqual(found(answer.replaceAll("\n", "\r\n")), found(answer))
  })

  it.prop("code without a fence is the whole answer", { lines: CodeWithoutFences }, ({ lines }) => {
    assert.strictEqual(foundCode(withDefinition(lines)), withDefinition(lines))
  })

  it.prop("asScript is idempotent", { text: Schema.String, after: Schema.String }, ({ after, text }) => {
    for (const prefix of ["", "export ", "export default ", "export { f }\nexport "]) {
      const once = asScript(`${text}\n${prefix}${after}`)
      assert.strictEqual(asScript(once), once)
    }
  })

  it.prop("any text gives code or none, never an error", { text: Schema.String, name: Schema.String }, (given) => {
    const answer = fromAnswer(given.text, given.name === "" ? "f" : "$f")
    assert.isTrue(Option.isOption(answer))
  })

  it("takes the last block that defines the function, not the last that calls it", () => {
    const answer = [
      `${fence}js`,
      "function f() { return 1 }",
      fence,
      "Better:",
      `${fence}js`,
      code,
      fence,
      "Usage:",
      `${fence}js`,
      "console.log(f(3)) // f == f, f => f",
      fence,
      `${fence}bash`,
      "node f.js",
      fence
    ].join("\n")
    assert.strictEqual(foundCode(answer), code)
  })

  it("prefers JavaScript to other languages, and any fence to the prose around it", () => {
    assert.strictEqual(foundCode(`f:\n${fence}js\n${code}\n${fence}\n${fence}python\nf = 1\n${fence}`), code)
    assert.strictEqual(foundCode(`f:\n${fence}python\nf = 1\n${fence}`), "f = 1")
    assert.strictEqual(foundCode(`f:\n${fence}\nnothing of the kind\n${fence}`), "nothing of the kind")
  })

  it("does not take a part of a word for the function", () => {
    const answer = `${fence}js\n${code}\n${fence}\n${fence}js\nconst half = 1, $f = 2, f$ = 3\n${fence}`
    assert.strictEqual(foundCode(answer), code)
    assert.isUndefined(found("half of it"))
  })

  it("recognises every way to define a function", () => {
    const definitions = [
      "async function f() {}",
      "function* f() {}",
      "const f = () => 1",
      "let f=function(){}",
      "export default function f() {}",
      "module.exports.f = (x) => x",
      "f = (x) => x"
    ]
    for (const definition of definitions) {
      const answer = `${fence}js\n${definition}\n${fence}\n\n${fence}js\nf(1) === 2\n${fence}`
      assert.strictEqual(foundCode(answer), asScript(definition))
    }
  })

  it("has none where there is no code", () => {
    assert.isUndefined(found(""))
    assert.isUndefined(found("I cannot help with that."))
    assert.isUndefined(found(`${fence}js\n\n${fence}`))
  })

  it("knows TypeScript by its label", () => {
    assert.strictEqual(found(`${fence}ts\n${code}\n${fence}`)?.language, "typescript")
    assert.strictEqual(found(`${fence}TypeScript title="f.ts"\n${code}\n${fence}`)?.language, "typescript")
    assert.strictEqual(found(`${fence}\n${code}\n${fence}`)?.language, "javascript")
    assert.strictEqual(found(code)?.language, "javascript")
  })

  it("reads fences as people and models write them", () => {
    assert.deepStrictEqual(fencedBlocks(`1. so:\n   ${fence}js\n   f()\n   ${fence}`), [
      { label: "js", content: "   f()" }
    ])
    assert.deepStrictEqual(fencedBlocks(`${fence}js\nconst a = 1${fence}\nrest`), [
      { label: "js", content: "const a = 1" }
    ])
    assert.deepStrictEqual(fencedBlocks(`${fence}js const a = 1${fence}`), [{ label: "js", content: "const a = 1" }])
    assert.deepStrictEqual(fencedBlocks(`${fence}const a = 1${fence}`), [{ label: "", content: "const a = 1" }])
    assert.deepStrictEqual(fencedBlocks(`${fence}\`md\n${fence}js\nx\n${fence}\n${fence}\``), [
      { label: "md", content: `${fence}js\nx\n${fence}` }
    ])
    assert.deepStrictEqual(fencedBlocks(`~~~js\nx\n${fence}\n~~~`), [{ label: "js", content: `x\n${fence}` }])
    assert.deepStrictEqual(fencedBlocks("no fence, `code` only"), [])
  })

  it("makes a script of a module", () => {
    assert.strictEqual(asScript("export function f() {}"), "function f() {}")
    assert.strictEqual(asScript("export default async function f() {}"), "async function f() {}")
    assert.strictEqual(asScript("  export const f = 1"), "  const f = 1")
    assert.strictEqual(asScript("const f = 1\nexport { f as default, g };\nf"), "const f = 1\n\nf")
    assert.strictEqual(asScript("const f = 1\nexport {\n  f,\n}"), "const f = 1\n")
    assert.strictEqual(asScript("const exported = 1\nexporting()"), "const exported = 1\nexporting()")
  })

  const python = (answer: string) => Option.getOrThrow(fromAnswer(answer, "f", "python"))

  it("finds Python by how Python defines functions, and leaves its text alone", () => {
    const answer = "```js\nfunction f() {}\n```\n```python\nasync def f(): pass\n```\n```python\nprint(f())\n```"
    assert.deepStrictEqual(python(answer), { code: "async def f(): pass", language: "python" })
    assert.strictEqual(python("```py\nf = lambda: 1\n```\n```py\nx.f = 2\nf == 2\n```").code, "f = lambda: 1")
    assert.strictEqual(python("```\nexport def f(): pass\n```").code, "export def f(): pass")
  })

  it("takes off the indentation that a list gives to a block", () => {
    assert.strictEqual(python("1. So\n   ```python\n   def f():\n\n       pass\n   ```").code, "def f():\n\n    pass")
    assert.strictEqual(python("```python\n    def f(): pass\nf()\n```").code, "    def f(): pass\nf()")
  })
})
