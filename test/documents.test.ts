/**
 * What the documents point to is there: files behind links, and the tests that are named as holding a claim. And a stranger
 * finds a way: every page begins with the question that it answers, and the index names every page.
 */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { root } from "./support/command.ts"

const documents = ["README.md", ...globSync("docs/*.md", { cwd: root })]
/** Written by a program, and itself an answer. */
const report = "docs/example-report.md"
const textOf = (document: string) => readFileSync(join(root, document), "utf8")

describe("the documents", () => {
  it("link to files that are there", () => {
    const dead = documents.flatMap((document) =>
      [...textOf(document).matchAll(/\]\(([^)#:\s]+)(?:#[^)\s]*)?\)/g)]
        .map(([, target]) => join(dirname(document), target!))
        .filter((target) => !existsSync(join(root, target)))
        .map((target) => `${document}: ${target}`)
    )
    assert.deepStrictEqual(dead, [])
  })

  it("begin with the question that they answer, in the title or in the first sentence below it", () => {
    const written = globSync("docs/*.md", { cwd: root }).filter((page) => !["docs/README.md", report].includes(page))
    const silent = written.filter((page) => {
      const [title, , first] = textOf(page).split("\n")
      return !/^# .+\?$/.test(title!) && !/^\*?[A-Z](?:[^.!?]|[.!](?! ))*\?/.test(first!)
    })
    assert.deepStrictEqual(silent, [])
  })

  it("tell in the README of every subpath that programs can import", () => {
    const { exports } = JSON.parse(textOf("package.json")) as { readonly exports: Readonly<Record<string, unknown>> }
    const told = textOf("README.md").split("## Inside your own service")[1]!.split("\n## ")[0]!
    const costs = textOf("docs/package.md")
    const subpaths = Object.keys(exports).filter((path) => path !== "./package.json").map((path) => path.slice(2))
    assert.deepStrictEqual(subpaths.filter((path) => !told.includes(`\`${path}\``)), [])
    assert.deepStrictEqual(subpaths.filter((path) => !costs.includes(`\n| \`${path}\` |`)), [], "what it costs")
  })

  it("are all in the index", () => {
    const index = textOf("docs/README.md")
    const pages = globSync("*.md", { cwd: join(root, "docs") }).filter((page) => page !== "README.md")
    assert.deepStrictEqual(pages.filter((page) => !index.includes(`](${page})`)), [])
  })

  it("name tests that are there: after a folder of tests the rest of a cell's list is of the same folder", () => {
    const folders = globSync("test/*/", { cwd: root }).map((path) => path.split("/")[1]!)
    const named = ["docs/architecture.md", "docs/liveness.md"].flatMap((document) =>
      textOf(document).split("\n").filter((line) => line.startsWith("|")).flatMap((line) => {
        let folder: string | undefined
        return line.split("|").at(-2)!.replaceAll(/\([^)]*\)/g, "").split(/[,;] /).flatMap((item) => {
          const [, given, name] = /^\s*(?:([\w/]+)\/)?(\w+)\b/.exec(item) ?? []
          folder = given ?? folder
          return folder === undefined || !folders.includes(folder.split("/")[0]!) ? [] : [`${folder}/${name}`]
        })
      })
    )
    assert.isAbove(named.length, 40)
    const missing = named.filter((test) =>
      !existsSync(join(root, "test", `${test}.test.ts`)) && !existsSync(join(root, "test", test))
    )
    assert.deepStrictEqual(missing, [])
  })
})
