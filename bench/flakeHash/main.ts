/**
 * `node bench/flakeHash/main.ts`: fetches the packages that the sources import, as flake.nix does, and writes their hash into
 * flake.dependencies.json. To be run after every change of package-lock.json, and after the first import of a package; it takes some seconds and
 * needs npm, not Nix.
 */
import { spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { archiveHash } from "./archiveHash.ts"
import { importedPackages, lockHash, manifestOf } from "./lockedPackages.ts"

const root = join(import.meta.dirname, "../..")
const folder = mkdtempSync(join(tmpdir(), "flake-hash-"))

try {
  const packages = importedPackages(root)
  const manifest = manifestOf(readFileSync(join(root, "package.json"), "utf8"), packages)
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest))
  copyFileSync(join(root, "package-lock.json"), join(folder, "package-lock.json"))
  const { status } = spawnSync("npm", ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"]
  })
  if (status === 0) {
    rmSync(join(folder, "node_modules/.package-lock.json"))
    mkdirSync(join(folder, "output"))
    renameSync(join(folder, "node_modules"), join(folder, "output/node_modules"))
    const hash = archiveHash(join(folder, "output"))
    const text = `${JSON.stringify({ lock: lockHash(root), hash, packages }, null, 2)}\n`
    writeFileSync(join(root, "flake.dependencies.json"), text)
    process.stdout.write(text)
  } else {
    process.stderr.write("flakeHash: npm could not install what package-lock.json says; nothing was written\n")
    process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
