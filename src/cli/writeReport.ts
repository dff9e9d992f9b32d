/**
 * Writes a report as a file of its kind. Figures of a Markdown report are files in a folder beside it, and are written
 * first, so that it never names one that is not there.
 *
 * Gotcha: figures of an earlier report in that folder stay where this one has none of their name.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Stream from "effect/Stream"
import { basename, dirname, extname, join } from "node:path"
import type { Comparison } from "../report/Comparison.ts"
import { fileOf } from "../report/figures/drawChart.ts"
import { composeReport } from "../report/render/composeReport.ts"
import { figuresOf } from "../report/render/Document.ts"
import { renderHtml } from "../report/render/renderHtml.ts"
import { renderMarkdown } from "../report/render/renderMarkdown.ts"
import type { Report } from "../report/Report.ts"
import type { ReportKind } from "./reportKinds.ts"
import * as resultFile from "./resultFile.ts"

/** Pixels of a figure in a file. */
const FIGURE_WIDTH = 680

export interface WrittenReport {
  readonly report: Report
  readonly comparison: Comparison | null
  readonly kind: ReportKind
  readonly file: string
  /** Never written to. */
  readonly database: string
}

/** Gives one line that says what was written, and where. Fails with one that says why nothing could be. */
export const writeReport = Effect.fn("writeReport")(function*(written: WrittenReport) {
  const { comparison, database, file, kind, report } = written
  const write = (path: string, content: string) =>
    resultFile.write(path, database, Stream.make(new TextEncoder().encode(content)))
  const stands = report.header.isRunning ? "; it is running, and this is how it stood" : ""
  const what = `${file}: report of campaign ${report.header.campaign}`
  switch (kind) {
    case "json":
      yield* write(file, `${JSON.stringify({ ...report, ...comparison === null ? {} : { comparison } }, null, 1)}\n`)
      return `${what} as JSON${stands}`
    case "html":
      yield* write(file, renderHtml(composeReport(report, comparison)))
      return `${what} as HTML${stands}`
    case "markdown": {
      const document = composeReport(report, comparison)
      const folder = `${basename(file, extname(file))}-figures`
      const figures = figuresOf(document)
      const beside = join(dirname(file), folder)
      if (figures.length > 0) {
        const fileSystem = yield* FileSystem.FileSystem
        yield* Effect.mapError(
          fileSystem.makeDirectory(beside, { recursive: true }),
          resultFile.cannotBeWritten(beside)
        )
      }
      yield* Effect.forEach(
        figures,
        ({ draw, id }) => write(join(beside, `${id}.svg`), fileOf(draw(FIGURE_WIDTH))),
        { discard: true }
      )
      yield* write(file, renderMarkdown(document, { figurePath: (id) => `${encodeURIComponent(folder)}/${id}.svg` }))
      return `${what} as Markdown, with ${figures.length} figures in ${beside}${stands}`
    }
  }
})
