// Runs the code of every demonstration answer: the right ones pass all cases, each wrong one fails at least one and
// passes at least one (a program that never works would be no demonstration).
import { assert, describe, it } from "@effect/vitest"
import { demonstrationEntries } from "../../src/simulator/DemonstrationAnswers.ts"
import { tokenize } from "../../src/simulator/Tokenizer.ts"

const cases: Record<string, ReadonlyArray<readonly [input: unknown, expected: unknown]>> = {
  toRoman: [
    [1, "I"],
    [3, "III"],
    [4, "IV"],
    [9, "IX"],
    [14, "XIV"],
    [40, "XL"],
    [90, "XC"],
    [400, "CD"],
    [1994, "MCMXCIV"],
    [
      2026,
      "MMXXVI"
    ],
    [3888, "MMMDCCCLXXXVIII"],
    [3999, "MMMCMXCIX"]
  ],
  isBalanced: [["", true], ["()[]{}", true], ["a(b[c]{d})", true], ["([)]", false], ["(]", false], [")(", false], [
    "((",
    false
  ], [
    "}",
    false
  ], ["x", true]],
  runLengthEncode: [["", ""], ["a", "1a"], ["aaabcc", "3a1b2c"], ["abc", "1a1b1c"], ["zzzzzzzzzzzz", "12z"], [
    "  \n",
    "2 1\n"
  ]]
}

const expectedRight: Record<string, number> = { toRoman: 2, isBalanced: 2, runLengthEncode: 2 }

const functionIn = (answer: string, name: string): (input: unknown) => unknown => {
  const blocks = [...answer.matchAll(/```javascript\n([\s\S]*?)\n```/g)]
  assert.strictEqual(blocks.length, 1)
  // oxlint-disable-next-line typescript/no-implied-eval
  return new Function(`${blocks[0]![1]}\nreturn ${name}`)()
}

describe("DemonstrationAnswers", () => {
  for (const { answers, pattern } of demonstrationEntries) {
    it(`${pattern}: right answers are right, wrong ones are subtly wrong`, () => {
      const scores = answers.map((answer) => {
        const candidate = functionIn(answer, pattern)
        return cases[pattern]!.filter(([input, expected]) => candidate(input) === expected).length
      })
      const right = expectedRight[pattern]!
      assert.isTrue(scores.length > right)
      scores.forEach((score, index) => {
        if (index < right) assert.strictEqual(score, cases[pattern]!.length, `candidate ${index}`)
        else assert.isTrue(score > 0 && score < cases[pattern]!.length, `candidate ${index}`)
      })
    })

    it(`${pattern}: reads like a model's answer of 80 to 180 tokens`, () => {
      for (const answer of answers) {
        assert.match(answer, /^[A-Z][^`]+\.\n\n```javascript\n[\s\S]+\n```\n\n[A-Z][^`]+\.$/)
        const { length } = tokenize(answer)
        assert.isTrue(length >= 80 && length <= 180, `${length} tokens: ${answer.slice(0, 50)}`)
      }
    })
  }
})
