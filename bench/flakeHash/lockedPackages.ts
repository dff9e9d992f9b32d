/** What flake.nix makes of package.json and package-lock.json, for those who have no Nix. */
import { createHash } from "node:crypto"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** The SHA-256 of the lock file below `root`, in hexadecimal digits, as `builtins.hashFile` tells it. */
export const lockHash = (root: string): string =>
  createHash("sha256").update(readFileSync(join(root, "package-lock.json"))).digest("hex")

/** The packages of package.json that the sources below `root` import: what the command needs where it runs from them. */
export const importedPackages = (root: string): ReadonlyArray<string> => {
  const imports = globSync("src/**/*.ts", { cwd: root }).flatMap((file) =>
    [...readFileSync(join(root, file), "utf8").matchAll(IMPORT)].map(([, name]) => name!)
  )
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Declared
  return Object.keys({ ...dependencies, ...devDependencies }).filter((name) => imports.includes(name)).toSorted()
}

/** The package of an import that is no comment, static or when it is needed. */
const IMPORT = /^(?! *(?:\*|\/\/)).*(?:\bfrom|\bimport|import\() ?"((?:@[\w.-]+\/)?[\w.-]+)(?:\/[^"]*)?"/gm

type Versions = Readonly<Record<string, string>>

interface Declared {
  readonly dependencies: Versions
  readonly devDependencies: Versions
  readonly peerDependencies?: Versions
  readonly scripts?: Versions
}

/**
 * The package.json that is installed from: what the sources import are dependencies, in their locked versions, and all else
 * is for development. In the package the command is bundled and Effect is a peer, so that npm would leave out both.
 */
export const manifestOf = (text: string, imported: ReadonlyArray<string>) => {
  const { peerDependencies: _, scripts: __, ...manifest } = JSON.parse(text) as Declared
  const all = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
  return {
    ...manifest,
    dependencies: Object.fromEntries(all.filter(([name]) => imported.includes(name))),
    devDependencies: Object.fromEntries(all.filter(([name]) => !imported.includes(name)))
  }
}
