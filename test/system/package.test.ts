/**
 * The package as its users have it: packed from source of which nothing has been built, installed into an empty folder,
 * compiled against and run there.
 *
 * Gotcha: it installs from the registry, or from what npm keeps of it.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFile, type ExecFileException } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { packPackage } from "../../build/packPackage.ts"
import { root, run, start } from "../support/command.ts"

interface Ended {
  readonly code: number
  readonly output: string
}

const execute = (command: string, args: ReadonlyArray<string>, directory: string): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(command, args, { cwd: directory }, (error: ExecFileException | null, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr })
    })
  })

/** What `package.json` lets programs import, as they write it. */
const subpaths = Object.keys(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).exports)
  .filter((subpath) => subpath !== "./package.json")
  .map((subpath) => subpath.replace(".", "a2a-campaign"))

/** Takes everything by its type, starts every program that lies beside a module, and tries what it must not reach. */
const consumer = `${subpaths.map((subpath, index) => `import * as module${index} from "${subpath}"`).join("\n")}
import { CampaignStore } from "a2a-campaign/CampaignStore"
import { Grader } from "a2a-campaign/Grader"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

const modules: ReadonlyArray<object> = [${subpaths.map((_, index) => `module${index}`).join(", ")}]

const graded = Effect.gen(function*() {
  const grader = yield* Grader
  const twice = yield* grader.grade({
    id: "twice",
    prompt: "Write twice(number).",
    grader: { _tag: "JavaScriptTests", functionName: "twice", tests: [{ arguments: [21], expected: 42 }] }
  }, "const twice = (number) => 2 * number")
  const shaped = yield* grader.grade({
    id: "shape",
    prompt: "Answer with a JSON object.",
    grader: { _tag: "JsonSchema", schema: { type: "object", required: ["a"] } }
  }, "{\\"a\\": 1}")
  return [twice.score, shaped.score] as const
})
const stored = Effect.provide(
  CampaignStore.use((store) => store.load),
  CampaignStore.layerExclusive({ filename: "library.db", create: true, ownThread: true })
)
const refused = Effect.forEach(
  ["", "/Liveness.ts", "/dist/liveness/Liveness.js", "/src/liveness/Liveness.ts", "/bin/campaign"],
  (path) =>
    Effect.promise(() =>
      import(\`a2a-campaign\${path}\`).then(() => "reached", (error: { readonly code: string }) => error.code)
    )
)
const scores: readonly [number, number] = await Effect.runPromise(Effect.provide(graded, Grader.layer))
console.log(JSON.stringify({
  empty: modules.filter((module) => Object.keys(module).length === 0).length,
  scores,
  stored: Option.isNone(await Effect.runPromise(stored)),
  refused: await Effect.runPromise(refused)
}))
`

const settings = (moduleOptions: object) => ({
  compilerOptions: {
    ...moduleOptions,
    target: "es2024",
    lib: ["es2024", "esnext.disposable", "dom"],
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true
  },
  files: ["consumer.ts"]
})

/** One battle of each grader that has a program of its own. */
const campaign = `name = "packed"
repeat = 1
built-in-tasks = ["run-length"]
[[task]]
id = "shape"
prompt = "Answer with a JSON object."
grader = { kind = "json-schema", schema = { type = "object" } }
`

const folder = mkdtempSync(join(tmpdir(), "a2a-campaign-use-"))
const installed = join(folder, "node_modules/a2a-campaign")

describe("the package, installed into an empty folder", () => {
  beforeAll(async () => {
    const tarball = packPackage(join(folder, "packed"))
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }))
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]
    const { code, output } = await execute("npm", ["install", ...flags, tarball], folder)
    assert.strictEqual(code, 0, output)
  }, 300_000)

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it("has what it needs and nothing of this machine", () => {
    for (const part of ["README.md", "LICENSE", "CHANGELOG.md", "docs/liveness.md", "examples/guardedStream.ts"]) {
      assert.isTrue(existsSync(join(installed, part)), part)
    }
    for (const part of ["src", "test", "bench", "build"]) assert.isFalse(existsSync(join(installed, part)), part)
    const bundles = readdirSync(join(installed, "dist/command")).filter((name) => name !== "bundle.json")
    assert.strictEqual(bundles.length, 1)
    const licenses = readFileSync(join(installed, "dist/command", bundles[0]!, "THIRD_PARTY_LICENSES"), "utf8")
    for (const name of ["effect", "openai", "@a2a-js/sdk", "undici", "@observablehq/plot", "d3-array", "ajv"]) {
      assert.match(licenses, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\((MIT|ISC|Apache-2\\.0)\\)\n\n`, "m"))
    }
    const files = readdirSync(join(installed, "dist"), { recursive: true, encoding: "utf8" })
    for (const file of files) {
      if (!/\.(js|ts|json)$/.test(file)) continue
      const text = readFileSync(join(installed, "dist", file), "utf8")
      for (const trace of [root, "sourceMappingURL", "/node_modules/effect/"]) assert.notInclude(text, trace, file)
    }
  })

  it("compiles with a strict program, as Node resolves modules and as bundlers do, and runs", async () => {
    writeFileSync(join(folder, "consumer.ts"), consumer)
    const ways = {
      nodenext: { module: "nodenext" },
      bundler: { module: "esnext", moduleResolution: "bundler" }
    }
    for (const [way, options] of Object.entries(ways)) {
      writeFileSync(join(folder, `${way}.json`), JSON.stringify(settings(options)))
      const checked = await execute(process.execPath, [
        join(root, "node_modules/typescript/bin/tsc"),
        "-p",
        `${way}.json`
      ], folder)
      assert.deepStrictEqual(checked, { code: 0, output: "" }, way)
    }
    const { code, output } = await execute(process.execPath, ["--no-warnings", "consumer.ts"], folder)
    assert.strictEqual(code, 0, output)
    assert.deepStrictEqual(JSON.parse(output), {
      empty: 0,
      scores: [1, 1],
      stored: true,
      refused: Array.from({ length: 5 }, () => "ERR_PACKAGE_PATH_NOT_EXPORTED")
    })
  })

  it.live("has a command that plays a campaign, shows it and reports it", () =>
    Effect.gen(function*() {
      const directory = join(folder, "campaigns")
      mkdirSync(directory)
      writeFileSync(join(directory, "campaign.toml"), campaign)
      const version = yield* run(["--version"], { script: join(folder, "node_modules/.bin/campaign"), directory })
      assert.deepStrictEqual([version.code, version.stdout], [0, "campaign v0.1.0\n"])
      // From here on without any other package, as a container may have it.
      const alone = join(folder, "alone")
      for (const part of ["bin", "dist/command", "package.json"]) {
        cpSync(join(installed, part), join(alone, part), { recursive: true })
      }
      const options = { script: join(alone, "bin/campaign"), directory }

      const command = "run -c campaign.toml --db c.db --web-port 0 --ui plain --json"
      const playing = yield* start(command.split(" "), options)
      const [, dashboard] = yield* playing.line(/dashboard at (\S+)/)
      for (const [path, type] of [["", "text/html"], ["main.js", "text/javascript"], ["page.css", "text/css"]]) {
        const answer = yield* Effect.promise(() => fetch(`${dashboard}${path}`))
        assert.strictEqual(answer.status, 200, path)
        assert.include(answer.headers.get("content-type"), type!)
      }
      assert.strictEqual(yield* playing.exit, 0, playing.stderr())
      const summary = JSON.parse(playing.stdout())
      assert.deepStrictEqual(summary.battles, { planned: 2, scored: 2, unscored: 0, pending: 0 })

      const status = yield* run(["status", "--db", "c.db"], options)
      assert.include(status.stdout, "2/2 done")
      const report = yield* run(["report", "--db", "c.db", "-o", "c.html"], options)
      assert.strictEqual(report.code, 0, report.stderr)
      assert.include(readFileSync(join(directory, "c.html"), "utf8"), "<svg")
    }))
})
