/**
 * A server for tests of the page that says exactly what a test tells it to: frames by hand, and any answer of the API.
 *
 * It hands out the page's own files with the headers that the page has to live under, as the real one does. Whoever
 * connects is told `snapshot` first, then what `send` is given.
 */
import * as Effect from "effect/Effect"
import { createServer, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { headers } from "../../src/web/DashboardServer.ts"
import type { Changes, Frame, Snapshot } from "../../src/web/Frame.ts"
import * as PageFiles from "../../src/web/PageFiles.ts"

const written = (frame: Frame): string =>
  `${"sequence" in frame ? `id: ${frame.sequence}\n` : ""}data: ${JSON.stringify(frame)}\n\n`

interface ScriptedDashboard {
  readonly address: string
  /** What whoever connects from now on is told first. */
  snapshot: Snapshot
  /** Answers by path and query; others are 404. */
  readonly answers: Map<string, unknown>
  /** Tells everybody who is connected. */
  readonly send: (frame: Changes | Snapshot) => void
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
      const files = yield* PageFiles.load()
      const open = new Set<ServerResponse>()
      let server: Server
      let port = 0
      const dashboard = {
        snapshot: first,
        answers: new Map<string, unknown>(),
        send: (frame: Changes | Snapshot) => open.forEach((response) => response.write(written(frame))),
        connected: () => open.size,
        stop: Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        }),
        start: Effect.callback<void>((resume) => {
          server = createServer((request, response) => {
            const path = request.url ?? "/"
            response.setHeaders(new Map(Object.entries(headers)))
            if (path === "/events") {
              response.writeHead(200, { "content-type": "text/event-stream" })
              response.write(`retry: 100\n${written(dashboard.snapshot)}`)
              open.add(response)
              response.on("close", () => open.delete(response))
              return
            }
            const answer = dashboard.answers.get(path)
            const file = files.get(path)
            if (answer !== undefined) {
              response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer))
            } else if (file === undefined) {
              response.writeHead(404, { "content-type": "application/json" }).end(JSON.stringify({ error: "not here" }))
            } else response.writeHead(200, { "content-type": file.type }).end(file.body)
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
      return Object.assign(dashboard, { address: `http://127.0.0.1:${port}/` }) satisfies ScriptedDashboard
    }),
    ({ stop }) => stop
  )
