import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { balancedBrackets, demonstrationTasks, romanNumerals, runLength } from "../../src/grading/DemonstrationTasks.ts"
import { Grader } from "../../src/grading/Grader.ts"
import { Task } from "../../src/grading/Task.ts"

const roman = (forms: string) => `
export function toRoman(n) {
  let text = ""
  for (const [value, form] of ${forms}) while (n >= value) { text += form; n -= value }
  return text
}`
const additiveForms = `[[1000, "M"], [500, "D"], [100, "C"], [50, "L"], [10, "X"], [5, "V"], [1, "I"]]`
const allForms = `[[1000, "M"], [900, "CM"], [500, "D"], [400, "CD"], [100, "C"], [90, "XC"], [50, "L"], [40, "XL"],
  [10, "X"], [9, "IX"], [5, "V"], [4, "IV"], [1, "I"]]`

const nestedBrackets = `
const isBalanced = (text) => {
  const open = []
  for (const character of text) {
    if ("([{".includes(character)) open.push(character)
    else if (")]}".includes(character) && open.pop() !== "([{"[")]}".indexOf(character)]) return false
  }
  return open.length === 0
}`
const countedBrackets = `
function isBalanced(text) {
  const count = (character) => text.split(character).length
  return count("(") === count(")") && count("[") === count("]") && count("{") === count("}")
}`

const runs = `
function runLengthEncode(text) {
  let result = ""
  for (let start = 0, end; start < text.length; start = end) {
    end = start
    while (text[end] === text[start] && end < text.length) end++
    result += (end - start) + text[start]
  }
  return result
}`
const withoutLastRun = `
function runLengthEncode(text) {
  let result = "", count = 1
  for (let i = 1; i < text.length; i++) {
    if (text[i] === text[i - 1]) count++
    else { result += count + text[i - 1]; count = 1 }
  }
  return result
}`
const singleDigits = "const runLengthEncode = (text) => text.replace(/(.)\\1{0,8}/g, (run) => run.length + run[0])"

const score = (task: Task, code: string) =>
  Grader.use((grader) => grader.grade(task, `\`\`\`js\n${code}\n\`\`\``)).pipe(
    Effect.map((grade) => grade.score)
  )

layer(Grader.layer, { excludeTestServices: true })("DemonstrationTasks", (it) => {
  it.effect("correct answers score 1", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* score(romanNumerals, roman(allForms)), 1)
      assert.strictEqual(yield* score(balancedBrackets, nestedBrackets), 1)
      assert.strictEqual(yield* score(runLength, runs), 1)
    }))

  it.effect("typical mistakes score between 0 and 1", () =>
    Effect.gen(function*() {
      const scores = [
        yield* score(romanNumerals, roman(additiveForms)),
        yield* score(balancedBrackets, countedBrackets),
        yield* score(runLength, withoutLastRun),
        yield* score(runLength, singleDigits)
      ]
      for (const each of scores) assert.isTrue(each > 0 && each < 1, `scores: ${scores.join()}`)
    }))
})

describe("DemonstrationTasks as data", () => {
  it("survive their encoding", () => {
    for (const task of demonstrationTasks) {
      const encoded: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(Task)(task)))
      assert.deepStrictEqual(Schema.decodeUnknownSync(Task)(encoded), task)
    }
  })

  it("name their function and ask for one code block, in 2 to 4 sentences", () => {
    assert.deepStrictEqual(demonstrationTasks.map(({ id }) => id), [
      "roman-numerals",
      "balanced-brackets",
      "run-length"
    ])
    for (const { grader, prompt } of demonstrationTasks) {
      if (grader._tag !== "JavaScriptTests") return assert.fail("not a task with hidden tests in JavaScript")
      assert.include(prompt, `\`${grader.functionName}(`)
      assert.include(prompt, "one JavaScript code block")
      const sentences = prompt.match(/[.](?: |$)/g) ?? []
      assert.isTrue(sentences.length >= 2 && sentences.length <= 4, prompt)
      assert.isTrue(grader.tests.length >= 8 && grader.tests.length <= 10)
    }
  })
})
