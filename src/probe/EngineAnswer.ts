/**
 * One question to a path of an engine's server, as the probe asks it: status, headers, the body, and how long it took.
 *
 * Laws: nothing here fails; what cannot be asked is an answer with the reason. No body is read beyond its most bytes and
 * none longer than the patience, whatever the other side sends. Redirects are told, never followed, so that a key stays
 * where it was meant for.
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { fromTransport } from "../engine/EngineFailure.ts"

/** Why there is no whole answer. */
export type NoAnswer = "refused" | "failed" | "too-slow" | "too-long"

export interface EngineAnswer {
  /** Milliseconds of the monotonic clock: when it was asked, and when the answer was there. */
  readonly askedAt: number
  readonly at: number
  readonly status: number | null
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly problem: NoAnswer | null
}

export interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly patienceMillis: number
  /** 4 MB unless given. */
  readonly mostBytes?: number
}

class Unanswered extends Data.TaggedError("Unanswered")<{ readonly problem: NoAnswer }> {}

const MOST_BYTES = 4_000_000

export const nowMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

const textOf = (response: Response, mostBytes: number) => {
  if (response.body === null) return Effect.succeed("")
  const decoder = new TextDecoder()
  const body = response.body as ReadableStream<Uint8Array>
  return Stream.fromReadableStream({ evaluate: () => body, onError: () => new Unanswered({ problem: "failed" }) }).pipe(
    Stream.runFoldEffect(() => ({ parts: [] as Array<string>, bytes: 0 }), (read, chunk) => {
      if (read.bytes + chunk.length > mostBytes) return Effect.fail(new Unanswered({ problem: "too-long" }))
      read.parts.push(decoder.decode(chunk, { stream: true }))
      return Effect.succeed({ parts: read.parts, bytes: read.bytes + chunk.length })
    }),
    Effect.map(({ parts }) => parts.join(""))
  )
}

/** Asks once. */
export const ask = (fetch: typeof globalThis.fetch, url: string, options: AskOptions): Effect.Effect<EngineAnswer> =>
  Effect.gen(function*() {
    const askedAt = yield* nowMillis
    const answered = yield* Effect.tryPromise({
      try: (signal) => fetch(url, { signal, redirect: "manual", headers: { ...options.headers } }),
      catch: (error) =>
        new Unanswered({ problem: fromTransport(url, error)._tag === "ConnectError" ? "refused" : "failed" })
    }).pipe(
      Effect.flatMap((response) =>
        Effect.map(textOf(response, options.mostBytes ?? MOST_BYTES), (body) => ({
          status: response.status,
          headers: Object.fromEntries(response.headers),
          body,
          problem: null
        }))
      ),
      Effect.timeoutOrElse({
        duration: options.patienceMillis,
        orElse: () => Effect.fail(new Unanswered({ problem: "too-slow" }))
      }),
      Effect.catch(({ problem }) => Effect.succeed({ status: null, headers: {}, body: "", problem }))
    )
    return { askedAt, at: yield* nowMillis, ...answered }
  })

/** What a body says as JSON; `undefined` if it is none. */
export const jsonOf = (answer: EngineAnswer | undefined): unknown =>
  answer === undefined || answer.status !== 200 ? undefined : parseJson(answer.body)

/** `undefined` where a text is no JSON. */
export const parseJson = (text: string): unknown => Result.getOrUndefined(Result.try(() => JSON.parse(text) as unknown))

/** A field of anything; `undefined` where there is none. */
export const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined

/** The same, if it is a text that says something: without what could move a cursor, and not endless. */
export const textField = (value: unknown, name: string): string | undefined => {
  const field = fieldOf(value, name)
  return typeof field === "string" && field !== "" ? printable(field) : undefined
}

/** What could move a cursor, turn the writing round or end a line; white space of any kind goes with it. */
const unprintable = /[\s\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}]+/gu

/** A foreign text that may be shown: in one line, of at most so many characters. */
export const printable = (text: string, most = 120): string => {
  const line = text.slice(0, 4 * most).replaceAll(unprintable, " ").trim()
  return line.length > most ? `${line.slice(0, most - 1)}…` : line
}

/** Where a server's own paths stand: beside the `/v1` of its API. */
export const rootOf = (url: string): string => url.replace(/\/v1\/*$/, "").replace(/\/+$/, "")
