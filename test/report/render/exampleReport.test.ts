/** The example in docs/ is what the code makes now, as far as that can be told without playing its night again. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { composeReport } from "../../../src/report/render/composeReport.ts"
import { reportStyle } from "../../../src/report/render/reportStyle.ts"
import { root } from "../../support/command.ts"
import { reportOf } from "../../support/reports.ts"

const textOf = (name: string) => readFileSync(join(root, "docs", name), "utf8")
const titles = composeReport(reportOf(), null).sections.map(({ title }) => title)

describe("the example report", () => {
  it("has the sections and the style of a report made today; else run npm run example-report", () => {
    const html = textOf("example-report.html")
    assert.include(html, `<style>${reportStyle}</style>`)
    assert.deepStrictEqual(Array.from(html.matchAll(/<h2 id="[^"]*-title">(.*?)<\/h2>/g), ([, title]) => title), titles)
    const headings = Array.from(textOf("example-report.md").matchAll(/^## (.*)$/gm), ([, title]) => title)
    assert.deepStrictEqual(headings.filter((title) => title !== "Contents"), titles)
  })

  it("shows hangs that were proved and one that was inferred, retries, a restart, and battles without a score", () => {
    const markdown = textOf("example-report.md")
    for (
      const shown of ["engine-hung", "orphaned", "silent, inferred", "mid-stream-error", "| 5 | vllm-", "rejected"]
    ) {
      assert.include(markdown.replaceAll("*", ""), shown)
    }
  })
})
