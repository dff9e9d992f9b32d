// Help for a terminal of any width: nothing is too wide or lost, and commands can be copied.
import { assert, describe, it } from "@effect/vitest"
import type { HelpDoc } from "effect/cli/HelpDoc"
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { stripVTControlCharacters } from "node:util"
import { HelpSections, renderHelp } from "../../src/cli/renderHelp.ts"

const flag = (name: string, description: string, type = "N") => ({
  name,
  aliases: [],
  type,
  description: Option.some(description),
  required: false
})

const doc: HelpDoc = {
  description: "A verb with a description that does not fit into a narrow terminal.",
  usage: "campaign verb [flags]",
  flags: [
    flag("port", "Where to listen"),
    flag("json", "Print JSON", "boolean"),
    flag("a-flag-with-a-very-long-name", "It says a lot about what it does, more than fits into one line", "DURATION")
  ],
  annotations: Context.make(HelpSections, { json: "output" }),
  subcommands: [{
    group: undefined,
    commands: [{ name: "run", alias: undefined, shortDescription: "Runs it", description: "Runs it all" }]
  }],
  examples: [{ command: "campaign verb --port 80 --json --a-flag-with-a-very-long-name 5s", description: "All of it" }]
}

describe("renderHelp", () => {
  it("divides the flags into sections and puts long names on lines of their own", () => {
    assert.strictEqual(
      renderHelp(doc, { columns: 60, color: false }),
      `DESCRIPTION
  A verb with a description that does not fit into a narrow
  terminal.

USAGE
  campaign verb [flags]

FLAGS
  --port N  Where to listen

FLAGS: OUTPUT
  --json  Print JSON
  --a-flag-with-a-very-long-name DURATION
          It says a lot about what it does, more than fits
          into one line

SUBCOMMANDS
  run  Runs it

EXAMPLES
  # All of it
  campaign verb --port 80 --json \\
    --a-flag-with-a-very-long-name 5s`
    )
  })

  it("has color only if there is", () => {
    const colored = renderHelp(doc, { columns: 60, color: true })
    assert.notStrictEqual(colored, renderHelp(doc, { columns: 60, color: false }))
    assert.strictEqual(stripVTControlCharacters(colored), renderHelp(doc, { columns: 60, color: false }))
  })

  it.prop(
    "is never wider than the terminal and loses no word",
    [Schema.Int.check(Schema.isBetween({ minimum: 48, maximum: 200 }))],
    ([columns]) => {
      const many = { command: `campaign verb${" --abc".repeat(60)}` }
      const help = renderHelp({ ...doc, examples: [...doc.examples!, many] }, { columns, color: false })
      for (const line of help.split("\n")) assert.isAtMost(line.length, columns)
      const words = help.replaceAll(/\s+/g, " ")
      for (const { description, name } of doc.flags) {
        assert.include(words, `--${name}`)
        assert.include(words, Option.getOrThrow(description))
      }
      for (const { command } of [...doc.examples!, many]) assert.include(words.replaceAll("\\ ", ""), command)
    }
  )
})
