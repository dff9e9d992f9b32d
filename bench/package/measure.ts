/**
 * Packs the package, installs it into an empty folder, and imports each of its modules there in fresh processes.
 *
 * Gotcha: modules are counted in a process of their own, since counting takes time.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { packPackage } from "../../build/packPackage.ts"
import { BenchError } from "../support/BenchError.ts"
import type { Imported, Installed, Loaded, Measured } from "./Results.ts"

/** In a folder in which the package is installed. With "count" it says what was loaded and not how long it took. */
const PROGRAM = `
const [specifier, count] = process.argv.slice(1)
await import("effect/Effect")
await import("effect/Stream")
const urls = []
if (count) {
  (await import("node:module")).registerHooks({ load: (url, context, next) => { urls.push(url); return next(url, context) } })
}
gc()
const heap = process.memoryUsage().heapUsed
const began = performance.now()
await import(specifier)
const millis = performance.now() - began
gc()
const packageOf = (url) => /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1]
console.log(JSON.stringify({
  millis,
  heapBytes: process.memoryUsage().heapUsed - heap,
  modules: urls.length,
  packages: [...new Set(urls.map(packageOf))].filter((name) => name && name !== "effect" && name !== "a2a-campaign").sort()
}))
`

const execute = (command: string, args: ReadonlyArray<string>, directory: string) =>
  Effect.callback<string, BenchError>((resume) => {
    execFile(command, args, { cwd: directory, maxBuffer: 1e8 }, (error, stdout, stderr) => {
      resume(
        error === null
          ? Effect.succeed(stdout)
          : Effect.fail(new BenchError({ message: `${command} ${args[0]}: ${stderr.trim()}`, exitCode: 1 }))
      )
    })
  })

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "bench-package-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

const bytesOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .reduce((bytes, file) => bytes + statSync(join(folder, file)).blocks * 512, 0)

/** By their names; packages within packages count to the outer one. */
const installedIn = (modules: string): ReadonlyArray<Installed> =>
  readdirSync(modules).filter((name) => !name.startsWith("."))
    .flatMap((name) =>
      name.startsWith("@") ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : [name]
    )
    .map((name) => ({ name, bytes: bytesOf(join(modules, name)) }))
    .toSorted((a, b) => b.bytes - a.bytes)

const load = Effect.fnUntraced(function*(directory: string, specifier: string, count: boolean) {
  const args = ["--expose-gc", "--no-warnings", "--input-type=module", "--eval", PROGRAM, specifier]
  const line = yield* execute(process.execPath, count ? [...args, "count"] : args, directory)
  return JSON.parse(line) as Loaded
})

/** The baseline is an import of what is loaded already. */
export const measure = Effect.fnUntraced(function*({ times }: { readonly times: number }) {
  const directory = yield* temporaryDirectory
  const tarball = yield* Effect.try({
    try: () => packPackage(join(directory, "packed")),
    catch: () => new BenchError({ message: "the package cannot be packed", exitCode: 1 })
  })
  writeFileSync(join(directory, "package.json"), JSON.stringify({ private: true, type: "module" }))
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]
  yield* execute("npm", ["install", ...flags, tarball], directory)
  const modules = join(directory, "node_modules")
  const { exports } = JSON.parse(readFileSync(join(modules, "a2a-campaign/package.json"), "utf8")) as {
    readonly exports: Record<string, unknown>
  }
  const specifiers = Object.keys(exports).filter((subpath) => subpath !== "./package.json")
    .map((subpath) => subpath.replace(".", "a2a-campaign"))
  const imports: Array<Imported> = []
  for (const specifier of ["effect/Stream", ...specifiers]) {
    const counted = yield* load(directory, specifier, true)
    const timed = yield* Effect.replicateEffect(load(directory, specifier, false), times)
    imports.push({
      specifier,
      loaded: timed.map((one) => ({ ...one, modules: counted.modules, packages: counted.packages }))
    })
    yield* Console.error(`${specifier}: done`)
  }
  return {
    packedBytes: statSync(tarball).size,
    installed: installedIn(modules),
    imports
  } satisfies Measured as Measured
}, Effect.scoped)
