/** Texts of others, fit to be shown. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { clipMiddle, visible } from "../../../src/report/render/visibleText.ts"

describe("visible", () => {
  it("shows a mark for what would be invisible or turn the text around it", () => {
    assert.strictEqual(visible("a\u202eb\u2066c\u0000d\u200be\u001b[0m"), "a\ufffdb\ufffdc\ufffdd\ufffde\ufffd[0m")
    assert.strictEqual(visible("two\n\tlines\u2028here"), "two lines here")
    assert.strictEqual(visible(`o${"\u0301".repeat(50)}`), `o${"\u0301".repeat(4)}`)
    assert.strictEqual(visible("\ud800"), "\ufffd")
  })

  it("leaves scripts and pictures as they are", () => {
    for (const text of ["智能体", "وكيل", "👩‍👩‍👧", "क्षि", "naïve – “x”"]) assert.strictEqual(visible(text), text)
  })

  it.prop("gives one line that it would not change again", [Schema.String], ([text]) => {
    const shown = visible(text)
    assert.notMatch(shown, /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u)
    assert.strictEqual(visible(shown), shown)
  }, { arbitrary: { runs: 1000 } })
})

describe("clipMiddle", () => {
  it("keeps both ends, where names differ, and whole characters", () => {
    assert.strictEqual(clipMiddle("an-organisation/model-17", 11), "an-or…el-17")
    assert.strictEqual(clipMiddle("short", 5), "short")
    assert.strictEqual(clipMiddle("👩‍👩‍👧👨‍👨‍👦abc👩‍👩‍👧", 3), "👩‍👩‍👧…👩‍👩‍👧")
    assert.isAtMost(clipMiddle("x".repeat(1e6), 20).length, 20)
  })
})
