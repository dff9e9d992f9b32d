/**
 * Reads the packed package as the tools and compilers of its users will: publint, and are-the-types-wrong for ESM. Prints
 * nothing and ends with 0 where both are content.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { packPackage } from "./packPackage.ts"

const folder = mkdtempSync(join(tmpdir(), "a2a-campaign-check-"))
try {
  const tarball = packPackage(folder)
  for (const [tool, ...flags] of [["publint", "--strict"], ["attw", "--profile", "esm-only", "--quiet"]]) {
    execFileSync(join(import.meta.dirname, "../node_modules/.bin", tool!), [tarball, ...flags], { stdio: "inherit" })
  }
} catch (cause) {
  // What is wrong has been said by those who found it.
  process.exitCode = 1
  if (!(cause instanceof Error) || !("status" in cause)) throw cause
} finally {
  rmSync(folder, { recursive: true, force: true })
}
