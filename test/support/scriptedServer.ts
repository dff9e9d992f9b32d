/** A server on loopback that does exactly what a test says, and tells when its client closed the connection. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export interface ScriptedServer {
  /** Without a slash at the end. */
  readonly url: string
  readonly requests: Array<
    { readonly path: string; readonly headers: IncomingMessage["headers"]; readonly body: string }
  >
  /** Connections that the client closed before the response had ended. */
  readonly closedByClient: () => number
  /** Connections opened since the start. */
  readonly connections: () => number
}

export type Script = (response: ServerResponse, request: { readonly body: string; readonly path: string }) => void

/** Answers every request with the script. */
export const scriptedServer = (script: Script): Effect.Effect<ScriptedServer, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly scripted: ScriptedServer; readonly close: () => void }>((resume) => {
        let closed = 0
        let connections = 0
        const requests: Array<ScriptedServer["requests"][number]> = []
        const server = createServer((request, response) => {
          let body = ""
          request.on("data", (data: Buffer) => {
            body += data.toString()
          })
          response.on("close", () => {
            if (!response.writableFinished) closed++
          })
          request.on("end", () => {
            const path = request.url ?? ""
            requests.push({ path, headers: request.headers, body })
            script(response, { body, path })
          })
        })
        server.on("connection", () => connections++)
        server.listen(0, "127.0.0.1", () => {
          const { port } = server.address() as AddressInfo
          resume(Effect.succeed({
            scripted: {
              url: `http://127.0.0.1:${port}`,
              requests,
              closedByClient: () => closed,
              connections: () => connections
            },
            close: () => {
              server.close()
              server.closeAllConnections()
            }
          }))
        })
      }),
      ({ close }) => Effect.sync(close)
    ),
    ({ scripted }) => scripted
  )

/** Waits, in real time, until something is true; dies after two seconds. */
export const eventually = (what: string, condition: () => boolean): Effect.Effect<void> =>
  Effect.gen(function*() {
    const until = performance.now() + 2000
    while (!condition()) {
      if (performance.now() > until) return yield* Effect.die(new Error(`not within 2 s: ${what}`))
      yield* Effect.sleep(5)
    }
  })
