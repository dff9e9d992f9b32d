/**
 * Packs the package as for a release: from a copy of the checkout in which nothing has been built yet, so that the tarball
 * has what `npm pack` makes of a fresh clone, and no bundle of a checkout disappears under a command that runs.
 */
import { execFileSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")

/** What no package is made of. */
const LEFT_OUT = new Set([".git", "dist", "node_modules", "test", "bench"])

/** Packs into a folder, and gives the path of the tarball. Throws with what npm said where that fails. */
export const packPackage = (destination: string): string => {
  const copy = mkdtempSync(join(tmpdir(), "a2a-campaign-pack-"))
  try {
    for (const name of readdirSync(root)) {
      if (!LEFT_OUT.has(name)) cpSync(join(root, name), join(copy, name), { recursive: true })
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
    mkdirSync(destination, { recursive: true })
    execFileSync("npm", ["pack", "--silent", "--pack-destination", destination], {
      cwd: copy,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"]
    })
    return join(destination, readdirSync(destination).find((name) => name.endsWith(".tgz"))!)
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}
