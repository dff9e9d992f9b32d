// Which answer a prompt gets: a pure function of source, seed, prompt and draw.
import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Answers from "../../src/simulator/Answers.ts"
import { demonstrationEntries } from "../../src/simulator/DemonstrationAnswers.ts"

const textOf = (answer: Answers.Answer) =>
  Array.from({ length: answer.length }, (_, index) => answer.token(index)).join("")

const nth = (number: number): Answers.Draw => ({ kind: "nth", number })
const seeded = (number: number): Answers.Draw => ({ kind: "seeded", number })

const script = Schema.decodeSync(Answers.AnswerSource)({
  _tag: "Script",
  entries: [{ pattern: "colou?r", answers: ["red", "green", "blue"] }, { pattern: ".*cat", answers: ["meow"] }]
})

describe("Answers", () => {
  it("serves a fixed text exactly, and a length without content", () => {
    const fixed = Answers.make({ _tag: "FixedText", text: "One, two\n  three." }, 1)
    assert.strictEqual(textOf(fixed("anything", nth(0))), "One, two\n  three.")
    const long = Answers.make({ _tag: "LengthOnly", tokens: 64_000 }, 1)("anything", nth(0))
    assert.strictEqual(long.length, 64_000)
    assert.strictEqual(long.token(0) + long.token(63_999), "token token")
  })

  it("serves every candidate of a script once in each round, in an order given by the seed", () => {
    const orders = new Set<string>()
    for (let seed = 0; seed < 50; seed++) {
      const answer = Answers.make(script, seed)
      const served = Array.from({ length: 6 }, (_, index) => textOf(answer("Which color?", nth(index))))
      assert.deepStrictEqual(served.slice(0, 3).toSorted(), ["blue", "green", "red"])
      assert.deepStrictEqual(served.slice(3).toSorted(), ["blue", "green", "red"])
      orders.add(served.join(" "))
    }
    assert.isTrue(orders.size > 5)
  })

  it("takes the candidate from the request's seed, whatever was asked before", () => {
    const answer = Answers.make(script, 1)
    const served = Array.from({ length: 30 }, (_, seed) => textOf(answer("Which color?", seeded(seed))))
    assert.deepStrictEqual(served, Array.from({ length: 30 }, (_, s) => textOf(answer("Which color?", seeded(s)))))
    assert.strictEqual(new Set(served).size, 3)
  })

  it("gives an unmatched prompt words that depend on prompt, seed and draw", () => {
    const answer = Answers.make(script, 1)
    const text = textOf(answer("hello", nth(0)))
    assert.match(text, /^[A-Z][a-z]+( [a-z]+|\.)/)
    assert.strictEqual(text, textOf(answer("hello", nth(0))))
    const others = [answer("hello", nth(1)), answer("hello!", nth(0)), Answers.make(script, 2)("hello", nth(0))]
    for (const other of others) assert.notStrictEqual(textOf(other), text)
  })

  it("makes random words of about the length asked for", () => {
    const answer = Answers.make({ _tag: "RandomWords", tokens: 100 }, 1)
    const lengths = Array.from({ length: 200 }, (_, index) => answer("p", nth(index)).length)
    assert.isTrue(lengths.every((length) => length >= 50 && length <= 150))
  })

  it("knows the three demonstration tasks", () => {
    const answer = Answers.make(Schema.decodeSync(Answers.AnswerSource)(Answers.demonstration), 1)
    for (const { answers, pattern } of demonstrationEntries) {
      assert.include(answers, textOf(answer(`Write ${pattern}(x) in JavaScript.`, nth(0))))
    }
  })

  it("refuses a pattern that is no regular expression", () => {
    const broken = { _tag: "Script", entries: [{ pattern: "(", answers: ["x"] }] }
    assert.throws(() => Schema.decodeUnknownSync(Answers.AnswerSource)(broken), /not a regular expression: \(/)
  })

  it("counts prompts apart from each other and leaves seeded requests out", () => {
    const draw = Answers.makeDrawCounter()
    assert.deepStrictEqual(draw("a", Option.none()), nth(0))
    assert.deepStrictEqual(draw("b", Option.none()), nth(0))
    assert.deepStrictEqual(draw("a", Option.some(9)), seeded(9))
    assert.deepStrictEqual(draw("a", Option.none()), nth(1))
  })
})
