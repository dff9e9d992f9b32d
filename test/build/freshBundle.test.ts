/** A bundle is used only while it is made of the source beside it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { freshBundle, look } from "../support/refreshBundle.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

/** A checkout with a bundle of its two files, one of which is not there. */
const checkout = (root: string) => {
  mkdirSync(join(root, "src"), { recursive: true })
  mkdirSync(join(root, "dist/command/made"), { recursive: true })
  const source = join(root, "src/a.ts")
  writeFileSync(source, "export {}")
  utimesSync(source, 1_000, 1_000)
  const inputs = look(root, ["src/a.ts", "node_modules/.package-lock.json"])
  writeFileSync(join(root, "dist/command/bundle.json"), JSON.stringify({ folder: "made", inputs }))
  return source
}

describe("the bundle of a checkout", () => {
  it.live("is used while nothing has changed that it was made of", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const source = checkout(root)
      const made = { folder: join(root, "dist/command/made"), isInstalled: false }
      assert.deepStrictEqual(freshBundle(root), made)

      writeFileSync(source, "export { }")
      utimesSync(source, 1_000, 1_000)
      assert.isUndefined(freshBundle(root), "another size")
      writeFileSync(source, "export {}")
      assert.isUndefined(freshBundle(root), "another time")
      utimesSync(source, 1_000, 1_000)
      assert.deepStrictEqual(freshBundle(root), made)

      mkdirSync(join(root, "node_modules"))
      writeFileSync(join(root, "node_modules/.package-lock.json"), "{}")
      assert.isUndefined(freshBundle(root), "other packages")
      rmSync(join(root, "node_modules"), { recursive: true })
      rmSync(source)
      assert.isUndefined(freshBundle(root), "a file less")
    }))

  it.live("is used where there is no source, and is none where it cannot be read", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const root = join(directory, "node_modules/a2a-campaign")
      const source = checkout(root)
      writeFileSync(source, "another")
      assert.isTrue(freshBundle(root)?.isInstalled)
      const elsewhere = join(directory, "elsewhere")
      rmSync(checkout(elsewhere))
      assert.isUndefined(freshBundle(elsewhere))
      rmSync(join(elsewhere, "src"), { recursive: true })
      assert.isTrue(freshBundle(elsewhere)?.isInstalled)
      writeFileSync(join(elsewhere, "dist/command/bundle.json"), "{")
      assert.isUndefined(freshBundle(elsewhere))
      assert.isUndefined(freshBundle(join(directory, "nowhere")))
    }))
})
