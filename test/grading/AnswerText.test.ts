import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { atPath, findJson } from "../../src/grading/AnswerJson.ts"
import type { AnswerPlace } from "../../src/grading/AnswerPlace.ts"
import { jsonAt, textAt } from "../../src/grading/AnswerText.ts"
import { sameJson } from "../../src/grading/JsonEquality.ts"

const Composite = Schema.Union([Schema.Array(Schema.Json), Schema.Record(Schema.String, Schema.Json)])
const runs = { arbitrary: { runs: 500 } }

const found = (answer: string) => Result.getOrThrow(findJson(answer))
/** A text without what JSON, or a fence, could begin with. */
const prose = (text: string) => `Well, ${text.replace(/[[\]{}`~"\\]/g, "")}`

describe("AnswerJson", () => {
  it.prop(
    "finds the value that stands in prose",
    [Composite, Schema.String, Schema.String],
    ([value, before, after]) => {
      const answer = `${prose(before)} ${JSON.stringify(value)} ${prose(after)}`
      assert.isTrue(sameJson(found(answer), value))
    },
    runs
  )

  it.prop("finds the value that stands in a fence, behind a decoy", [Composite, Schema.Boolean], ([value, indent]) => {
    const json = JSON.stringify(value, null, indent ? 2 : 0)
    assert.isTrue(sameJson(found(`I thought of {"decoy": 1}.\n\`\`\`json\n${json}\n\`\`\`\nBye {}`), value))
  }, runs)

  it.prop("takes an answer that is JSON as it is", [Schema.Json, Schema.Boolean], ([value, indent]) => {
    assert.isTrue(sameJson(found(`\n${JSON.stringify(value, null, indent ? 2 : 0)} \n`), value))
  }, runs)

  it("passes over what only looks like JSON", () => {
    assert.deepStrictEqual(found("[maybe] {or: so} or \"{\" then [1, \"]\", \"\\\"}\"] and {\"a\": 1}"), [
      1,
      "]",
      "\"}"
    ])
    assert.deepStrictEqual(found("the set {1, 2} gives {\"a\": {\"b\": []}}"), { a: { b: [] } })
    assert.deepStrictEqual(found("a \" quote\nand {\"a\": 1}"), { a: 1 })
    assert.deepStrictEqual(found("{\"broken\": {\"a\": 1}"), { a: 1 })
  })

  it("takes the last block that can be read", () => {
    assert.deepStrictEqual(found("```json\n1\n```\n```json\n{\"a\": 2}\n```\n```json\n{oops\n```"), { a: 2 })
    assert.deepStrictEqual(found("```\n{\"a\": 3}\n```"), { a: 3 })
  })

  it("says when there is none, and numbers and words in prose are none", () => {
    for (const answer of ["", "no", "It is 42, true or null.", "{", "[[[", "{]"]) {
      assert.strictEqual(Result.getOrThrow(Result.flip(findJson(answer))), "the answer contains no JSON")
    }
  })

  it("looks at a bounded number of characters, whatever the text", () => {
    const began = performance.now()
    assert.isTrue(Result.isFailure(findJson("[".repeat(300_000))))
    assert.isTrue(Result.isFailure(findJson("{\"a\":".repeat(100_000))))
    assert.isBelow(performance.now() - began, 3_000)
  })

  it("follows a path through objects and lists", () => {
    const value = { a: [{ "b": 1 }, null], "": 2 }
    assert.strictEqual(Result.getOrThrow(atPath(value, "a.0.b")), 1)
    assert.isNull(Result.getOrThrow(atPath(value, "a.1")))
    for (const path of ["b", "a.2", "a.0.b.c", "a.1.x", "constructor", "a.length.x", "toString"]) {
      assert.strictEqual(
        Result.getOrThrow(Result.flip(atPath(value, path))),
        `the answer's JSON has nothing at "${path}"`
      )
    }
  })
})

describe("AnswerText", () => {
  const text = (place: AnswerPlace, answer: string) => Result.getOrThrow(textAt(place, answer))
  const reason = (place: AnswerPlace, answer: string) => Result.getOrThrow(Result.flip(textAt(place, answer)))

  it("takes the whole answer, without the white space at its ends", () => {
    assert.strictEqual(text({ _tag: "Text" }, " \n yes\n no\n"), "yes\n no")
  })

  it("takes the last block, or the last of a language", () => {
    const answer = "```SQL\nselect 1\n```\nand\n```\nplain\n```\n```sql\n\n```"
    assert.strictEqual(text({ _tag: "Code" }, answer), "plain")
    assert.strictEqual(text({ _tag: "Code", language: "sql" }, answer), "select 1")
    assert.strictEqual(text({ _tag: "Code", language: "SQL" }, answer), "select 1")
    assert.strictEqual(reason({ _tag: "Code", language: "css" }, answer), "the answer contains no fenced block of css")
    assert.strictEqual(reason({ _tag: "Code" }, "plain"), "the answer contains no fenced block")
  })

  it.prop("a text in a fence comes back", [Schema.String], ([code]) => {
    const inside = `x${code.replace(/[`~\r]/g, "")}`
    assert.strictEqual(text({ _tag: "Code" }, `Here:\n\`\`\`\n${inside}\n\`\`\`\nDone.`), inside)
  }, runs)

  it("takes a text in JSON without its quotes, and other values as they are written", () => {
    assert.strictEqual(text({ _tag: "Json", path: "a" }, "so {\"a\": \"b \\\"c\\\"\"}"), "b \"c\"")
    assert.strictEqual(text({ _tag: "Json", path: "a" }, "so {\"a\": [1, 2]}"), "[1,2]")
    assert.strictEqual(reason({ _tag: "Json", path: "b" }, "so {\"a\": 1}"), "the answer's JSON has nothing at \"b\"")
    const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`
    assert.strictEqual(reason({ _tag: "Json" }, deep), "the answer's JSON is nested too deep")
  })

  it.prop("the value at a place is the text there, read", [Schema.Json], ([value]) => {
    const answer = JSON.stringify({ value })
    const place: AnswerPlace = { _tag: "Json", path: "value" }
    assert.isTrue(sameJson(Result.getOrThrow(jsonAt(place, answer)), value))
    const written = text(place, answer)
    assert.isTrue(sameJson(typeof value === "string" ? written : JSON.parse(written), value))
  }, runs)

  it("reads JSON from a whole answer and from a block", () => {
    assert.strictEqual(Result.getOrThrow(jsonAt({ _tag: "Text" }, " 1 ")), 1)
    assert.deepStrictEqual(Result.getOrThrow(jsonAt({ _tag: "Code" }, "```\n[1]\n```")), [1])
    assert.strictEqual(Result.getOrThrow(Result.flip(jsonAt({ _tag: "Text" }, "so 1"))), "the answer is not JSON")
    assert.strictEqual(
      Result.getOrThrow(Result.flip(jsonAt({ _tag: "Code" }, "```\nx\n```"))),
      "the answer's block is not JSON"
    )
  })
})
