// What the tests of the simulated server share: a server on a free port, requests as a client writes them, the events of
// a stream, a raw connection for what `fetch` hides (when headers come, what happens when nobody reads), and the question
// whether the server is well after whatever was done to it.
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { connect, type Socket } from "node:net"
import type { OpenStream } from "../../src/simulator/EngineLoop.ts"
import type { JournalEvent } from "../../src/simulator/Journal.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"

type Options = Omit<Parameters<typeof Simulator.layer>[0], "host" | "port">

/** A fresh simulator on a free port of the loopback interface, without jitter. */
export const simulator = (options: Options) =>
  Layer.fresh(Simulator.layer({ host: "127.0.0.1", port: 0, jitterCoefficient: 0, ...options }))

export const userMessage = (content: string) => ({ messages: [{ role: "user", content }] })

/** The simulator's answer to a POST of `body`, once its headers are there. */
export const post = (
  body: unknown,
  init: { readonly headers?: Record<string, string>; readonly path?: string } = {}
) =>
  Effect.gen(function*() {
    const { url } = yield* Simulator
    return yield* Effect.promise((signal) =>
      fetch(url + (init.path ?? "/v1/chat/completions"), {
        method: "POST",
        headers: { "content-type": "application/json", ...init.headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
        signal
      })
    )
  })

export const get = (path: string) =>
  Effect.gen(function*() {
    const { url } = yield* Simulator
    return yield* Effect.promise((signal) => fetch(url + path, { signal }))
  })

export const textOf = (response: Response) => Effect.promise(() => response.text())
export const jsonOf = (response: Response): Effect.Effect<any> => Effect.promise(() => response.json())

/** The `data:` of every event in a stream's text. */
export const dataOf = (text: string): ReadonlyArray<string> =>
  text.split("\n\n").slice(0, -1).map((event) => event.replace(/^data: /, ""))

/** The decoded chunks of a stream's text, without `[DONE]`. */
export const chunksOf = (text: string): ReadonlyArray<any> =>
  dataOf(text).filter((data) => data !== "[DONE]").map((data) => JSON.parse(data))

export const contentOf = (chunks: ReadonlyArray<any>): string =>
  chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")

/** The whole text of a streamed answer. */
export const stream = (body: object) => Effect.flatMap(post({ stream: true, ...body }), textOf)

export const streams: Effect.Effect<ReadonlyArray<OpenStream>, never, Simulator> = Effect.flatMap(
  get("/sim/streams"),
  jsonOf
)
export const journal: Effect.Effect<ReadonlyArray<JournalEvent>, never, Simulator> = Effect.flatMap(
  get("/sim/journal"),
  jsonOf
)

/** Repeats `check` until it holds, for at most a second. */
export const within1Second = <A, R>(check: Effect.Effect<A, never, R>, holds: (value: A) => boolean) =>
  check.pipe(
    Effect.repeat({ schedule: Schedule.spaced("10 millis"), until: holds }),
    Effect.timeout("1 second")
  )

/** A bare connection; everything received is collected in `received`, one character per byte. Closed with the scope. */
export const rawConnection = Effect.gen(function*() {
  const { url } = yield* Simulator
  const socket = yield* Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const opened = connect(Number(new URL(url).port), "127.0.0.1", () => resume(Effect.succeed(opened)))
    }),
    (opened) => Effect.sync(() => opened.destroy())
  )
  const raw = { socket, received: "", closed: false }
  socket.on("data", (data) => {
    raw.received += data.toString("latin1")
  })
  socket.on("error", () => {})
  socket.on("close", () => {
    raw.closed = true
  })
  return raw
})

/** A POST as it stands on the wire. */
export const rawRequest = (body: object | string, path = "/v1/chat/completions") => {
  const text = typeof body === "string" ? body : JSON.stringify(body)
  return `POST ${path} HTTP/1.1\r\nhost: simulator\r\ncontent-type: application/json\r\n` +
    `content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
}

/** A request over a bare connection. */
export const rawPost = (body: object) =>
  Effect.tap(rawConnection, ({ socket }) => Effect.sync(() => socket.write(rawRequest(body))))

/** The server does what it is there for, and nothing of what was before is left in it. */
export const assertWell = Effect.gen(function*() {
  assert.strictEqual((yield* get("/health")).status, 200)
  const data = dataOf(yield* stream({ ...userMessage("Are you well?"), max_tokens: 2 }))
  assert.strictEqual(data.length, 4)
  assert.strictEqual(data.at(-1), "[DONE]")
  yield* within1Second(streams, (open) => open.length === 0)
})
