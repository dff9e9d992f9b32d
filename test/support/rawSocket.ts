/** HTTP by hand: a socket, for requests that no HTTP client would make, and for clients that do not behave. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { connect, type Socket } from "node:net"

export interface RawResponse {
  readonly status: number
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface RawSocket {
  readonly socket: Socket
  readonly write: (text: string) => void
  /** Everything that came so far. */
  readonly received: () => string
  /** Waits for so many whole responses, or for what there is when the server closes. */
  readonly responses: (count: number) => Effect.Effect<ReadonlyArray<RawResponse>>
  /** Waits until the server has closed the connection. */
  readonly closed: Effect.Effect<void>
}

/** A connection to the server of an address, which ends with the scope. */
export const rawSocket = (url: string): Effect.Effect<RawSocket, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<RawSocket>((resume) => {
      const chunks: Array<Buffer> = []
      const received = () => Buffer.concat(chunks)
      let isClosed = false
      const waiting = new Set<() => void>()
      const wake = () => {
        for (const each of waiting) each()
      }
      const until = <A>(look: () => A | undefined) =>
        Effect.callback<A>((resume) => {
          const check = () => {
            const found = look()
            if (found === undefined) return
            waiting.delete(check)
            resume(Effect.succeed(found))
          }
          waiting.add(check)
          check()
          return Effect.sync(() => waiting.delete(check))
        })
      const { hostname, port } = new URL(url)
      const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
      socket.on("data", (data) => {
        chunks.push(data)
        wake()
      })
      // A connection that the server resets is a closed one.
      socket.on("error", () => {})
      const over = () => {
        isClosed = true
        wake()
      }
      socket.on("end", over)
      socket.on("close", over)
      socket.on("connect", () =>
        resume(Effect.succeed({
          socket,
          write: (text) => void socket.write(text),
          received: () => received().toString(),
          responses: (count) =>
            until(() => {
              const responses = parse(received().toString("latin1"))
              return responses.length >= count || isClosed ? responses : undefined
            }),
          closed: until(() => isClosed ? true : undefined).pipe(Effect.asVoid)
        })))
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

/** A request as text; its length is said unless `headers` say something else of it. */
export const requestText = (
  line: string,
  { body = "", headers = {} }: { readonly body?: string; readonly headers?: Readonly<Record<string, string>> } = {}
): string => {
  const own: Record<string, string> = body === "" || "transfer-encoding" in headers
    ? {}
    : { "content-length": String(Buffer.byteLength(body)), "content-type": "application/json" }
  const lines = Object.entries({ host: "localhost", ...own, ...headers }).map(([name, value]) => `${name}: ${value}`)
  return [`${line} HTTP/1.1`, ...lines, "", body].join("\r\n")
}

/** Sends one request on a connection of its own and gives the response. */
export const exchange = (url: string, text: string): Effect.Effect<RawResponse> =>
  Effect.scoped(Effect.gen(function*() {
    const raw = yield* rawSocket(url)
    raw.write(text)
    const [response] = yield* raw.responses(1)
    return response ?? { status: 0, headers: {}, body: "" }
  }))

/** The whole responses at the beginning of what a server sent; interim ones are left out. */
const parse = (text: string): ReadonlyArray<RawResponse> => {
  const responses: Array<RawResponse> = []
  let rest = text
  while (true) {
    const head = /^HTTP\/1\.1 (\d+)[^\r]*\r\n([^]*?)\r\n\r\n/.exec(`${rest}`.replace("\r\n\r\n", "\r\n\r\n\r\n"))
    if (head === null) return responses
    const headers = Object.fromEntries(
      head[2]!.trim().split("\r\n").filter((line) => line !== "").map((line) => {
        const [name = "", ...value] = line.split(":")
        return [name.toLowerCase(), value.join(":").trim()]
      })
    )
    const after = rest.slice(rest.indexOf("\r\n\r\n") + 4)
    const body = bodyOf(headers, after)
    if (body === undefined) return responses
    rest = after.slice(body.length)
    if (Number(head[1]) < 200) continue
    responses.push({ status: Number(head[1]), headers, body: Buffer.from(body.text, "latin1").toString() })
  }
}

/** The body at the beginning of a text and how much of the text it takes; nothing while it is not whole. */
const bodyOf = (
  headers: Readonly<Record<string, string>>,
  text: string
): { readonly text: string; readonly length: number } | undefined => {
  if (headers["transfer-encoding"] !== "chunked") {
    const length = Number(headers["content-length"] ?? 0)
    return text.length < length ? undefined : { text: text.slice(0, length), length }
  }
  let body = ""
  let at = 0
  while (true) {
    const end = text.indexOf("\r\n", at)
    if (end === -1) return undefined
    const size = Number.parseInt(text.slice(at, end), 16)
    at = end + 2 + size + 2
    if (text.length < at) return undefined
    if (size === 0) return { text: body, length: at }
    body += text.slice(end + 2, end + 2 + size)
  }
}
