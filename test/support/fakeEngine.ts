/**
 * A server of completions without a socket: connections whose bodies do what a test says, and that note every close.
 *
 * A body is a socket as far as the client can tell: the server ends it, breaks it or leaves it open, and the client can
 * close it by aborting the request. Each close of a body that had not ended is noted.
 */
import * as Layer from "effect/Layer"
import type { Dispatcher } from "undici"
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

const lost = () => Object.assign(new Error("other side closed"), { code: "ECONNRESET" })

/** `serve` is called for each request, synchronously; `onClose` when a client closed. */
export const fakeEngine = (
  serve: (request: Request) => void,
  onClose: (connection: Connection) => void = () => {}
): FakeEngine => {
  const connections: Array<Connection> = []
  const dispatch = (_: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean => {
    const connection: Connection = { state: "requested", closes: 0 }
    connections.push(connection)
    const isOpen = () => connection.state === "requested" || connection.state === "open"
    /** What the server does stays in order, and waits for a client that does not read. */
    let waiting: Array<() => void> = []
    let paused = false
    let reason: Error | null = null
    const flush = () => {
      for (
        let act = paused ? undefined : waiting.shift();
        act !== undefined;
        act = paused ? undefined : waiting.shift()
      ) {
        act()
      }
    }
    const controller: Dispatcher.DispatchController = {
      get aborted() {
        return reason !== null
      },
      get paused() {
        return paused
      },
      get reason() {
        return reason
      },
      abort: (why) => {
        // A socket that is closed already is closed once more by nobody.
        if (!isOpen()) return
        reason = why
        waiting = []
        connection.state = "closed by client"
        connection.closes++
        onClose(connection)
        handler.onResponseError?.(controller, why)
      },
      pause: () => {
        paused = true
      },
      resume: () => {
        paused = false
        flush()
      }
    }
    handler.onRequestStart?.(controller, {})
    if (!isOpen()) return true
    serve({
      accept: () => {
        if (!isOpen()) return undefined
        connection.state = "open"
        handler.onResponseStart?.(controller, 200, { "content-type": "text/event-stream" })
        const then = (act: () => void) => {
          if (!isOpen()) return
          waiting.push(act)
          flush()
        }
        const over = (act: () => void) => () =>
          then(() => {
            connection.state = "ended by server"
            act()
          })
        return {
          send: (bytes) => then(() => handler.onResponseData?.(controller, Buffer.from(bytes))),
          end: over(() => handler.onResponseEnd?.(controller, {})),
          reset: over(() => handler.onResponseError?.(controller, lost()))
        }
      }
    })
    return true
  }
  const fetch = () => Promise.reject(new Error("only completions are served"))
  return { connections, layer: Layer.succeed(PatientFetch, { fetch, dispatcher: { dispatch } }) }
}
