import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { clip, clipMiddle, fit, singleLine, widthOf } from "../../src/terminal/TextWidth.ts"
import { nastyNames } from "./campaigns.ts"

const Columns = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 }))
const Text = Schema.Union([Schema.String, Schema.Literals(nastyNames)])

describe("TextWidth", () => {
  it.prop("a fitted text has exactly the width asked for", [Text, Columns], ([text, columns]) => {
    const line = singleLine(text)
    assert.strictEqual(widthOf(fit(line, columns)), columns)
    assert.strictEqual(widthOf(fit(line, columns, "right")), columns)
  })

  it.prop(
    "a text cut in its middle is as wide as it may be, and keeps its ends",
    [Text, Columns],
    ([text, columns]) => {
      const line = singleLine(text)
      const cut = clipMiddle(line, columns)
      assert.isAtMost(widthOf(cut), columns)
      if (widthOf(line) <= columns) assert.strictEqual(cut, line)
    }
  )

  it.prop("a single line is harmless, and is left alone the second time", [Text], ([text]) => {
    const line = singleLine(text)
    assert.notMatch(line, /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u)
    assert.isTrue(line.isWellFormed())
    assert.strictEqual(singleLine(line), line)
  })

  it("removes colours, titles and line breaks", () => {
    assert.strictEqual(singleLine("\u001b[31mred\u001b[0m\n\tand \u001b]0;title\u0007more "), "red and more")
  })

  it("cuts between graphemes and says so", () => {
    assert.strictEqual(clip("abcdef", 6), "abcdef")
    assert.strictEqual(clip("abcdef", 4), "abc…")
    assert.strictEqual(clip("日本語日本語", 6), "日本…")
    assert.strictEqual(clip("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 3), "👩‍👩‍👧‍👦…")
    assert.strictEqual(clip("abc", 0), "")
    assert.strictEqual(clipMiddle("abcdefgh", 7), "abc…fgh")
    assert.strictEqual(clipMiddle("abcdefgh", 6), "abc…gh")
    assert.strictEqual(clipMiddle("日本語日本語", 7), "日…本語")
    assert.strictEqual(clipMiddle("abcdefgh", 1), "…")
    assert.strictEqual(fit("日本語", 6 - 1), "日本…")
    assert.strictEqual(fit("日本語", 4), "日… ")
    assert.strictEqual(fit("42", 5, "right"), "   42")
  })
})
