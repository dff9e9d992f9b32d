/**
 * A browser for tests of pages: Chromium without a window, started once for a file of tests, with empty pages on demand.
 *
 * The browser comes compressed in a package (`@sparticuz/chromium`, Linux on x64) and is unpacked once per install, in
 * node_modules/.cache, under another name first, so that nobody starts half a browser. `CHROMIUM=/path` takes another.
 *
 * Gotchas: the flags that the package proposes switch the same-origin policy off, which tests of a page's security must
 * not; none of them is used. `newPage` counts what a page must never do, see `Misdeeds`.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs"
import { dirname, join } from "node:path"
import { pipeline } from "node:stream/promises"
import { fileURLToPath } from "node:url"
import { createBrotliDecompress } from "node:zlib"
import { type Browser as ChromiumBrowser, type BrowserContextOptions, chromium, type Page } from "playwright-core"

/** The folder of the package that has the browser. */
const packed = join(dirname(fileURLToPath(import.meta.resolve("@sparticuz/chromium"))), "..")

const unpacked = Effect.promise(async () => {
  const { version } = JSON.parse(readFileSync(join(packed, "package.json"), "utf8")) as { readonly version: string }
  const folder = join(packed, "../../.cache/a2a-campaign")
  const path = join(folder, `chromium-${version}`)
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true })
    const half = `${path}.${process.pid}`
    await pipeline(
      createReadStream(join(packed, "bin/chromium.br")),
      createBrotliDecompress(),
      createWriteStream(half, { mode: 0o755 })
    )
    renameSync(half, path)
  }
  return path
})

/** What a page did that no page of ours may do; lists of words for people, empty where all is well. */
export interface Misdeeds {
  /** Requests that went to another origin than the page's first. */
  readonly elsewhere: Array<string>
  /** Dialogs it opened: `alert` is what an injected script does first. */
  readonly dialogs: Array<string>
  /** Errors that nobody caught, and what the console says as an error: violations of the policy are among them. */
  readonly errors: Array<string>
}

export class Browser extends Context.Service<Browser, {
  /** A page with its own cookies and storage, closed with the scope. */
  readonly newPage: (
    options?: BrowserContextOptions
  ) => Effect.Effect<{ readonly page: Page; readonly misdeeds: Misdeeds }, never, Scope.Scope>
}>()("test/Browser") {}

/** One browser, for all tests of a file. */
export const layer = Layer.effect(
  Browser,
  Effect.gen(function*() {
    const executablePath = process.env.CHROMIUM ?? (yield* unpacked)
    const browser = yield* Effect.acquireRelease(
      Effect.promise(() => chromium.launch({ executablePath, args: ["--no-sandbox", "--no-zygote", "--disable-gpu"] })),
      (browser) => Effect.promise(() => browser.close())
    )
    return { newPage: (options) => newPage(browser, options) }
  })
)

const newPage = Effect.fnUntraced(function*(browser: ChromiumBrowser, options: BrowserContextOptions = {}) {
  const context = yield* Effect.acquireRelease(
    Effect.promise(() => browser.newContext(options)),
    (context) => Effect.promise(() => context.close())
  )
  const page = yield* Effect.promise(() => context.newPage())
  const misdeeds: Misdeeds = { elsewhere: [], dialogs: [], errors: [] }
  let origin: string | undefined
  page.on("request", (request) => {
    const asked = new URL(request.url()).origin
    origin ??= asked
    if (asked !== origin) misdeeds.elsewhere.push(request.url())
  })
  page.on("dialog", (dialog) => {
    misdeeds.dialogs.push(dialog.message())
    void dialog.dismiss()
  })
  page.on("pageerror", (error) => misdeeds.errors.push(error.message))
  page.on("console", (message) => {
    if (message.type() === "error") misdeeds.errors.push(message.text())
  })
  return { page, misdeeds }
})
