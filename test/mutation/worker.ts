/**
 * A process that runs the tests of the reducer against one mutant after the other.
 *
 * Each mutant gets fresh copies of all modules of src/, test/ and bench/, loaded under URLs of their own; one of them is
 * the mutant's source, which exists only in this process. Libraries are loaded once. Properties are tried on the same few
 * cases each time, so that what is killed does not change from run to run.
 *
 * Gotcha: modules are never unloaded, so whoever starts this process replaces it after a while; and a mutant may never
 * come to an end, so they also have to end it.
 */
import * as Arbitrary from "effect/Arbitrary"
import { readFileSync } from "node:fs"
import { registerHooks } from "node:module"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { apply, type Mutant, withoutTypes } from "./Mutant.ts"
import { type Collected, takeCollected } from "./VitestShim.ts"

export interface Task {
  /** Path of the module from the root of the project, and what is changed in it; nothing is, without a mutant. */
  readonly file: string
  readonly mutant: Mutant | undefined
  /** Paths of the tests, in the order in which to run them. */
  readonly tests: ReadonlyArray<string>
}

export interface Answer {
  /** The first test that failed, and how; `undefined`: all passed. */
  readonly killedBy: string | undefined
}

const root = join(import.meta.dirname, "../..")
const shim = new URL("./VitestShim.ts", import.meta.url).href
const stripped = new Map<string, string>()
let turn = 0
let changed: { readonly path: string; readonly mutant: Mutant } | undefined

const sourceOf = (path: string): string => {
  const known = stripped.get(path)
  if (known !== undefined) return known
  const source = withoutTypes(readFileSync(path, "utf8"))
  stripped.set(path, source)
  return source
}

/** Tests share words with the bench. */
const isOurs = (path: string): boolean =>
  ["src", "test", "bench"].some((folder) => path.startsWith(join(root, folder))) &&
  !path.startsWith(import.meta.dirname)

registerHooks({
  resolve: (specifier, context, next) => {
    if (specifier === "vitest" && context.parentURL !== shim) return { url: shim, shortCircuit: true }
    const resolved = next(specifier, context)
    if (!resolved.url.startsWith("file:") || !isOurs(fileURLToPath(resolved.url))) return resolved
    const url = new URL(resolved.url)
    url.search = `turn=${turn}`
    return { ...resolved, url: url.href }
  },
  load: (url, context, next) => {
    if (!url.includes("?turn=")) return next(url, context)
    const path = fileURLToPath(url)
    const source = sourceOf(path)
    return {
      format: "module",
      source: changed?.path === path ? apply(source, changed.mutant) : source,
      shortCircuit: true
    }
  }
})

Arbitrary.configureGlobal({ check: { seed: 1, maxShrinks: 0 } })

const failureOf = async ({ name, run }: Collected): Promise<string | undefined> => {
  const controller = new AbortController()
  try {
    await run({ signal: controller.signal, onTestFinished: () => {} })
    return undefined
  } catch (error) {
    return `${name}: ${String(error instanceof Error ? error.message : error).split("\n")[0]}`
  }
}

const answer = async ({ file, mutant, tests }: Task): Promise<Answer> => {
  turn++
  changed = mutant === undefined ? undefined : { path: join(root, file), mutant }
  for (const path of tests) {
    takeCollected()
    try {
      await import(pathToFileURL(join(root, path)).href)
    } catch (error) {
      return { killedBy: `${path} cannot be loaded: ${String(error).split("\n")[0]}` }
    }
    for (const test of takeCollected()) {
      const failure = await failureOf(test)
      if (failure !== undefined) return { killedBy: failure }
    }
  }
  return { killedBy: undefined }
}

// What tests and failed effects print is of no interest here.
for (const method of ["log", "info", "warn", "error", "debug"] as const) console[method] = () => {}
process.on("unhandledRejection", () => {})

process.on("message", (task: Task) => {
  void answer(task).then((result) => process.send?.(result))
})
