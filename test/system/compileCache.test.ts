/** What the command keeps of its compiled code makes it start sooner, and nothing else. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { root, run } from "../support/command.ts"
import { bundleFolder } from "../support/refreshBundle.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

/** The command as a package has it: without its source, and without any other package. */
const installed = (directory: string) => {
  const folder = join(directory, "node_modules/a2a-campaign")
  mkdirSync(folder, { recursive: true })
  for (const part of ["bin", "package.json", "dist/command"]) {
    cpSync(join(root, part), join(folder, part), {
      recursive: true,
      filter: (path) => basename(path) !== "compiled"
    })
  }
  return join(folder, "bin/campaign")
}

const version = (environment: Record<string, string>, script?: string) =>
  Effect.map(
    run(["--version"], {
      environment: { NODE_COMPILE_CACHE: "", ...environment },
      ...(script === undefined ? {} : { script })
    }),
    ({ code, stderr, stdout }) => assert.deepStrictEqual([code, stderr, stdout.trim()], [0, "", "campaign v0.1.0"])
  )

describe("the compile cache", () => {
  it.live("of a package lies in the user's own directory, unless it is switched off or cannot", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const script = installed(directory)
      const caches = join(directory, "caches")
      yield* version({ XDG_CACHE_HOME: caches, NODE_DISABLE_COMPILE_CACHE: "1" }, script)
      assert.isFalse(existsSync(caches))
      yield* version({ XDG_CACHE_HOME: caches }, script)
      assert.isAbove(readdirSync(join(caches, "a2a-campaign"), { recursive: true }).length, 1)
      writeFileSync(join(directory, "file"), "")
      yield* version({ XDG_CACHE_HOME: join(directory, "file") }, script)
      yield* version({ XDG_CACHE_HOME: "", HOME: join(directory, "file") }, script)
    }))

  it.live("of a checkout lies beside the bundle that it belongs to", () =>
    Effect.gen(function*() {
      const caches = join(yield* temporaryDirectory, "caches")
      yield* version({ XDG_CACHE_HOME: caches })
      assert.isFalse(existsSync(caches))
      assert.isAbove(readdirSync(join(bundleFolder(), "compiled"), { recursive: true }).length, 1)
    }))
})
