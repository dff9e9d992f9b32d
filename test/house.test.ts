/** The rules of the house that a machine can check: who may import whom, and one version everywhere. */
import { assert, describe, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { version } from "../src/version.ts"

const root = join(import.meta.dirname, "..")

/**
 * In the order in which a token travels; a folder may import those after it. The two views stand beside each other; the page
 * counts as the terminal does, so `web` stands above. `grading` stands below `agents`, and `text`,
 * which knows words and nothing of engines, below all.
 */
const order = [
  "cli",
  "web",
  "terminal",
  "report",
  "campaign",
  "probe",
  "agents",
  "grading",
  "tap",
  "a2a",
  "engine",
  "telemetry",
  "testing",
  "liveness",
  "token",
  "text"
]

const imports = globSync("src/**/*.ts", { cwd: root }).flatMap((file) =>
  [...readFileSync(join(root, file), "utf8").matchAll(/from "(\.[^"]+)"/g)].map(([, target]) => ({
    file,
    from: folderOf(file),
    to: folderOf(relative(root, join(root, dirname(file), target!)))
  }))
)

function folderOf(path: string): string {
  const parts = path.split("/")
  return parts.length > 2 ? parts[1]! : ""
}

describe("the house", () => {
  it("has imports that point only downward", () => {
    const upward = imports.filter(({ from, to }) =>
      order.includes(from) && order.includes(to) && order.indexOf(to) < order.indexOf(from)
    )
    assert.deepStrictEqual(upward, [])
  })

  it("keeps the simulator an independent reading of vLLM: only the command starts it", () => {
    const wrong = imports.filter(({ from, to }) =>
      (from === "simulator" && to !== "simulator" && to !== "text") ||
      (to === "simulator" && from !== "simulator" && from !== "cli")
    )
    assert.deepStrictEqual(wrong, [])
  })

  it("keeps the testing kit apart: nobody of ours needs it, and it needs the liveness logic only", () => {
    const wrong = imports.filter(({ from, to }) =>
      (to === "testing" && from !== "testing") ||
      (from === "testing" && !["testing", "liveness", "token"].includes(to))
    )
    assert.deepStrictEqual(wrong, [])
  })

  it("has a place for every folder", () => {
    const folders = new Set(globSync("src/*/", { cwd: root }).map((path) => path.split("/")[1]))
    for (const folder of folders) assert.include([...order, "simulator"], folder)
  })

  it("has one version", () => {
    assert.strictEqual(version, JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version)
  })

  it("pins every dependency exactly and names no registry", () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
    for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies })) {
      assert.match(String(range), /^(npm:@[\w./-]+@)?\d+\.\d+\.\d+$/, name)
    }
    assert.notInclude(readFileSync(join(root, "package-lock.json"), "utf8"), "\"resolved\"")
  })
})
