// The one law others rely on: the tokens of a text, joined, are the text.
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { countTokens, tokenId, tokenize } from "../../src/simulator/Tokenizer.ts"

const Fragment = Schema.Literals([
  " ",
  "    ",
  "\n",
  "\r\n",
  "\t",
  "word",
  "_x9",
  "(",
  "});",
  "é",
  "日本語",
  "👍🏽",
  "\u0301",
  "\ud800",
  "<think>",
  " </tool_call>",
  "<think",
  ""
])

describe("Tokenizer", () => {
  it("cuts words with their leading space, punctuation, indentation and line breaks", () => {
    assert.deepStrictEqual(tokenize("The f(x)\n    return, 10"), [
      "The",
      " f",
      "(",
      "x",
      ")",
      "\n",
      "   ",
      " return",
      ",",
      " 10"
    ])
    assert.deepStrictEqual(tokenize(""), [])
    assert.deepStrictEqual(tokenize("a".repeat(40)).length, 3)
    assert.deepStrictEqual(tokenize("<think>a </think>"), ["<think>", "a", " ", "</think>"])
  })

  it.prop("joined tokens are the text", [Schema.Array(Schema.Union([Schema.String, Fragment]))], ([fragments]) => {
    const text = fragments.join("")
    const tokens = tokenize(text)
    assert.strictEqual(tokens.join(""), text)
    assert.isTrue(tokens.every((token) => token.length > 0 && token.length <= 34))
    assert.strictEqual(countTokens(text), tokens.length)
  })

  it("counts no further than one behind the most", () => {
    assert.deepStrictEqual([0, 1, 2, 3, 9].map((most) => countTokens("a b c", most)), [1, 2, 3, 3, 3])
    // Counting that stopped in the middle must not make the next one begin there.
    assert.strictEqual(tokenize("a b c").length, 3)
    assert.strictEqual(countTokens("a b c"), 3)
  })

  it("gives each token an id in the vocabulary", () => {
    assert.strictEqual(tokenId(" word"), tokenId(" word"))
    assert.notStrictEqual(tokenId(" word"), tokenId("word"))
    assert.isTrue(tokenId("x") >= 0 && tokenId("x") < 151_000)
  })
})
