/** Before the tests: what they start is what users of the package have, and not what was bundled of an earlier source. */
import { execFileSync } from "node:child_process"
import { createRequire } from "node:module"
import { join } from "node:path"

const root = join(import.meta.dirname, "../..")

export interface Bundle {
  readonly folder: string
  readonly isInstalled: boolean
}

/** What the command itself asks. */
export const { freshBundle, look } = createRequire(import.meta.url)("../../bin/freshBundle.cjs") as {
  readonly freshBundle: (root: string) => Bundle | undefined
  readonly look: (root: string, files: ReadonlyArray<string>) => ReadonlyArray<[string, number | null, number | null]>
}

/** Where the bundle is that the tests start. */
export const bundleFolder = (): string => {
  const bundle = freshBundle(root)
  if (bundle === undefined) throw new Error("the source has changed since the tests began; begin again")
  return bundle.folder
}

export default (): void => {
  execFileSync(process.execPath, [join(root, "build/main.ts")], { stdio: ["ignore", "ignore", "inherit"] })
}
