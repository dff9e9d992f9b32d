/**
 * The files of the page, as they are served: read once, when the dashboard begins.
 *
 * They lie in the folder `page` beside this module. In an installed package they are what was built; in a checkout the
 * types are stripped from the page's own TypeScript here, so that nobody has to build anything to see a change. A browser
 * goes by the type that it is told and not by the name, so a module is served by the name by which others import it; and by
 * `.js`, which is how the HTML names the first one.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync } from "node:fs"
import * as nodeModule from "node:module"
import { extname, join } from "node:path"

export interface PageFile {
  readonly type: string
  readonly body: Uint8Array
}

/** By their paths, from their slash on. */
export type PageFiles = ReadonlyMap<string, PageFile>

/** The files are not there, or cannot be understood. */
export class PageFilesError extends Data.TaggedError("PageFilesError")<{ readonly message: string }> {}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".js": "text/javascript; charset=utf-8",
  ".ts": "text/javascript; charset=utf-8"
}

/** Where they lie. */
const FOLDER = join(import.meta.dirname, "page")

/** Reads those of a folder. */
export const load = (folder = FOLDER): Effect.Effect<PageFiles, PageFilesError> =>
  Effect.try({
    try: () => {
      const files = new Map<string, PageFile>()
      for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
        const type = types[extname(name)]
        if (type === undefined || name.endsWith(".d.ts")) continue
        const path = `/${name.replaceAll("\\", "/")}`
        const file = { type, body: bodyOf(join(folder, name)) }
        files.set(path, file)
        if (path.endsWith(".ts")) files.set(path.replace(/\.ts$/, ".js"), file)
      }
      const [index, icon] = [files.get("/index.html"), files.get("/favicon.svg")]
      if (index === undefined) throw new PageFilesError({ message: "it has no index.html" })
      files.set("/", index)
      // Browsers ask for it, whatever a page says.
      if (icon !== undefined) files.set("/favicon.ico", icon)
      return files
    },
    catch: (cause) =>
      new PageFilesError({
        message: `cannot read the page's files in ${folder} (${
          cause instanceof Error ? cause.message : String(cause)
        }); install the package again`
      })
  })

const bodyOf = (path: string): Uint8Array => {
  const bytes = readFileSync(path)
  return path.endsWith(".ts")
    ? new TextEncoder().encode(nodeModule.stripTypeScriptTypes(bytes.toString("utf8")))
    : bytes
}
