/** What the documents point to is there: files behind links, and the tests that are named as holding a claim. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { root } from "./support/command.ts"

const documents = ["README.md", ...globSync("docs/*.md", { cwd: root })]
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
