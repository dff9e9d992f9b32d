/**
 * A server of completions without a socket: a `fetch` whose bodies do what a test says, and that notes every close.
 *
 * A body is a socket as far as the client can tell: the server ends it, breaks it or leaves it open, and the client can
 * close it by cancelling the body or by aborting the request. Each close of a body that had not ended is noted.
 */
import * as Layer from "effect/Layer"
import { PatientFetch } from "../../src/engine/PatientFetch.ts"

export interface Body {
  /** Sends bytes, if there still is somebody who reads. */
  readonly send: (bytes: Uint8Array) => void
  readonly end: () => void
  /** Breaks the connection once everything sent has been read. */
  readonly reset: () => void
}

export interface Request {
  /** Answers with response headers of success; undefined if the client has gone. */
  readonly accept: () => Body | undefined
}

/** What became of one request, as its server saw it. */
export interface Connection {
  state: "requested" | "open" | "ended by server" | "closed by client"
  /** How often the client closed it before its end. */
  closes: number
}

export interface FakeEngine {
  readonly layer: Layer.Layer<PatientFetch>
  readonly connections: ReadonlyArray<Connection>
}

const lost = () =>
  Object.assign(new TypeError("terminated"), { cause: Object.assign(new Error(), { code: "ECONNRESET" }) })

/** `serve` is called for each request, synchronously; `onClose` when a client closed. */
export const fakeEngine = (
  serve: (request: Request) => void,
  onClose: (connection: Connection) => void = () => {}
): FakeEngine => {
  const connections: Array<Connection> = []
  const fetch = (_: string, init: RequestInit): Promise<Response> =>
    new Promise((resolve, reject) => {
      const connection: Connection = { state: "requested", closes: 0 }
      connections.push(connection)
      let controller: ReadableStreamDefaultController<Uint8Array> | undefined
      const isOpen = () => connection.state === "requested" || connection.state === "open"
      const closed = () => {
        if (connection.state === "ended by server") return
        connection.state = "closed by client"
        connection.closes++
        onClose(connection)
      }
      const signal = init.signal!
      signal.addEventListener("abort", () => {
        // A socket that the client has closed already is closed once more by nobody.
        if (isOpen()) {
          closed()
          const reason = new DOMException("This operation was aborted", "AbortError")
          if (controller === undefined) reject(reason)
          else controller.error(reason)
        }
      })
      serve({
        accept: () => {
          if (!isOpen()) return undefined
          connection.state = "open"
          // What the server does stays in order: what it sent before it broke the connection arrives.
          const waiting: Array<(controller: ReadableStreamDefaultController<Uint8Array>) => void> = []
          let wake: (() => void) | undefined
          const then = (act: (controller: ReadableStreamDefaultController<Uint8Array>) => void) => {
            if (!isOpen()) return
            waiting.push(act)
            wake?.()
          }
          const body = new ReadableStream<Uint8Array>({
            start: (started) => {
              controller = started
            },
            pull: (controller) =>
              new Promise<void>((pulled) => {
                const next = () => {
                  wake = undefined
                  waiting.shift()!(controller)
                  pulled()
                }
                if (waiting.length > 0) next()
                else wake = next
              }),
            cancel: closed
          }, { highWaterMark: 0 })
          resolve(new Response(body, { status: 200, headers: { "content-type": "text/event-stream" } }))
          const over = (act: (controller: ReadableStreamDefaultController<Uint8Array>) => void) => () =>
            then((controller) => {
              connection.state = "ended by server"
              act(controller)
            })
          return {
            send: (bytes) => then((controller) => controller.enqueue(bytes)),
            end: over((controller) => controller.close()),
            reset: over((controller) => controller.error(lost()))
          }
        }
      })
    })
  return {
    connections,
    layer: Layer.succeed(PatientFetch, { fetch: fetch as unknown as typeof globalThis.fetch })
  }
}
