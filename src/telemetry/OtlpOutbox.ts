/**
 * The way of telemetry to its collector, which must not matter to what is measured (adapter for undici, and for what
 * Effect's exporters expect of an HTTP client).
 *
 * Laws:
 * - Whatever the collector does, the exporters are told that it took what it was sent: they would keep or stop otherwise.
 * - At most so many batches of a signal are on their way at once, their tries included; what comes then is dropped.
 * - A batch is tried again while its time lasts if that may help (429, 502, 503, 504, no connection).
 * - The first trouble is told in one line, without what may be a secret, and nothing after it.
 * - Closing takes a bounded time; afterwards nothing is sent.
 *
 * Gotcha: answers are not read; what a collector says of a part that it refuses is lost.
 */
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import * as undici from "undici"
import type { Signal } from "./otlpAsked.ts"
import type { SignalSettings } from "./OtlpSettings.ts"

export interface OtlpOutbox {
  /** The client of one signal. It never fails. */
  readonly clientOf: (signal: Signal, settings: SignalSettings) => HttpClient.HttpClient
  /** Runs what sends the rest, waits for all that is on its way, and closes; all of it within a bound. */
  readonly close: (flush: Effect.Effect<void>) => Effect.Effect<void>
}

/** How long a process that ends waits for its telemetry, in milliseconds. */
const CLOSE_MILLIS = 1500
const CONNECT_TIMEOUT_MILLIS = 5000
const FIRST_DELAY_MILLIS = 500
const BETWEEN_LOOKS = "10 millis"

/** The outbox; connections are closed with its scope. `tell` is told of the first trouble. */
export const make = Effect.fnUntraced(function*(
  tell: (line: string) => Effect.Effect<void>
): Effect.fn.Return<OtlpOutbox, never, Scope.Scope> {
  const agent = yield* Effect.acquireRelease(
    Effect.sync(() => new undici.Agent({ connect: { timeout: CONNECT_TIMEOUT_MILLIS } })),
    (agent) => Effect.promise(() => agent.destroy())
  )
  const fetch = ((input: string, init: undici.RequestInit) =>
    undici.fetch(input, { ...init, dispatcher: agent })) as unknown as typeof globalThis.fetch
  const http = yield* Effect.provide(HttpClient.HttpClient, FetchHttpClient.layer)
  const closing = Latch.makeUnsafe()
  const closed = Latch.makeUnsafe()
  /** Where something is on its way to. */
  const waiting = new Set<string>()
  let inFlight = 0
  let wasTold = false

  const trouble = (signal: Signal, url: string, why: string) =>
    Effect.suspend(() => {
      if (wasTold || closed.isOpen()) {
        return Effect.void
      }
      wasTold = true
      return tell(`${signal} cannot be sent to ${placeOf(url)}: ${why}; they are dropped while that lasts`)
    })

  /** Once more, as long as it may help; what waits for that when it is to end is tried once more at once. */
  const tries = (once: Effect.Effect<void, Outcome>, delayMillis: number): Effect.Effect<void, Outcome> =>
    Effect.catch(once, (outcome) =>
      closing.isOpen() || !mayHelp(outcome)
        ? Effect.fail(outcome)
        : Effect.sleep(delayMillis).pipe(
          Effect.raceFirst(closing.await),
          Effect.andThen(Effect.suspend(() =>
            tries(once, delayMillis * 2)
          ))
        ))

  const clientOf = (signal: Signal, { batch, queue, timeoutMillis, url }: SignalSettings) => {
    const most = Math.max(1, Math.floor(queue / batch))
    let ofSignal = 0
    const send = (
      effect: Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError>,
      request: HttpClientRequest.HttpClientRequest
    ) =>
      Effect.suspend(() => {
        if (closed.isOpen()) {
          return Effect.succeed(taken(request))
        }
        if (ofSignal >= most) {
          return Effect.as(trouble(signal, url, "it is too slow"), taken(request))
        }
        ofSignal++
        inFlight++
        waiting.add(placeOf(url))
        let why: Outcome | string = "it takes too long"
        return effect.pipe(
          Effect.provideService(FetchHttpClient.Fetch, fetch),
          Effect.flatMap(({ status }) => status >= 200 && status < 300 ? Effect.void : Effect.fail(status)),
          Effect.tapError((outcome) =>
            Effect.sync(() => {
              why = outcome
            })
          ),
          (once) => tries(once, FIRST_DELAY_MILLIS),
          Effect.timeoutOrElse({ duration: timeoutMillis, orElse: () => Effect.fail(why) }),
          Effect.catch((error) => trouble(signal, url, inWords(error))),
          Effect.raceFirst(closed.await),
          Effect.ensuring(Effect.sync(() => {
            ofSignal--
            inFlight--
            if (ofSignal === 0) waiting.delete(placeOf(url))
          })),
          Effect.as(taken(request))
        )
      })
    return HttpClient.transform(http, send)
  }

  const idle: Effect.Effect<void> = Effect.suspend(() =>
    inFlight === 0 ? Effect.void : Effect.andThen(Effect.sleep(BETWEEN_LOOKS), idle)
  )

  const close = (flush: Effect.Effect<void>) =>
    Effect.gen(function*() {
      closing.openUnsafe()
      // Named before what is late is interrupted: then nothing waits any more.
      const late = yield* Effect.andThen(flush, idle).pipe(
        Effect.as(undefined),
        Effect.interruptible,
        Effect.raceFirst(Effect.delay(Effect.sync(() => [...waiting].join(", ")), CLOSE_MILLIS))
      )
      if (late !== undefined && !wasTold) {
        wasTold = true
        yield* tell(`the last of it is not taken within ${CLOSE_MILLIS / 1000} s by ${late}`)
      }
      closed.openUnsafe()
    })

  return { clientOf, close }
})

/** What an exporter is to believe. */
const taken = (request: HttpClientRequest.HttpClientRequest): HttpClientResponse.HttpClientResponse =>
  HttpClientResponse.fromWeb(request, new Response(null, { status: 200 }))

type Outcome = number | HttpClientError

/** As the protocol says (OTLP/HTTP, "Failures"); a connection that could not be made may be made later. */
const RETRYABLE = new Set([429, 502, 503, 504])

const mayHelp = (outcome: Outcome): boolean =>
  typeof outcome === "number" ? RETRYABLE.has(outcome) : outcome.reason._tag === "TransportError"

/** Why, without the words of the other side. */
const inWords = (error: Outcome | string): string => {
  if (typeof error === "string") return error
  if (typeof error === "number") return `it answers ${error}`
  const { cause } = error.reason
  return codeOf(cause) ?? "the request fails"
}

/** The code of a system error, such as ECONNREFUSED, wherever it is wrapped. */
const codeOf = (error: unknown): string | undefined => {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "string") return at.code
  }
  return undefined
}

/** Without a query, which may hold a key. */
const placeOf = (url: string): string => url.replace(/[?#].*$/s, "")
