/** What flake.nix makes of package.json and package-lock.json, for those who have no Nix. */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"

/** The SHA-256 of the lock file below `root`, in hexadecimal digits, as `builtins.hashFile` tells it. */
export const lockHash = (root: string): string =>
  createHash("sha256").update(readFileSync(join(root, "package-lock.json"))).digest("hex")

type Versions = Readonly<Record<string, string>>

/**
 * The package.json that is installed from: peers are dependencies in their locked version. npm leaves out, with
 * `--omit=dev`, what is both a peer and a development dependency.
 */
export const manifestWithPeers = (text: string) => {
  const { peerDependencies = {}, scripts: _, ...manifest } = JSON.parse(text) as {
    readonly dependencies: Versions
    readonly devDependencies: Versions
    readonly peerDependencies?: Versions
    readonly scripts?: Versions
  }
  const development = Object.entries(manifest.devDependencies)
  return {
    ...manifest,
    dependencies: {
      ...manifest.dependencies,
      ...Object.fromEntries(development.filter(([name]) => name in peerDependencies))
    },
    devDependencies: Object.fromEntries(development.filter(([name]) => !(name in peerDependencies)))
  }
}
