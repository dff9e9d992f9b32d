/**
 * The programs that comments and documents show: every `@example` of a public module, and every block of TypeScript in a
 * document that imports what it uses.
 *
 * Each is a whole program. What it prints on stdout stands in its own last lines, as comments: `// prints: three tokens`.
 * They are written into an own folder whose `node_modules` holds this package and what it depends on, as a user's does, type
 * checked together, and run one after the other in one process, because starting takes longer than most of them.
 */
import { globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../support/command.ts"
import { publicModules } from "./PublicSurface.ts"

export interface Example {
  /** Where it stands. */
  readonly name: string
  readonly program: string
  /** What it says that it prints. */
  readonly prints: ReadonlyArray<string>
}

const PRINTS = /^\/\/ prints: ?(.*)$/gm

const exampleOf = (name: string, program: string): Example => ({
  name,
  program,
  prints: [...program.matchAll(PRINTS)].map(([, line]) => line!)
})

/** The texts after `@example`, up to the next tag or the end. */
const examplesIn = (comment: string): ReadonlyArray<string> =>
  comment.split(/^@/m).slice(1).filter((part) => part.startsWith("example")).map((part) =>
    part.replace(/^example.*\n/, "").replace(/^```\w*\n?|```\s*$/gm, "").trim()
  )

/** Those of comments, by what they belong to. A name that several modules hand on is taken once. */
export const examplesOfComments = (): ReadonlyArray<Example> => {
  const found = new Map<string, Example>()
  for (const { exports, header, specifier } of publicModules()) {
    const comments = [{ name: "its head", comment: header }, ...exports]
    for (const { comment, name } of comments) {
      for (const program of examplesIn(comment)) {
        if (!found.has(program)) found.set(program, exampleOf(`${specifier}, ${name}`, program))
      }
    }
  }
  return [...found.values()]
}

const BLOCK = /^( *)```ts\n([\s\S]*?)^ *```$/gm

/** Blocks of TypeScript in the documents. Those without an import are pieces of something that stands elsewhere. */
export const blocksOfDocuments = () =>
  ["README.md", ...globSync("docs/*.md", { cwd: root })].flatMap((document) => {
    const text = readFileSync(join(root, document), "utf8")
    return [...text.matchAll(BLOCK)].map(({ 1: indent, 2: block, index }) => {
      const name = `${document}:${text.slice(0, index).split("\n").length}`
      const program = block!.replaceAll(new RegExp(`^${indent}`, "gm"), "")
      return { ...exampleOf(name, program), isWhole: /^import /m.test(program) }
    })
  })

const fileOf = (index: number): string => `example${index}.ts`

/** Writes them into the folder, so that they can be checked and run there; `runner.ts` runs them all. */
export const write = (folder: string, examples: ReadonlyArray<Example>): void => {
  const modules = join(folder, "node_modules")
  mkdirSync(modules, { recursive: true })
  symlinkSync(root, join(modules, "a2a-campaign"))
  for (const name of ["effect", "@effect", "openai", "@types", "undici-types", "vitest"]) {
    symlinkSync(join(root, "node_modules", name), join(modules, name))
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "examples", private: true, type: "module" }))
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: { noUnusedLocals: false, plugins: [], typeRoots: [join(root, "node_modules/@types")] },
      include: ["example*.ts"],
      exclude: []
    })
  )
  examples.forEach(({ program }, index) => writeFileSync(join(folder, fileOf(index)), `${program}\nexport {}\n`))
  writeFileSync(
    join(folder, "runner.mjs"),
    `const printed = []
const log = console.log
for (const file of ${JSON.stringify(examples.map((_, index) => `./${fileOf(index)}`))}) {
  const lines = []
  console.log = (...values) => lines.push(...values.map(String).join(" ").split("\\n"))
  try { await import(file) } catch (error) { lines.push("failed: " + (error?.stack ?? error)) }
  printed.push(lines)
}
console.log = log
log(JSON.stringify(printed))
process.exit(0)
`
  )
}
