/**
 * Reads the packed package as the tools and compilers of its users will: publint, and are-the-types-wrong for ESM. Prints
 * nothing and ends with 0 where both are content.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { packPackage } from "./packPackage.ts"

const binaries = join(import.meta.dirname, "../node_modules/.bin")
const folder = mkdtempSync(join(tmpdir(), "a2a-campaign-check-"))
try {
  const tarball = packPackage(folder)
  for (const [tool, ...flags] of [["publint", "--strict"], ["attw", "--profile", "esm-only"]]) {
    const { status, stderr, stdout } = spawnSync(join(binaries, tool!), [tarball, ...flags], { encoding: "utf8" })
    if (status === 0) continue
    console.error(`${tool} finds fault with the package:\n${stdout}${stderr}`)
    process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
