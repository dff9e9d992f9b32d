// The table of faults in docs/simulator.md is the catalogue, row for row.
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { catalogue } from "../../../src/simulator/faults/FaultCatalogue.ts"
import { describeOutcome, type FaultEntry } from "../../../src/simulator/faults/FaultEntry.ts"

const cell = (text: string) => text.replaceAll("|", "\\|")

const written = ({ name, parameters, trigger }: FaultEntry) => {
  const defaults = Object.entries(parameters).filter(([, { default: value }]) => value !== 1e9)
    .map(([key, { default: value }]) => `${key}=${value}`)
  const timed = trigger.for === undefined ? defaults : [...defaults, `for=${trigger.for}`]
  return `\`${name}\`${timed.length === 0 ? "" : ` (${timed.join(", ")})`}`
}

const row = (fault: FaultEntry) =>
  `| ${
    [written(fault), fault.summary, fault.wire, fault.metrics, describeOutcome(fault.outcome)].map(cell).join(" | ")
  } |`

describe("docs/simulator.md", () => {
  it("has the catalogue of faults, row for row", () => {
    const text = readFileSync(join(import.meta.dirname, "../../../docs/simulator.md"), "utf8")
    for (const scope of ["server", "request"] as const) {
      const rows = catalogue.filter((fault) => fault.scope === scope).map(row).join("\n")
      assert.isTrue(text.includes(`\n|---|---|---|---|---|\n${rows}\n\n`), `replace the rows by:\n${rows}`)
    }
  })
})
