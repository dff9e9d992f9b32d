/**
 * Bundles the command of this checkout, unless a bundle of its very source is there already.
 *
 * `npm ci` does it, and so does every run of the tests, whose commands are then what users of the package have.
 */
import { createRequire } from "node:module"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const { freshBundle } = createRequire(import.meta.url)("../bin/freshBundle.cjs") as {
  readonly freshBundle: (root: string) => unknown
}

if (freshBundle(root) === undefined) {
  // The bundler is big: it is loaded only where it is needed.
  const { bundleCommand } = await import("./bundleCommand.ts")
  console.error(`bundled the command in ${await bundleCommand(root)}`)
}
