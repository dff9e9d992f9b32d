// The clients of the contract: the openai SDK as its users see it, and a bare connection that remembers when its bytes
// came and can be read as a stream of events.
import * as Effect from "effect/Effect"
import OpenAI from "openai"
import { Simulator } from "../../../src/simulator/Simulator.ts"
import { rawConnection, rawRequest, within1Second } from "../harness.ts"

export const sdkWith = (options: { readonly apiKey?: string } = {}) =>
  Effect.map(Simulator, ({ url }) => new OpenAI({ baseURL: `${url}/v1`, apiKey: "unused", maxRetries: 0, ...options }))

export const sdk = sdkWith()

/** What every chat request of the SDK needs; settings of vLLM that the SDK does not know may be added. */
export const chat = (content: string, settings: object = {}) => ({
  model: "simulated-model",
  messages: [{ role: "user" as const, content }],
  ...settings
})

export const counting = { stream_options: { include_usage: true, continuous_usage_stats: true } }

/** What the SDK's loop over an answer gave, and how it ended. */
export interface SdkStream {
  readonly chunks: ReadonlyArray<any>
  readonly error: unknown
}

const readAll = async (opened: PromiseLike<AsyncIterable<unknown>>): Promise<SdkStream> => {
  const chunks: Array<unknown> = []
  try {
    for await (const chunk of await opened) chunks.push(chunk)
    return { chunks, error: undefined }
  } catch (error) {
    return { chunks, error }
  }
}

/** Streams a chat completion with the SDK to its end, good or bad. */
export const sdkStream = (content: string, settings: object = {}) =>
  Effect.flatMap(
    sdk,
    (client) =>
      Effect.promise(() => readAll(client.chat.completions.create({ ...chat(content, settings), stream: true })))
  )

/** The same on /v1/completions. */
export const sdkCompletionStream = (prompt: string, settings: object = {}) =>
  Effect.flatMap(
    sdk,
    (client) =>
      Effect.promise(() =>
        readAll(client.completions.create({ model: "simulated-model", prompt, ...settings, stream: true }))
      )
  )

/** What a call of the SDK fails with. */
export const failureOf = <A>(call: (client: OpenAI) => PromiseLike<A>, options: { readonly apiKey?: string } = {}) =>
  Effect.flatMap(sdkWith(options), (client) =>
    Effect.promise(async () => {
      try {
        await call(client)
        return undefined
      } catch (error) {
        return error
      }
    }))

export const deltas = (chunks: ReadonlyArray<any>, key: string) =>
  chunks.flatMap(({ choices }) => choices).map(({ delta }) => delta[key])

/** A bare connection, with the time of each piece that came. */
export const timedConnection = Effect.map(rawConnection, (raw) => {
  const arrivals: Array<{ readonly atMillis: number; readonly text: string }> = []
  raw.socket.on("data", (data) => arrivals.push({ atMillis: performance.now(), text: data.toString() }))
  return Object.assign(raw, { arrivals })
})

export type Timed = Effect.Success<typeof timedConnection>

/** A request over a timed connection. */
export const timedPost = (body: object, path?: string) =>
  Effect.tap(timedConnection, ({ socket }) => Effect.sync(() => socket.write(rawRequest(body, path))))

/** Waits until this text came. */
export const awaitText = (raw: Timed, text: string) =>
  within1Second(Effect.sync(() => raw.received), (received) => received.includes(text))

/** When this text came, in milliseconds; undefined if it did not. */
export const arrivalOf = (raw: Timed, text: string) =>
  raw.arrivals.find((arrival) => arrival.text.includes(text))?.atMillis

/** Head and body of one response with a body in chunks; the body ends where no chunk has come yet. */
export const readResponse = (received: string) => {
  const end = received.indexOf("\r\n\r\n")
  const [status, ...lines] = received.slice(0, end).split("\r\n")
  const headers = new Map(lines.map((line) => {
    const colon = line.indexOf(":")
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  }))
  let rest = received.slice(end + 4)
  let body = ""
  while (true) {
    const [, size, behind] = /^([0-9a-f]+)\r\n([^]*)$/.exec(rest) ?? []
    const length = parseInt(size ?? "0", 16)
    if (length === 0) break
    body += behind!.slice(0, length)
    rest = behind!.slice(length + 2)
  }
  return { status: status!, headers, body: Buffer.from(body, "latin1").toString(), rest }
}

/** The events of a stream's body, each with everything up to its empty line. */
export const eventsIn = (body: string): ReadonlyArray<string> => body.match(/[^]*?\n\n/g) ?? []

/** The JSON of the events that have some. */
export const jsonIn = (body: string): ReadonlyArray<any> =>
  eventsIn(body).filter((event) => event.startsWith("data: {")).map((event) => JSON.parse(event.slice(6)))
