/**
 * Bundles the command: `dist/command/NAME/` holds all that it runs, our own and other packages', and
 * `dist/command/bundle.json` names that folder and what it was made of (see `bin/freshBundle.cjs`, which reads it).
 *
 * Beside the files of the command lie those that it starts or reads by their names: the thread of the store, the programs
 * of the graders, the page. Each is a bundle of its own and shares nothing with the command, which would begin in it.
 *
 * Laws: a bundle is complete before it is named, and earlier ones stay for a while, since a command that runs may still
 * load a part of its own; what was made of the same sources is the same folder.
 */
import { createHash } from "node:crypto"
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { createRequire } from "node:module"
import { basename, join, relative, sep } from "node:path"
import { type OutputChunk, type OutputOptions, rolldown, type RolldownOptions } from "rolldown"
import { chunkLayers } from "./chunkLayers.ts"
import { licenses } from "./licenses.ts"
import { lighterModules } from "./lighterModules.ts"

/** See there. */
type Looked = readonly [file: string, size: number | null, changed: number | null]
const { look } = createRequire(import.meta.url)("../bin/freshBundle.cjs") as {
  readonly look: (root: string, files: ReadonlyArray<string>) => ReadonlyArray<Looked>
}

/** Started or read by their names, which modules look for beside themselves. */
const PROGRAMS = ["src/campaign/sqliteThread.ts", "src/grading/SandboxProgram.ts", "src/grading/JsonSchemaProgram.ts"]
const PAGE = "src/web/page"
/** What else decides what a bundle is. */
const OTHER_INPUTS = ["package-lock.json", "node_modules/.package-lock.json", "bin/freshBundle.cjs"]
/** So many bundles stay, whoever may still run one. */
const KEPT = 8

const common = {
  platform: "node",
  external: [/^node:/],
  // By the paths that are written: where a link to a package leads is nobody's business who reads the bundle.
  resolve: { symlinks: false }
} as const satisfies RolldownOptions
// Without comments the files are half as large; without any other change a trace of a stack can be read.
const output = { format: "esm", comments: false } as const satisfies OutputOptions

const write = async (input: RolldownOptions, options: OutputOptions): Promise<ReadonlyArray<OutputChunk>> => {
  const bundle = await rolldown({
    ...input,
    onLog: (level, log) => {
      if (level === "warn") throw new Error(`the bundler warns: ${log.message}`)
    }
  })
  try {
    const written = await bundle.write({ ...output, ...options })
    return written.output.filter((part) => part.type === "chunk")
  } finally {
    await bundle.close()
  }
}

const nameOfLayer = (first: string) => basename(first, ".ts")

const command = (root: string, folder: string) => {
  let layerOf: ReadonlyMap<string, string> = new Map()
  return write({
    ...common,
    cwd: root,
    input: { main: "src/cli/main.ts" },
    preserveEntrySignatures: "allow-extension",
    plugins: [lighterModules(), {
      name: "layers",
      buildEnd() {
        layerOf = chunkLayers(join(root, "src/cli/main.ts"), (id) => {
          const module = this.getModuleInfo(id)
          return module === null || id.startsWith("node:")
            ? undefined
            : { imports: module.importedIds, later: module.dynamicallyImportedIds }
        })
        const layers = Array.from(new Set(layerOf.values()), nameOfLayer)
        if (new Set(layers).size < layers.length) throw new Error(`two layers have the same name: ${layers.join(", ")}`)
      }
    }]
  }, {
    dir: folder,
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
    // What is in no layer the bundler itself has added.
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{
        debugName: "layers",
        name: (id) => {
          const first = layerOf.get(id)
          return first === undefined ? null : nameOfLayer(first)
        }
      }]
    }
  })
}

const program = (root: string, folder: string, input: string) =>
  write({ ...common, cwd: root, input }, { file: join(folder, `${basename(input, ".ts")}.js`), codeSplitting: false })

const page = (root: string, folder: string) =>
  write(
    { cwd: root, platform: "browser", input: join(PAGE, "main.ts") },
    { file: join(folder, "page/main.js"), codeSplitting: false }
  )

/** A name that says what is in a folder. */
const nameOf = (folder: string): string => {
  const hash = createHash("sha256")
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted()) {
    if (statSync(join(folder, file)).isFile()) hash.update(`${file}\n`).update(readFileSync(join(folder, file)))
  }
  return hash.digest("hex").slice(0, 12)
}

/** Where the very same is there already, or somebody else has just made it, that stays, and is new again. */
const keepAs = (made: string, folder: string): void => {
  try {
    renameSync(made, folder)
  } catch (cause) {
    if (!existsSync(folder)) throw cause
    const { atime, mtime } = statSync(made)
    utimesSync(folder, atime, mtime)
  }
}

/** Away with all but the newest, among which are those that somebody is making. */
const forgetOld = (commands: string): void => {
  const bundles = readdirSync(commands, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ path: join(commands, name), changed: statSync(join(commands, name)).mtimeMs }))
    .toSorted((a, b) => b.changed - a.changed)
  for (const { path } of bundles.slice(KEPT)) rmSync(path, { recursive: true, force: true })
}

/** Bundles the command of a checkout, and names what it has made. */
export const bundleCommand = async (root: string): Promise<string> => {
  const commands = join(root, "dist/command")
  mkdirSync(commands, { recursive: true })
  const made = mkdtempSync(join(commands, ".new-"))
  try {
    const files = readdirSync(join(root, PAGE)).map((name) => join(PAGE, name))
    const ours = [
      ...PROGRAMS,
      ...files,
      ...readdirSync(join(root, "build")).map((name) => join("build", name)),
      ...OTHER_INPUTS
    ]
    // Looked at before they are read: a file that changes meanwhile makes the bundle old at once.
    const before = new Map(look(root, [...sourcesOf(root), ...ours]).map((looked) => [looked[0], looked]))
    const chunks = (await Promise.all([
      command(root, made),
      page(root, made),
      ...PROGRAMS.map((input) => program(root, made, input))
    ])).flat()
    for (const file of files) if (!file.endsWith(".ts")) cpSync(join(root, file), join(made, "page", basename(file)))

    const modules = new Set(chunks.flatMap(({ moduleIds }) => moduleIds.filter((id) => !id.startsWith("\0"))))
    writeFileSync(join(made, "THIRD_PARTY_LICENSES"), licenses(modules))
    const sources = Array.from(modules, (id) => relative(root, id).replaceAll(sep, "/"))
    const inputs = [...new Set([...sources, ...ours])].toSorted().flatMap((file) => {
      const looked = before.get(file)
      return looked === undefined ? [] : [looked]
    })
    chmodSync(made, 0o755)
    const name = nameOf(made)
    keepAs(made, join(commands, name))
    const description = join(commands, `.${basename(made)}.json`)
    writeFileSync(description, `${JSON.stringify({ folder: name, inputs })}\n`)
    renameSync(description, join(commands, "bundle.json"))
    forgetOld(commands)
    return join(commands, name)
  } finally {
    rmSync(made, { recursive: true, force: true })
  }
}

const sourcesOf = (root: string): ReadonlyArray<string> =>
  readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => `src/${file.replaceAll(sep, "/")}`)
