/** The report as Markdown: tables that stay tables, and texts that mean themselves. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { composeReport } from "../../../src/report/render/composeReport.ts"
import { code, link, paragraph, strong } from "../../../src/report/render/Document.ts"
import { renderMarkdown } from "../../../src/report/render/renderMarkdown.ts"
import { hostile } from "../../support/hostileTexts.ts"
import { reportOf } from "../../support/reports.ts"

const figurePath = (id: string) => `figures/${id}.svg`

/** Cells of a row, as GitHub reads it: a pipe behind an odd number of backslashes is text. */
const cellsOf = (row: string): number => (row.match(/(?<!\\)(\\\\)*\|/g) ?? []).length - 1

const tablesOf = (markdown: string): ReadonlyArray<ReadonlyArray<string>> =>
  markdown.trim().split(/\n{2,}/).map((block) => block.split("\n")).filter(([first]) =>
    first?.startsWith("| ") === true
  )

describe("renderMarkdown", () => {
  for (
    const [name, report] of [
      ["an ordinary campaign", reportOf({ agents: ["a", "b"], tasks: ["x", "y"], samples: 400 })],
      ["a campaign in which nothing has happened", reportOf({ samples: 0 })],
      ["hostile names", reportOf({ agents: hostile, tasks: hostile, samples: 8, says: hostile.join("\n") })]
    ] as const
  ) {
    const markdown = renderMarkdown(composeReport(report, null), { figurePath })

    it(`${name}: every row of a table has as many cells as its head`, () => {
      const tables = tablesOf(markdown)
      assert.isAtLeast(tables.length, 3)
      for (const [head, rule, ...rows] of tables) {
        assert.match(rule!, /^\|( -+:? \|)+$/)
        for (const row of [rule!, ...rows]) assert.strictEqual(cellsOf(row), cellsOf(head!), row)
      }
    })

    it(`${name}: no link and no picture leads out of it`, () => {
      for (const [, target] of markdown.matchAll(/(?<!\\)\]\(([^)]*)\)/g)) {
        assert.match(target!, /^(#[\p{L}\p{N}-]+|figures\/[a-z0-9-]+\.svg)$/u)
      }
      assert.notMatch(markdown, /(?<!\\):\/\/|www\./)
      assert.notMatch(markdown, /(?<!`[^`\n]*)<(?!\/?(details|summary)>)/)
    })

    it(`${name}: links to sections lead to headings`, () => {
      const slugs = Array.from(
        markdown.matchAll(/^## (.*)$/gm),
        ([, title]) => title!.toLowerCase().replaceAll(/[^\w\s-]/g, "").replaceAll(" ", "-")
      )
      for (const [, anchor] of markdown.matchAll(/(?<!\\)\]\(#([^)]*)\)/g)) assert.include(slugs, anchor)
    })
  }

  it("keeps what is written from being markup", () => {
    const markdown = renderMarkdown(
      {
        title: "# t",
        subtitle: "1. no list",
        sections: [{
          id: "s",
          title: "S",
          blocks: [
            paragraph("- no list *nor* _this_ [nor](http://x) <b> `x` @somebody"),
            paragraph(code("a`b|c``d"), " ", strong("bold: "), "text ", link("there", "s")),
            paragraph("# no heading")
          ]
        }]
      },
      { figurePath: null }
    )
    assert.strictEqual(
      markdown,
      "# # t\n\n1\\. no list\n\n## S\n\n" +
        "\\- no list \\*nor\\* \\_this\\_ \\[nor\\](http\\://x) &lt;b\\> \\`x\\` &#64;somebody\n\n" +
        "```a`b\\|c``d``` **bold:** text [there](#s)\n\n\\# no heading\n\n## Contents\n\n- [S](#s)\n"
    )
  })

  it.prop("rows stay rows, whatever a name is", [Schema.String], ([name]) => {
    const report = reportOf({ agents: [name, "other"], tasks: [name], samples: 0 })
    for (const [head, ...rows] of tablesOf(renderMarkdown(composeReport(report, null), { figurePath: null }))) {
      for (const row of rows) assert.strictEqual(cellsOf(row), cellsOf(head!), row)
    }
  }, { arbitrary: { runs: 100 } })
})
