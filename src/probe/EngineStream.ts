/**
 * One streamed answer as it comes over the wire: every event with the time at which it arrived (adapter for undici and
 * eventsource-parser).
 *
 * `engine/ChatConnection.ts` reads ahead and keeps no times, because nothing there may depend on them; here they are what
 * is asked for. Laws: it never fails and always ends: at the end of the body, at so many bytes, events, or tokens beyond
 * those asked for, after so long without a first token, without a further one, or altogether, or when the caller's
 * `until` comes. The socket is closed then, whatever the server does. Times are milliseconds of the monotonic clock.
 *
 * Gotcha: what came together in one read of the socket has times less than half a millisecond apart; undici tells no more.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { createParser } from "eventsource-parser"
import type { Dispatcher } from "undici"
import { detailOf, fromTransport } from "../engine/EngineFailure.ts"
import type { PatientFetch } from "../engine/PatientFetch.ts"
import { parseJson, printable } from "./EngineAnswer.ts"
import * as EngineChunk from "./EngineChunk.ts"

/** Something that arrived. */
export type Arrival =
  | { readonly at: number; readonly kind: "chunk"; readonly chunk: EngineChunk.EngineChunk }
  | { readonly at: number; readonly kind: "comment"; readonly text: string }
  | { readonly at: number; readonly kind: "done" }
  | { readonly at: number; readonly kind: "malformed" }

/** What ended it. "closed": the caller did, as it had meant to. */
export type StreamEnd =
  | "complete"
  /** It said that it is complete, and left the connection open. */
  | "left-open"
  | "closed"
  | "lost"
  | "refused"
  | "unreachable"
  | "no-headers"
  | "no-token"
  | "silent"
  | "too-long"
  | "too-much"

/** What a stream was for. */
export type Purpose = "tokens" | "plain" | "field" | "prefill" | "abort"

export interface EngineStream {
  readonly purpose: Purpose
  /** What was asked for: the most tokens, and the fields beyond the plain ones. */
  readonly maxTokens: number
  readonly fields: ReadonlyArray<string>
  readonly sentAt: number
  readonly headersAt: number | null
  readonly status: number | null
  readonly headers: Readonly<Record<string, string>>
  readonly arrivals: ReadonlyArray<Arrival>
  readonly endedAt: number
  readonly end: StreamEnd
  /** What a refusal or a broken connection says. */
  readonly detail: string | null
}

export interface StreamPatience {
  /** Until the first token, between two, and altogether from the first on. */
  readonly firstTokenMillis: number
  readonly silenceMillis: number
  readonly answerMillis: number
  /** How long the connection may stay open behind the finish reason. */
  readonly finishMillis: number
}

export interface StreamRequest {
  readonly purpose: Purpose
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** `max_tokens` and `stream` are added. */
  readonly body: Readonly<Record<string, unknown>>
  readonly maxTokens: number
  readonly fields: ReadonlyArray<string>
  readonly patience: StreamPatience
  /** Closes the stream after so many chunks with text. */
  readonly closeAfter?: number
}

const MOST_BYTES = 8_000_000
const MOST_ARRIVALS = 20_000
const LONGEST_COMMENT = 40
const REFUSAL_CHARACTERS = 16_384
/** How often the waiting looks at the clock, at least. */
const LOOK_MILLIS = 500

/** Whether an event shows that the model has made something. */
export const hasToken = (chunk: EngineChunk.EngineChunk): boolean =>
  chunk.content + chunk.reasoning + chunk.toolCall > 0 || (chunk.tokenIds ?? 0) > 0

const headersOf = (headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), printable(String(value))]))

class Reading implements Dispatcher.DispatchHandler {
  readonly #request: StreamRequest
  readonly #now: () => number
  readonly #over = Latch.makeUnsafe()
  readonly #decoder = new TextDecoder()
  readonly #arrivals: Array<Arrival> = []
  readonly #parser = createParser({
    onEvent: ({ data }) => this.#onEvent(data),
    onComment: (text) => this.#arrive({ at: this.#at, kind: "comment", text: printable(text, LONGEST_COMMENT) })
  })
  readonly #sentAt: number
  #controller: Dispatcher.DispatchController | undefined
  #at = 0
  #bytes = 0
  #tokenEvents = 0
  #headersAt: number | null = null
  #status: number | null = null
  #headers: Readonly<Record<string, string>> = {}
  #refusal = ""
  #end: StreamEnd | undefined
  #endedAt = 0
  #detail: string | null = null
  /** When it was sent, then when the last token came: what silence is counted from. */
  #progressAt: number
  #firstTokenAt: number | undefined
  #finishedAt: number | undefined

  constructor(request: StreamRequest, now: () => number) {
    this.#request = request
    this.#now = now
    this.#sentAt = now()
    this.#progressAt = this.#sentAt
  }

  readonly wait: Effect.Effect<EngineStream> = Effect.suspend(() => {
    const look: Effect.Effect<void> = Effect.suspend(() => {
      const left = this.#deadline() - this.#now()
      if (left <= 0) this.#finish(this.#lateness())
      return this.#end === undefined
        ? Effect.andThen(
          Effect.timeoutOption(this.#over.await, Math.min(LOOK_MILLIS, Math.max(1, left))),
          look
        )
        : Effect.void
    })
    return Effect.map(look, () => this.#result())
  })

  readonly close = Effect.sync(() => this.#finish("closed"))

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#end !== undefined) this.#abort()
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | Array<string> | undefined>>
  ): void {
    if (status < 200 || this.#end !== undefined) return
    this.#headersAt = this.#now()
    this.#status = status
    this.#headers = headersOf(headers)
  }

  onResponseData(_: Dispatcher.DispatchController, bytes: Uint8Array): void {
    if (this.#end !== undefined) return
    this.#at = this.#now()
    this.#bytes += bytes.length
    const text = this.#decoder.decode(bytes, { stream: true })
    if (this.#status !== null && this.#status >= 300) {
      if (this.#refusal.length < REFUSAL_CHARACTERS) this.#refusal += text
    } else this.#parser.feed(text)
    if (this.#bytes > MOST_BYTES || this.#arrivals.length >= MOST_ARRIVALS) this.#finish("too-much")
  }

  onResponseEnd(): void {
    this.#at = this.#now()
    if (this.#status !== null && this.#status >= 300) {
      this.#detail = printable(detailOf(this.#status, this.#refusal), 300)
      return this.#finish("refused")
    }
    // A body may end without the empty line behind its last event.
    if (this.#end === undefined) this.#parser.feed("\n\n")
    this.#finish("complete")
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    const reason = fromTransport(this.#request.url, error)
    this.#detail ??= "detail" in reason ? printable(reason.detail) : null
    this.#finish(reason._tag === "ConnectError" ? "unreachable" : "lost")
  }

  #deadline(): number {
    const { answerMillis, finishMillis, firstTokenMillis, silenceMillis } = this.#request.patience
    if (this.#finishedAt !== undefined) return this.#finishedAt + finishMillis
    return this.#firstTokenAt === undefined
      ? this.#sentAt + firstTokenMillis
      : Math.min(this.#progressAt + silenceMillis, this.#firstTokenAt + answerMillis)
  }

  #lateness(): StreamEnd {
    if (this.#finishedAt !== undefined) return "left-open"
    if (this.#headersAt === null) return "no-headers"
    if (this.#firstTokenAt === undefined) return "no-token"
    return this.#now() >= this.#firstTokenAt + this.#request.patience.answerMillis ? "too-long" : "silent"
  }

  #arrive(arrival: Arrival): void {
    if (this.#end === undefined && this.#arrivals.length < MOST_ARRIVALS) this.#arrivals.push(arrival)
  }

  #onEvent(data: string): void {
    const at = this.#at
    if (data.startsWith("[DONE]")) return this.#arrive({ at, kind: "done" })
    const json = parseJson(data)
    if (json === undefined) return this.#arrive({ at, kind: "malformed" })
    const chunk = EngineChunk.read(json)
    this.#arrive({ at, kind: "chunk", chunk })
    if (chunk.finishReason !== null) this.#finishedAt ??= at
    if (!hasToken(chunk)) return
    this.#firstTokenAt ??= at
    this.#progressAt = at
    this.#tokenEvents++
    const { closeAfter, maxTokens } = this.#request
    if (closeAfter !== undefined && this.#tokenEvents >= closeAfter) this.#finish("closed")
    // Twice as many and some more: the server pays no heed to what was asked for.
    else if (this.#tokenEvents > 2 * maxTokens + 64) this.#finish("too-much")
  }

  #finish(end: StreamEnd): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#endedAt = this.#now()
    this.#abort()
    this.#over.openUnsafe()
  }

  #abort(): void {
    this.#controller?.abort(new DOMException("The probe has seen enough", "AbortError"))
  }

  #result(): EngineStream {
    const { fields, maxTokens, purpose } = this.#request
    return {
      purpose,
      maxTokens,
      fields,
      sentAt: this.#sentAt,
      headersAt: this.#headersAt,
      status: this.#status,
      headers: this.#headers,
      arrivals: this.#arrivals,
      endedAt: this.#endedAt,
      end: this.#end ?? "closed",
      detail: this.#detail
    }
  }
}

/** A stream under way. */
export interface OpenStream {
  /** Waits for its end. */
  readonly ended: Effect.Effect<EngineStream>
  /** Closes it; a stream that has ended stays what it is. */
  readonly close: Effect.Effect<void>
}

/** Sends the request. */
export const open = (connections: PatientFetch["Service"], request: StreamRequest): Effect.Effect<OpenStream> =>
  Effect.map(Clock.Clock, (clock) => {
    const reading = new Reading(request, () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6)
    const { origin, pathname, search } = new URL(request.url)
    connections.dispatcher.dispatch({
      origin,
      path: pathname + search,
      method: "POST",
      headers: { "content-type": "application/json", "accept": "text/event-stream", ...request.headers },
      body: JSON.stringify({ ...request.body, max_tokens: request.maxTokens, stream: true })
    }, reading)
    return { ended: Effect.ensuring(reading.wait, reading.close), close: reading.close }
  })
