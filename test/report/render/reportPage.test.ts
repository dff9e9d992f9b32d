/** The report in a browser: hostile content is inert, nothing is asked for, and what is drawn can be read. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { fileOf } from "../../../src/report/figures/drawChart.ts"
import { composeReport } from "../../../src/report/render/composeReport.ts"
import { figuresOf } from "../../../src/report/render/Document.ts"
import { renderHtml } from "../../../src/report/render/renderHtml.ts"
import type { Report } from "../../../src/report/Report.ts"
import * as browser from "../../support/browser.ts"
import { hostile } from "../../support/hostileTexts.ts"
import { reportOf } from "../../support/reports.ts"
import { temporaryDirectory } from "../../support/temporaryDirectory.ts"

const many = (count: number, name: string) => Array.from({ length: count }, (_, place) => `${name}-${place}`)

/** The browser of tests has no types of a page: what runs there is text. */
const crowded =
  `Array.from(document.querySelectorAll("svg[role=img]")).filter((svg) => svg.checkVisibility()).flatMap((svg) => {
  const frame = svg.getBoundingClientRect()
  const texts = Array.from(svg.querySelectorAll("text"), (text) => ({ text: text.textContent, box: text.getBoundingClientRect() }))
    .filter(({ box }) => box.width > 0)
  const name = svg.querySelector("title").textContent
  const outside = texts.filter(({ box }) =>
    box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
  const over = texts.flatMap((one, index) => texts.slice(index + 1).filter(({ box }) =>
    Math.min(one.box.right, box.right) - Math.max(one.box.left, box.left) > 1 &&
    Math.min(one.box.bottom, box.bottom) - Math.max(one.box.top, box.top) > 4
  ).map((other) => one.text + " | " + other.text))
  return [...outside.map(({ text }) => name + ": outside: " + text), ...over.map((both) => name + ": over each other: " + both)]
})`

const opened = Effect.fnUntraced(function*(report: Report, width: number) {
  const file = join(yield* temporaryDirectory, "report.html")
  const document = composeReport(report, null)
  writeFileSync(file, renderHtml(document))
  const { misdeeds, page } = yield* (yield* browser.Browser).newPage({ viewport: { width, height: 900 } })
  const requests: Array<string> = []
  page.on("request", (request) => requests.push(request.url()))
  yield* Effect.promise(() => page.goto(pathToFileURL(file).href))
  return { document, misdeeds, page, requests }
})

layer(browser.layer)("the report in a browser", (it) => {
  for (const width of [1280, 390]) {
    it.effect(`can be read at ${width} pixels with few and with many names`, () =>
      Effect.gen(function*() {
        const reports = [
          ...width === 390 ? [reportOf({ agents: ["one"], samples: 30 })] : [],
          reportOf({ agents: many(20, "an-organisation/model"), tasks: many(15, "repository__issue"), samples: 400 })
        ]
        for (const report of reports) {
          const { misdeeds, page } = yield* opened(report, width)
          assert.deepStrictEqual(yield* Effect.promise(() => page.evaluate(crowded)), [])
          const overflow = yield* Effect.promise(() =>
            page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
          )
          assert.strictEqual(overflow, 0)
          assert.deepStrictEqual(misdeeds, { dialogs: [], elsewhere: [], errors: [] })
        }
      }))
  }

  it.effect("stays inert and asks for nothing, whatever agents are called and say", () =>
    Effect.gen(function*() {
      const report = reportOf({ agents: hostile, tasks: hostile, samples: 60, says: hostile.join(" ") })
      const { document, misdeeds, page, requests } = yield* opened(report, 1280)
      assert.lengthOf(requests, 1)
      assert.deepStrictEqual(yield* Effect.promise(() => page.evaluate(crowded)), [])
      assert.deepStrictEqual(misdeeds, { dialogs: [], elsewhere: [], errors: [] })
      // A figure as a file of its own is XML, where what is not well-formed is not shown at all.
      const files = figuresOf(document).map(({ draw }) => fileOf(draw(680)))
      const wrong = yield* Effect.promise(() =>
        page.evaluate(
          `${JSON.stringify(files)}.map((file) => new DOMParser().parseFromString(file, "image/svg+xml"))
            .filter((file) => file.querySelector("parsererror, script, [style], style") || file.documentElement.tagName !== "svg")
            .map((file) => file.documentElement.textContent.slice(0, 200))`
        )
      )
      assert.deepStrictEqual(wrong, [])
      for (const file of files) assert.notInclude(file, "var(--")
    }))

  it.effect("runs no script and takes no other style, even where somebody has put one in", () =>
    Effect.gen(function*() {
      const { page } = yield* opened(reportOf({ samples: 3 }), 1280)
      const found = yield* Effect.promise(() =>
        page.evaluate(`(() => {
          const script = document.createElement("script")
          script.textContent = "window.ran = true"
          document.body.append(script)
          const style = document.createElement("style")
          style.textContent = "body { outline: 7px solid red }"
          document.body.append(style)
          return [window.ran === true, getComputedStyle(document.body).outlineWidth === "7px",
            getComputedStyle(document.body).maxWidth === "1024px"]
        })()`)
      )
      assert.deepStrictEqual(found, [false, false, true])
    }))
})
