/** What the command keeps of its compiled code makes it start sooner, and nothing else. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { run } from "../support/command.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

describe("the compile cache", () => {
  it.live("lies in the user's own directory, unless it is switched off or cannot", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const version = (environment: Record<string, string>) =>
        Effect.map(run(["--version"], { environment }), ({ code, stderr, stdout }) =>
          assert.deepStrictEqual([code, stderr, stdout.trim()], [0, "", "campaign v0.1.0"]))
      yield* version({ XDG_CACHE_HOME: directory, NODE_DISABLE_COMPILE_CACHE: "1" })
      assert.deepStrictEqual(readdirSync(directory), [])
      yield* version({ XDG_CACHE_HOME: directory })
      assert.isAbove(readdirSync(join(directory, "a2a-campaign"), { recursive: true }).length, 10)
      writeFileSync(join(directory, "file"), "")
      yield* version({ XDG_CACHE_HOME: join(directory, "file") })
      yield* version({ XDG_CACHE_HOME: "", HOME: join(directory, "file") })
    }))
})
