import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { harmless, lastRow } from "../../src/terminal/TextRows.ts"
import { widthOf } from "../../src/terminal/TextWidth.ts"

const Text = Schema.Array(Schema.Literals(["a", "b ", "\n", "漢", "é", "ab\ncd", "wide words "]))

describe("lastRow", () => {
  it.prop("is the same however the text was cut, and never too wide", [Text, Text], ([first, second]) => {
    const [one, other] = [first.join(""), second.join("")]
    const row = lastRow(one + other, 7)
    assert.strictEqual(lastRow(lastRow(one, 7) + other, 7), row)
    assert.isAtMost(widthOf(row), 7)
    assert.isTrue((one + other).endsWith(row))
  }, { arbitrary: { runs: 1000 } })

  it("is a full row until more comes", () => {
    assert.deepStrictEqual(["", "abc", "abcd", "abc\n", "漢漢", "漢漢漢"].map((text) => lastRow(text, 3)), [
      "",
      "abc",
      "d",
      "",
      "漢",
      "漢"
    ])
  })
})

describe("harmless", () => {
  it("leaves text and its lines, and nothing that a terminal would obey", () => {
    assert.strictEqual(harmless("a\u001b[31mb\u001b]0;title\u0007c\r\n\td\u0000\u202ee\u2028"), "abc\n    de")
    assert.strictEqual(harmless("naïve 漢字 👩‍🚀\n"), "naïve 漢字 👩‍🚀\n")
  })
})
