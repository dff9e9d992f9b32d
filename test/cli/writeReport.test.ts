/** A report as files: each kind, and what is never written to. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { ReportKind } from "../../src/cli/reportKinds.ts"
import { writeReport } from "../../src/cli/writeReport.ts"
import { reportOf } from "../support/reports.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const report = reportOf({ samples: 30 })

const written = Effect.fnUntraced(function*(name: string, kind: ReportKind) {
  const folder = yield* temporaryDirectory
  const database = join(folder, "night.db")
  writeFileSync(database, "SQLite format 3\u0000 and a night")
  const said = yield* writeReport({ report, comparison: null, kind, file: join(folder, name), database })
  return { folder, said: said.replaceAll(`${folder}/`, ""), files: readdirSync(folder).toSorted() }
})

describe("writeReport", () => {
  it.effect("writes HTML as one file", () =>
    Effect.gen(function*() {
      const { files, folder, said } = yield* written("r.html", "html")
      assert.strictEqual(said, "r.html: report of campaign night as HTML")
      assert.deepStrictEqual(files, ["night.db", "r.html"])
      assert.match(readFileSync(join(folder, "r.html"), "utf8"), /^<!doctype html>[^]*<\/html>\n$/)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("writes Markdown with its figures beside it, and names no other", () =>
    Effect.gen(function*() {
      const { files, folder, said } = yield* written("my night.md", "markdown")
      assert.deepStrictEqual(files, ["my night-figures", "my night.md", "night.db"])
      const figures = readdirSync(join(folder, "my night-figures"))
      assert.isAbove(figures.length, 8)
      assert.include(said, `with ${figures.length} figures in my night-figures`)
      const shown = Array.from(
        readFileSync(join(folder, "my night.md"), "utf8").matchAll(/\]\(my%20night-figures\/(.*?)\)/g),
        ([, name]) => name!
      )
      assert.deepStrictEqual(shown.toSorted(), figures.toSorted())
      for (const figure of figures) {
        assert.match(readFileSync(join(folder, "my night-figures", figure), "utf8"), /^<svg [^]*<\/svg>\n$/)
      }
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("writes JSON that holds the whole report", () =>
    Effect.gen(function*() {
      const { folder } = yield* written("r.json", "json")
      assert.deepStrictEqual(
        JSON.parse(readFileSync(join(folder, "r.json"), "utf8")),
        JSON.parse(JSON.stringify(report))
      )
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("leaves the database alone, under whatever name, and leaves no half file", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryDirectory
      const database = join(folder, "night.db")
      const content = "SQLite format 3\u0000 and a night"
      writeFileSync(database, content)
      symlinkSync(database, join(folder, "r.html"))
      const error = yield* Effect.flip(
        writeReport({ report, comparison: null, kind: "html", file: join(folder, "r.html"), database })
      )
      assert.include(error.message, "belongs to the campaign's database and was left as it is")
      const nowhere = join(folder, "gone", "r.md")
      const failed = yield* Effect.flip(
        writeReport({ report, comparison: null, kind: "html", file: nowhere, database })
      )
      assert.include(failed.message, "there is no directory")
      assert.strictEqual(readFileSync(database, "utf8"), content)
      assert.isFalse(existsSync(join(folder, "gone")))
      assert.deepStrictEqual(readdirSync(folder).toSorted(), ["night.db", "r.html"])
    }).pipe(Effect.provide(NodeServices.layer)))
})
