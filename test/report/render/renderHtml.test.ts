/** The report as HTML: whole by itself, readable without script, and inert whatever agents have written. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import { composeReport } from "../../../src/report/render/composeReport.ts"
import { figuresOf } from "../../../src/report/render/Document.ts"
import { renderHtml } from "../../../src/report/render/renderHtml.ts"
import { visible } from "../../../src/report/render/visibleText.ts"
import { hostile } from "../../support/hostileTexts.ts"
import { reportOf } from "../../support/reports.ts"
import { all, parsed } from "./parsedHtml.ts"

const htmlOf = (...options: Parameters<typeof reportOf>) => renderHtml(composeReport(reportOf(...options), null))

const cases = {
  "an ordinary campaign": reportOf({ agents: ["a", "b", "c"], tasks: ["x", "y"], samples: 400 }),
  "a campaign in which nothing has happened": reportOf({ samples: 0 }),
  "one battle": reportOf({ samples: 1, repetitions: 1, stalls: 1 }),
  "hostile names": reportOf({ agents: hostile, tasks: hostile, samples: 8, says: hostile.join(" ") })
}

describe("the HTML of", () => {
  for (const [name, report] of Object.entries(cases)) {
    const html = renderHtml(composeReport(report, null))
    const root = parsed(html)

    it(`${name} has all sections and links that lead somewhere`, () => {
      const titles = all(root, "section > h2").map(({ textContent }) => textContent)
      assert.deepStrictEqual(titles, [
        "In a minute",
        "Coverage",
        "Scores",
        "Latencies and tokens per second",
        "How long, with those that were given up",
        "What hung, and what proved it",
        "What failed, and what has no score",
        "Retries, and what they bias",
        "How agents were followed, and their engines",
        "What a fixed timeout would have done",
        "What is not known",
        "Methods and definitions"
      ])
      const ids = all(root, "[id]").map(({ id }) => id)
      assert.strictEqual(new Set(ids).size, ids.length, "every id once")
      for (const link of all(root, "a")) assert.include(ids, link.getAttribute("href")?.slice(1))
      for (const named of all(root, "[aria-labelledby]")) {
        for (const id of named.getAttribute("aria-labelledby")!.split(" ")) assert.include(ids, id)
      }
    })

    it(`${name} asks for nothing, runs nothing, and says so in a policy that holds its own style`, () => {
      assert.deepStrictEqual(
        all(root, "script, link, img, iframe, object, embed, base, form, image, use, a[href*=':']"),
        []
      )
      for (const element of all(root, "*")) {
        for (const { name, value } of element.attributes) {
          assert.notMatch(name, /^(on|style$|src|xlink)/, `${element.tagName} ${name}`)
          if (name !== "xmlns" && name !== "content") assert.notMatch(value, /https?:|javascript:|data:|url\(/)
        }
      }
      const style = /<style>(.*?)<\/style>/s.exec(html)![1]!
      assert.notMatch(style, /@import|url\(/)
      const policy = root.querySelector("meta[http-equiv='Content-Security-Policy']")!.getAttribute("content")!
      assert.include(policy, "default-src 'none'")
      assert.include(policy, `'sha256-${createHash("sha256").update(style).digest("base64")}'`)
      assert.notInclude(policy, "unsafe")
    })

    it(`${name} has nothing of what was written as markup`, () => {
      for (const raw of ["<script", "\"><img", "<iframe", "\u202e", "\u0000"]) assert.notInclude(html, raw)
    })

    it(`${name} writes no number that is none`, () => {
      assert.notMatch(html.replaceAll(/<style>.*<\/style>/gs, ""), /NaN|undefined|Infinity|\[object|>null</)
    })
  }

  it("a campaign in which nothing has happened has no figure, and says what is missing", () => {
    const document = composeReport(cases["a campaign in which nothing has happened"], null)
    assert.deepStrictEqual(figuresOf(document), [])
    const text = parsed(renderHtml(document)).textContent
    for (const said of ["There is no score", "No attempt has completed", "runs while this is written"]) {
      assert.include(text, said)
    }
  })

  it("every figure has a title, a description and a table of its numbers, for a page and for a telephone", () => {
    const root = parsed(htmlOf({ agents: ["a", "b"], samples: 400 }))
    const figures = all(root, "figure")
    assert.isAbove(figures.length, 8)
    for (const figure of figures) {
      const drawings = all(figure, "svg[role=img]")
      assert.deepStrictEqual(drawings.map((svg) => svg.getAttribute("width")), ["680", "344"])
      for (const svg of drawings) {
        assert.isAbove(svg.querySelector("title")!.textContent.length, 3)
        assert.isAbove(svg.querySelector("desc")!.textContent.length, 20)
      }
      assert.isAtLeast(all(figure, "details table tbody tr").length, 1)
    }
  })

  it.prop("whatever a name is, it stands there as text", [Schema.String], ([name]) => {
    const root = parsed(htmlOf({ agents: [name, "other"], samples: 0 }))
    const cells = all(root, "#summary tbody th").map(({ textContent }) => textContent)
    assert.include(cells, visible(name))
  }, { arbitrary: { runs: 40 } })
})

describe("a large campaign", () => {
  const html = htmlOf({
    agents: Array.from({ length: 20 }, (_, place) => `an-organisation/with-a-long-name/model-${place}`),
    tasks: Array.from({ length: 120 }, (_, place) => `repository__issue-${place}`),
    samples: 100_000,
    stalls: 2500,
    says: "x".repeat(100_000)
  })

  it("makes a file of a few megabytes", () => assert.isBelow(html.length, 6e6))

  it("says what it leaves out", () => {
    assert.include(html, "500 stalls more")
    assert.include(html, "60 tasks more")
  })
})
