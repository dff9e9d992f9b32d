/** What the comments of public modules and the documents show is type checked, runs, and prints what it says. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { root } from "../support/command.ts"
import { blocksOfDocuments, examplesOfComments, write } from "./Examples.ts"

const blocks = blocksOfDocuments()
const examples = [...examplesOfComments(), ...blocks.filter(({ isWhole }) => isWhole)]

describe("examples in comments and documents", () => {
  const folder = mkdtempSync(join(tmpdir(), "a2a-campaign-"))
  write(folder, examples)
  afterAll(() => rmSync(folder, { recursive: true }))

  it("are there, and each says what it prints", () => {
    assert.isNotEmpty(examples)
    assert.deepStrictEqual(examples.filter(({ prints }) => prints.length === 0).map(({ name }) => name), [])
  })

  it("are type checked", () => {
    const { stdout } = spawnSync(
      process.execPath,
      [join(root, "node_modules/typescript/bin/tsc"), "--noEmit", "-p", join(folder, "tsconfig.json")],
      { encoding: "utf8" }
    )
    const named = stdout.replaceAll(/\S*example(\d+)\.ts/g, (_, index: string) => examples[Number(index)]!.name)
    assert.strictEqual(named, "")
  })

  it("run, and print what they say", () => {
    const { stderr, stdout } = spawnSync(
      process.execPath,
      ["--no-warnings", "--conditions=a2a-campaign-source", "runner.mjs"],
      { cwd: folder, encoding: "utf8", timeout: 50_000 }
    )
    assert.match(stdout, /^\[.*\]\n$/, stderr)
    const printed = JSON.parse(stdout) as ReadonlyArray<ReadonlyArray<string>>
    assert.deepStrictEqual(
      examples.map(({ name }, index) => ({ name, prints: printed[index] })),
      examples.map(({ name, prints }) => ({ name, prints }))
    )
  })

  it("that are pieces stand somewhere as a whole", () => {
    const squeezed = (text: string) => text.replaceAll(/\s+/g, " ").trim()
    const whole = squeezed(
      ["examples/*.ts", "src/**/*.ts", "test/**/*.ts"].flatMap((pattern) => globSync(pattern, { cwd: root }))
        .map((file) => readFileSync(join(root, file), "utf8")).join("\n")
    )
    const strange = blocks.filter(({ isWhole, program }) => !isWhole && !whole.includes(squeezed(program)))
    assert.deepStrictEqual(strange.map(({ name }) => name), [])
  })
})
