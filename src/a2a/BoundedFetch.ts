/**
 * The `fetch` that the SDK's client gets: whatever the agent answers, what is kept of it is bounded, and what is not an
 * answer fails with an `AgentFault` that says so.
 *
 * - An answer that is no stream has a bounded size and a bounded time. A stream has no limit in time, also not before
 *   its headers: silence is for the watch to judge. It has one in bytes, together with all others of the same task.
 *   Bytes are counted after decompression.
 * - Redirects are followed to the same origin only. A token goes to the origin that it is for, and nowhere else.
 * - The connection of an answer that failed is closed.
 *
 * Gotcha: an error drops what a ReadableStream still holds, so the events before a fault go out first and the fault is
 * told when more is asked for.
 */
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { fromStatus, retryAfterMillis } from "../engine/EngineFailure.ts"
import { FailReason } from "../liveness/Failed.ts"
import { AgentFault, malformed, ofTransport, oneLine } from "./AgentFault.ts"
import { makeGuard } from "./EventStreamGuard.ts"
import { isObject, isTooDeep, parseJson } from "./WireShape.ts"

/** What is taken of an agent's answers at most. */
export interface FetchLimits {
  /** The bytes of all streams of one task together. */
  readonly taskBytes: number
  /** The bytes of an answer that is no stream, such as a card. */
  readonly answerBytes: number
  /** How long an answer that is no stream may take. */
  readonly answerTime: Duration.Input
}

export const defaultLimits: FetchLimits = {
  // An event of one token has about 500 bytes, so this is an answer of a quarter of a million tokens, each by itself.
  taskBytes: 128 * 1024 * 1024,
  answerBytes: 4 * 1024 * 1024,
  answerTime: "30 seconds"
}

export interface BoundedFetchOptions {
  readonly fetch: typeof globalThis.fetch
  /** Bearer tokens by origin. */
  readonly tokens: ReadonlyMap<string, Redacted.Redacted>
  /** What every request carries besides, such as the context of its trace. */
  readonly headers?: Readonly<Record<string, string>>
  readonly limits: FetchLimits
  /** The flaw of an answer that is no stream and no error, in words that go on after "the answer"; none unless given. */
  readonly flawOf?: (json: unknown) => string | undefined
  /** What its effects run in. */
  readonly context: Context.Context<never>
}

const SENDABLE = /^[\x21-\x7e]+$/
const MOST_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])
const KEEPING_REDIRECTS = new Set([307, 308])
const EVENT_STREAM = "text/event-stream"

/** The `fetch` of one task. */
export const make = (options: BoundedFetchOptions): typeof globalThis.fetch => {
  const { context, limits, tokens } = options
  const run = Effect.runPromiseWith(context)
  let bytesLeft = limits.taskBytes

  const requestOnce = (target: URL, init: RequestInit) =>
    Effect.tryPromise({
      try: (signal) => {
        const headers = new Headers(init.headers)
        const token = tokens.get(target.origin)
        // A compressor on the way that is not flushed holds a stream back until its end.
        if (headers.get("accept") === EVENT_STREAM && !headers.has("accept-encoding")) {
          headers.set("accept-encoding", "identity")
        }
        for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value)
        if (token !== undefined) headers.set("authorization", `Bearer ${Redacted.value(token)}`)
        return options.fetch(target.href, {
          ...init,
          headers: Object.fromEntries(headers),
          redirect: "manual",
          signal: init.signal ? AbortSignal.any([init.signal, signal]) : signal
        })
      },
      catch: (error) => ofTransport(target.href, error)
    })

  const request = Effect.fnUntraced(function*(input: string, init: RequestInit) {
    if (!URL.canParse(input)) {
      return yield* refused(400, `the agent's card names an address that is no URL: ${input}`)
    }
    let target = new URL(input)
    const token = tokens.get(target.origin)
    if (token !== undefined && !SENDABLE.test(Redacted.value(token))) {
      // Said here, because what refuses such a header quotes it.
      return yield* refused(401, `the token for ${target.origin} has characters that no header can hold`)
    }
    for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
      const response = yield* requestOnce(target, init)
      const location = response.headers.get("location")
      if (!REDIRECTS.has(response.status) || location === null) return { response, target }
      discard(response)
      const next = URL.canParse(location, target.href) ? new URL(location, target) : undefined
      const where = `${target.href} redirects to ${location}`
      if (next?.origin !== target.origin) {
        return yield* refused(response.status, `${where}, which is another origin and not followed`)
      }
      if ((init.method ?? "GET") !== "GET" && !KEEPING_REDIRECTS.has(response.status)) {
        return yield* refused(response.status, `${where} without keeping the request, which is not followed`)
      }
      target = next
    }
    return yield* refused(310, `${input} redirects more than ${MOST_REDIRECTS} times`)
  })

  /** The whole body as text. */
  const whole = Effect.fnUntraced(function*(response: Response, url: string) {
    const reader = response.body?.getReader()
    if (reader === undefined) return ""
    const decoder = new TextDecoder()
    let bytes = 0
    let text = ""
    return yield* Effect.gen(function*() {
      while (true) {
        const { done, value } = yield* Effect.tryPromise({
          try: () => reader.read(),
          catch: (error) => ofTransport(url, error)
        })
        if (done) return text + decoder.decode()
        bytes += value.byteLength
        if (bytes > limits.answerBytes) {
          return yield* malformed(`the answer of ${url} is larger than ${sizeOf(limits.answerBytes)}`)
        }
        text += decoder.decode(value, { stream: true })
      }
    }).pipe(Effect.ensuring(Effect.sync(() => discardBy(reader))))
  })

  const guarded = (body: ReadableStream<Uint8Array>, requestId: unknown, url: string): ReadableStream<Uint8Array> => {
    const reader = body.getReader()
    const guard = makeGuard(requestId)
    let fault: AgentFault | undefined
    const pull = Effect.fnUntraced(function*(controller: ReadableStreamDefaultController<Uint8Array>) {
      if (fault !== undefined) return controller.error(fault)
      while (true) {
        const read = yield* Effect.result(Effect.tryPromise({
          try: () => reader.read(),
          catch: (error) => ofTransport(url, error)
        }))
        if (Result.isFailure(read)) return controller.error(read.failure)
        const { done, value } = read.success
        bytesLeft -= value?.byteLength ?? 0
        const found = done ? guard.end() : guard.push(value)
        fault = found.fault ?? (bytesLeft < 0
          ? malformed(`the answer is larger than ${sizeOf(limits.taskBytes)} in all`)
          : undefined)
        if (fault !== undefined) discardBy(reader)
        if (found.text !== "") controller.enqueue(encoder.encode(found.text))
        else if (fault !== undefined) return controller.error(fault)
        if (done && fault === undefined) return controller.close()
        if (found.text !== "") return
      }
    })
    return new ReadableStream({
      pull: (controller) => run(pull(controller)),
      cancel: () => discardBy(reader)
    }, { highWaterMark: 0 })
  }

  /** An answer that is no stream, for the SDK to read; or why it is none. */
  const answer = Effect.fnUntraced(function*(response: Response, url: string, wantsStream: boolean) {
    const text = yield* whole(response, url)
    if (isTooDeep(text)) return yield* malformed(`the answer of ${url} is nested too deeply`)
    const parsed = parseJson(text)
    const saysError = Result.isSuccess(parsed) && isObject(parsed.success) && isA2aError(parsed.success)
    if (!response.ok && !saysError) {
      const detail = oneLine(text) || response.statusText || "no reason given"
      return yield* new AgentFault({
        reason: fromStatus(response.status, detail, retryAfterMillis(response.headers.get("retry-after")))
      })
    }
    if (wantsStream && !saysError) {
      const type = response.headers.get("content-type") ?? "no content type"
      const detail = oneLine(`${type} instead of a stream of events: ${text.slice(0, 100)}`)
      return yield* new AgentFault({ reason: FailReason.cases.ServerError.make({ status: response.status, detail }) })
    }
    const flaw = saysError || Result.isFailure(parsed) ? undefined : options.flawOf?.(parsed.success)
    if (flaw !== undefined) return yield* malformed(`the answer of ${url} ${flaw}`)
    return new Response(text === "" ? null : text, {
      status: response.status,
      headers: { "content-type": response.headers.get("content-type") ?? "application/json" }
    })
  })

  const bounded = (url: string) =>
    Effect.timeoutOrElse({
      duration: limits.answerTime,
      orElse: () =>
        new AgentFault({
          reason: FailReason.cases.ConnectTimeout.make({ detail: `no whole answer of ${url} in time` })
        })
    })

  const stream = Effect.fnUntraced(function*(input: string, init: RequestInit) {
    const { response, target } = yield* request(input, init)
    yield* authorized(response, target)
    const isStream = response.headers.get("content-type")?.toLowerCase().startsWith(EVENT_STREAM) === true
    if (response.ok && isStream && response.body !== null) {
      return new Response(guarded(response.body, requestIdOf(init), target.href), {
        status: response.status,
        headers: { "content-type": EVENT_STREAM }
      })
    }
    return yield* bounded(target.href)(answer(response, target.href, true))
  })

  const plain = Effect.fnUntraced(function*(input: string, init: RequestInit) {
    const { response, target } = yield* request(input, init)
    yield* authorized(response, target)
    return yield* answer(response, target.href, false)
  })

  const authorized = Effect.fnUntraced(function*({ body, status }: Response, target: URL) {
    if (status !== 401 && status !== 403) return
    discard({ body })
    const what = tokens.has(target.origin)
      ? "it does not take the token in CAMPAIGN_AGENT_TOKEN"
      : "it wants a token; put it into CAMPAIGN_AGENT_TOKEN"
    return yield* refused(status, `${target.origin}: ${what}`)
  })

  return (input, init = {}) => {
    const url = input instanceof Request ? input.url : String(input)
    const wantsStream = new Headers(init.headers).get("accept") === EVENT_STREAM
    return run(wantsStream ? stream(url, init) : bounded(url)(plain(url, init)))
  }
}

const encoder = new TextEncoder()

const refused = (status: number, detail: string) =>
  new AgentFault({ reason: FailReason.cases.Rejected.make({ status, detail: oneLine(detail) }) })

/** An error of JSON-RPC or of HTTP+JSON, which the SDK knows how to read. */
const isA2aError = (body: Readonly<Record<string, unknown>>): boolean => {
  const error = body["error"]
  return (isObject(error) && typeof error["message"] === "string") ||
    (typeof body["code"] === "number" && typeof body["message"] === "string")
}

/** The id of the JSON-RPC request that the SDK has made; none for HTTP+JSON. */
const requestIdOf = (init: RequestInit): unknown => {
  const body = parseJson(String(init.body))
  return Result.isSuccess(body) && isObject(body.success) && body.success["jsonrpc"] === "2.0"
    ? body.success["id"]
    : undefined
}

const sizeOf = (bytes: number): string =>
  bytes >= 1024 * 1024 ? `${Math.round(bytes / 1024 / 1024)} MiB` : `${bytes} bytes`

/** Gives up a body, which closes its connection. */
const discard = ({ body }: Pick<Response, "body">): void => {
  if (body !== null) void body.cancel().catch(() => {})
}

const discardBy = (reader: ReadableStreamDefaultReader<Uint8Array>): void => void reader.cancel().catch(() => {})
