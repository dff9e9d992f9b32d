/** An agent on loopback that has a good card and answers its stream as badly as a test says; tells what it has seen. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export interface HostileRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage["headers"]
  /** The JSON-RPC request; null for a card. */
  readonly rpc: { readonly id: unknown; readonly method: string; readonly params: any } | null
}

export interface HostileAgent {
  /** With a slash at the end. */
  readonly url: string
  readonly requests: ReadonlyArray<HostileRequest>
  /** Answers that have neither ended nor lost their connection. */
  readonly openAnswers: () => number
  /** Connections there ever were. */
  readonly connections: () => number
}

export interface Behaviour {
  /** Answers the message, and every request of the other methods that has no answer of its own. */
  readonly stream?: (response: ServerResponse, request: HostileRequest) => void
  readonly card?: (response: ServerResponse, url: string, request: HostileRequest) => void
  readonly methods?: Readonly<Record<string, (response: ServerResponse, request: HostileRequest) => void>>
}

/** The card of an agent of A2A 1.0, or of 0.3 where asked for. */
export const cardOf = (url: string, version = "1.0"): Record<string, unknown> =>
  version === "1.0"
    ? {
      name: "hostile",
      capabilities: { streaming: true },
      supportedInterfaces: [{ url, protocolBinding: "JSONRPC", protocolVersion: "1.0" }]
    }
    : {
      name: "hostile",
      url,
      protocolVersion: "0.3.0",
      preferredTransport: "JSONRPC",
      defaultInputModes: ["text"],
      defaultOutputModes: ["text"],
      skills: [],
      version: "1",
      description: "",
      capabilities: { streaming: true }
    }

/** Answers with JSON. */
export const json = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { "content-type": "application/json" })
  response.end(typeof body === "string" ? body : JSON.stringify(body))
}

/** Begins a stream of events. */
export const beginStream = (response: ServerResponse, headers: Record<string, string> = {}): void => {
  response.writeHead(200, { "content-type": "text/event-stream", ...headers })
  response.flushHeaders()
}

/** One event as the binding frames it. */
export const frame = (request: HostileRequest, result: unknown): string =>
  `data: ${JSON.stringify({ jsonrpc: "2.0", id: request.rpc?.id, result })}\n\n`

/** Does something after so many milliseconds. */
export const later = (action: () => void, millis: number): void => {
  Effect.runFork(Effect.andThen(Effect.sleep(millis), Effect.sync(action)))
}

/** Writes the same again and again until the client goes. */
export const endlessly = (response: ServerResponse, piece: string | Uint8Array): void => {
  const more = () => {
    if (response.destroyed) return
    if (response.write(piece)) setImmediate(more)
    else response.once("drain", more)
  }
  more()
}

export const hostileAgent = (behaviour: Behaviour): Effect.Effect<HostileAgent, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly agent: HostileAgent; readonly server: Server }>((resume) => {
        const requests: Array<HostileRequest> = []
        let open = 0
        let connections = 0
        let url = ""
        const server = createServer((request, response) => {
          let body = ""
          open++
          response.on("close", () => open--)
          request.on("data", (data: Buffer) => {
            body += data.toString()
          })
          request.on("end", () => {
            const seen: HostileRequest = {
              method: request.method ?? "",
              path: request.url ?? "",
              headers: request.headers,
              rpc: body === "" ? null : JSON.parse(body)
            }
            requests.push(seen)
            if (seen.rpc === null) {
              return (behaviour.card ?? ((response, url) => json(response, cardOf(url))))(response, url, seen)
            }
            const own = behaviour.methods?.[seen.rpc.method]
            if (own !== undefined) return own(response, seen)
            if (/stream/i.test(seen.rpc.method)) return behaviour.stream?.(response, seen)
            const error = { code: -32001, message: "Task not found" }
            return json(response, { jsonrpc: "2.0", id: seen.rpc.id, error })
          })
        })
        server.on("connection", (socket) => {
          connections++
          socket.on("error", () => {})
        })
        server.listen(0, "127.0.0.1", () => {
          url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
          resume(Effect.succeed({
            agent: { url, requests, openAnswers: () => open, connections: () => connections },
            server
          }))
        })
      }),
      ({ server }) =>
        Effect.sync(() => {
          server.close()
          server.closeAllConnections()
        })
    ),
    ({ agent }) => agent
  )
