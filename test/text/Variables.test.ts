// Variables in texts: what is filled in, what is left alone, and what is missing.
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { substitute } from "../../src/text/Variables.ts"

const environment: Readonly<Record<string, string>> = { HOST: "here", EMPTY: "", NESTED: "${HOST}" }
const fill = (text: string) => substitute(text, (name) => environment[name])

/** Texts that are likely to hold all that matters. */
const pieces = Schema.Array(Schema.Literals(["$", "{", "}", "${", "$${", ":-", "HOST", "EMPTY", "NONE", "a b"]))
const runs = { arbitrary: { runs: 1000 } }

describe("variables", () => {
  it("are filled in, with their default where they are not set or empty", () => {
    const texts = {
      "${HOST}": "here",
      "http://${HOST}:${PORT:-9019}/${EMPTY}": "http://here:9019/",
      "${EMPTY:-none}": "none",
      "${HOST:-none}": "here",
      "${NONE:-}": "",
      "${NONE:-a:-b c}": "a:-b c",
      "${NONE:-${EMPTY:-${HOST}}!}?": "here!?",
      "${HOST:-${NONE}}": "here",
      "${NESTED}": "${HOST}",
      "$HOST $ {HOST} {} }": "$HOST $ {HOST} {} }",
      "$${HOST} $$${HOST} $$": "${HOST} $${HOST} $$",
      "${NONE:-$${x}}": "${x}",
      "${HOST": "${HOST",
      "${NONE:-a ${HOST}": "a here",
      "": ""
    }
    for (const [text, filled] of Object.entries(texts)) assert.deepStrictEqual(fill(text), Result.succeed(filled), text)
  })

  it("that are missing are named, the first one first", () => {
    const missing = { "${HOST} ${NONE} ${OTHER}": "NONE", "${my-name}": "my-name", "${}": "", "${A:-${B}}": "B" }
    for (const [text, name] of Object.entries(missing)) assert.deepStrictEqual(fill(text), Result.fail(name), text)
  })

  it.prop("in a text without ${ do not exist", [Schema.String, pieces], ([text, more]) => {
    for (const plain of [text, more.join("")]) {
      if (!plain.includes("${")) assert.deepStrictEqual(fill(plain), Result.succeed(plain))
    }
  }, runs)

  it.prop("are escaped by one more $", [pieces], ([more]) => {
    const text = more.join("")
    assert.deepStrictEqual(fill(text.replaceAll("${", () => "$${")), Result.succeed(text))
  }, runs)

  it.prop("hold what they hold, between texts of any kind", [Schema.String, Schema.String, Schema.String], (texts) => {
    const [before, value, after] = texts
    const escaped = (text: string) => text.replaceAll("${", () => "$${")
    // A $ that ends the text before would escape the variable.
    if (before.endsWith("$")) return
    for (const place of ["${X}", "${X:-x}", "${NONE:-${X}}"]) {
      const filled = substitute(escaped(before) + place + escaped(after), (name) => name === "X" ? value : undefined)
      const isDefault = place === "${X:-x}" && value === ""
      assert.deepStrictEqual(filled, Result.succeed(before + (isDefault ? "x" : value) + after))
    }
  }, runs)
})
