/**
 * Plugin of the bundler: makes modules cheaper to begin with, without changing what they do.
 *
 * - Effect's help measures words by `Intl.Segmenter`, which takes 4 ms to make, at every start; made when first used.
 * - Packages of ours that are required when first used are taken into the bundle, where they still begin when first used.
 *
 * Law: a change that no longer finds its place fails the build, so that an update of Effect cannot undo it unseen.
 */
import { basename } from "node:path"
import type { Plugin } from "rolldown"

interface Change {
  readonly of: RegExp
  readonly find: RegExp
  readonly put: string
}

const changes: ReadonlyArray<Change> = [
  {
    of: /\/effect\/dist\/cli\/CliOutput\.js$/,
    find:
      /const graphemeSegmenter = (\/\*.*?\*\/)?\s*(new Intl\.Segmenter\(undefined, \{\s*granularity: "grapheme"\s*\}\));/,
    put: "let madeSegmenter;\nconst graphemeSegmenter = { segment: (text) => (madeSegmenter ??= $2).segment(text) };"
  },
  {
    of: /\/src\/terminal\/TextWidth\.ts$/,
    find: /const require = createRequire\(import\.meta\.url\)\n/,
    put: ""
  }
]

export const lighterModules = (): Plugin => ({
  name: "lighter-modules",
  transform: {
    filter: { id: changes.map(({ of }) => of) },
    handler(code, id) {
      const { find, put } = changes.find(({ of }) => of.test(id))!
      if (!find.test(code)) {
        throw new Error(`${basename(id)} no longer has what build/lighterModules.ts looks for: ${find}`)
      }
      return code.replace(find, put)
    }
  }
})
