/**
 * A server for tests of the page that says exactly what a test tells it to: frames by hand, and any answer of the API.
 *
 * It hands out the page's own files with the policy that the page has to live under. Whoever connects is told `snapshot`
 * first, then what `send` is given.
 */
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { createServer, type Server, type ServerResponse } from "node:http"
import { stripTypeScriptTypes } from "node:module"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import type { Changes, Frame, Snapshot } from "../../src/web/Frame.ts"

const folder = join(import.meta.dirname, "../../src/web/page")

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const types: Record<string, string> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  js: "text/javascript; charset=utf-8"
}

/** A file of the page as a browser gets it; undefined where there is none. */
const fileOf = (path: string): string | undefined => {
  const name = path === "/" ? "index.html" : path.slice(1)
  if (!/^[\w.]+$/.test(name)) return undefined
  try {
    return name.endsWith(".js")
      ? stripTypeScriptTypes(readFileSync(join(folder, name.replace(/js$/, "ts")), "utf8"))
        .replaceAll(/(from "\.\/\w+)\.ts"/g, "$1.js\"")
      : readFileSync(join(folder, name), "utf8")
  } catch {
    return undefined
  }
}

const written = (frame: Frame): string =>
  `${"sequence" in frame ? `id: ${frame.sequence}\n` : ""}data: ${JSON.stringify(frame)}\n\n`

export interface ScriptedDashboard {
  readonly address: string
  /** What whoever connects from now on is told first. */
  snapshot: Snapshot
  /** Answers by path and query; others are 404. */
  readonly answers: Map<string, unknown>
  /** Tells everybody who is connected. */
  readonly send: (frame: Changes) => void
  /** How many are connected. */
  readonly connected: () => number
  /** Drops all connections and listens no more, until it is started again at the same address. */
  readonly stop: Effect.Effect<void>
  readonly start: Effect.Effect<void>
}

/** A scripted dashboard, stopped with the scope. */
export const scriptedDashboard = (first: Snapshot) =>
  Effect.acquireRelease(
    Effect.gen(function*() {
      const open = new Set<ServerResponse>()
      let server: Server
      let port = 0
      const dashboard = {
        snapshot: first,
        answers: new Map<string, unknown>(),
        send: (frame: Changes) => open.forEach((response) => response.write(written(frame))),
        connected: () => open.size,
        stop: Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        }),
        start: Effect.callback<void>((resume) => {
          server = createServer((request, response) => {
            const path = request.url ?? "/"
            response.setHeader("content-security-policy", policy)
            if (path === "/events") {
              response.writeHead(200, { "content-type": "text/event-stream" })
              response.write(`retry: 100\n${written(dashboard.snapshot)}`)
              open.add(response)
              response.on("close", () => open.delete(response))
              return
            }
            const answer = dashboard.answers.get(path)
            const file = fileOf(path)
            if (answer !== undefined) {
              response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer))
            } else if (file === undefined) {
              response.writeHead(404, { "content-type": "application/json" }).end(JSON.stringify({ error: "not here" }))
            } else response.writeHead(200, { "content-type": types[path.split(".")[1] ?? "html"] }).end(file)
          })
          // As a real one does while nothing happens, so that nobody takes it for dead.
          const beat = setInterval(
            () =>
              open.forEach((response) =>
                response.write(written({ kind: "beat", atMillis: dashboard.snapshot.atMillis }))
              ),
            2_000
          )
          server.on("close", () => clearInterval(beat))
          server.listen(port, "127.0.0.1", () => {
            port = (server.address() as AddressInfo).port
            resume(Effect.void)
          })
        })
      }
      yield* dashboard.start
      return Object.assign(dashboard, { address: `http://127.0.0.1:${port}/` })
    }),
    ({ stop }) => stop
  )
