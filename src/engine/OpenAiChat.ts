/**
 * One streamed chat completion over the openai SDK (adapter).
 *
 * The SDK is kept to what it does well, requests and parsing. What it hides is put back here:
 * - it never times out on silence, and neither does our fetch; it retries only what never became a stream, so not at all;
 * - it ends its loop without an error when the body just ends: `next` says `end`, and `doneSeen` whether the sentinel
 *   came, and the caller judges;
 * - it drops comments: they are counted in the raw bytes and told through `onComment`;
 * - a pending `next()` cannot be cancelled by closing the iterator: the scope aborts the request instead, which closes
 *   the socket also while nothing arrives. A body that has said `[DONE]` is read to its end first, so that a completed
 *   request is never seen as aborted.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import OpenAI from "openai"
import type { FailReason } from "../liveness/Failed.ts"
import * as EngineFailure from "./EngineFailure.ts"
import * as ServerSentEventObserver from "./ServerSentEventObserver.ts"

/** The largest delay of a Node timer: the SDK's only timeout, which stops at the headers, is as good as off. */
const NO_TIMEOUT_MILLIS = 2 ** 31 - 1
/** How long a body that has said `[DONE]` may take to end. */
const BODY_END_GRACE = Duration.seconds(1)

export interface ChatOptions {
  readonly baseUrl: string
  readonly apiKey: Redacted.Redacted | undefined
  readonly fetch: typeof globalThis.fetch
  readonly dataParallelRank?: number | undefined
}

export interface ChatConnection {
  /** The next parsed event of the stream, or `end` when the body or the sentinel ended it. */
  readonly next: Effect.Effect<{ readonly event: unknown } | "end", FailReason>
  /** Whether `data: [DONE]` was among the bytes. */
  readonly doneSeen: () => boolean
  /** The content type the server answered with. */
  readonly contentType: string
}

/** Sends the request and waits for the response headers. Closing the scope closes the socket. */
export const open = (
  options: ChatOptions,
  body: Readonly<Record<string, unknown>>,
  handlers: { readonly requestId: string; readonly onComment: () => void }
): Effect.Effect<ChatConnection, FailReason, Scope.Scope> =>
  Effect.gen(function*() {
    const explain = explainer(options)
    const watched = watchedFetch(options.fetch, handlers.onComment)
    const controller = yield* Effect.acquireRelease(
      Effect.sync(() => new AbortController()),
      (controller) =>
        Effect.andThen(
          watched.observation().done
            ? Effect.ignore(Effect.timeoutOption(Effect.promise(() => watched.bodyEnded), BODY_END_GRACE))
            : Effect.void,
          Effect.sync(() => controller.abort())
        )
    )
    const { data: stream, response } = yield* Effect.tryPromise({
      try: () =>
        client({ ...options, fetch: watched.fetch }).chat.completions
          .create({ ...body, stream: true } as unknown as OpenAI.ChatCompletionCreateParamsStreaming, {
            signal: controller.signal,
            headers: {
              "x-request-id": handlers.requestId,
              ...(options.dataParallelRank === undefined
                ? {}
                : { "x-data-parallel-rank": String(options.dataParallelRank) })
            }
          })
          .withResponse(),
      catch: explain
    })
    const iterator = stream[Symbol.asyncIterator]()
    return {
      next: Effect.map(
        Effect.tryPromise({ try: () => iterator.next(), catch: explain }),
        (result) => result.done === true ? "end" as const : { event: result.value as unknown }
      ),
      doneSeen: () => watched.observation().done,
      contentType: response.headers.get("content-type") ?? ""
    }
  })

/** The ids of the models the server serves. */
export const models = (options: ChatOptions): Effect.Effect<ReadonlyArray<string>, FailReason> =>
  Effect.map(
    Effect.tryPromise({ try: (signal) => client(options).models.list({ signal }), catch: explainer(options) }),
    (page) => page.data.map((model) => model.id)
  )

const client = (options: ChatOptions): OpenAI =>
  new OpenAI({
    baseURL: options.baseUrl,
    // The SDK refuses to start without a key and would send this one; servers without keys ignore it.
    apiKey: options.apiKey === undefined ? "none" : Redacted.value(options.apiKey),
    organization: null,
    project: null,
    fetch: options.fetch,
    maxRetries: 0,
    timeout: NO_TIMEOUT_MILLIS,
    logLevel: "off"
  })

/** Explains errors of this server, with the key taken out of whatever it echoed. */
const explainer = (options: ChatOptions) => (error: unknown): FailReason => {
  const reason = EngineFailure.fromUnknown(options.baseUrl, error)
  if (options.apiKey === undefined || !("detail" in reason)) return reason
  return { ...reason, detail: reason.detail.replaceAll(Redacted.value(options.apiKey), "<redacted>") }
}

/** A `fetch` whose response body is observed on its way to the SDK. */
const watchedFetch = (fetch: typeof globalThis.fetch, onComment: () => void) => {
  let observation = ServerSentEventObserver.initial
  const bodyEnded = Promise.withResolvers<void>()

  const observe = (bytes: Uint8Array) => {
    const before = observation.comments
    observation = ServerSentEventObserver.observe(observation, bytes)
    for (let seen = before; seen < observation.comments; seen++) onComment()
  }

  const observed = (body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> => {
    const reader = body.getReader()
    // Ended, broken or given up: in any case there is nothing more to wait for.
    void reader.closed.then(bodyEnded.resolve, () => bodyEnded.resolve())
    const readToEnd = (): Promise<void> => reader.read().then((result) => result.done ? undefined : readToEnd())
    return new ReadableStream<Uint8Array>({
      pull: (controller) =>
        reader.read().then((result) => {
          if (result.done) {
            controller.close()
          } else {
            observe(result.value)
            controller.enqueue(result.value)
          }
        }),
      cancel: (reason) => observation.done ? readToEnd() : reader.cancel(reason)
    }, { highWaterMark: 0 })
  }

  return {
    observation: () => observation,
    bodyEnded: bodyEnded.promise,
    fetch: ((input: string, init?: RequestInit) =>
      fetch(input, init).then((response) =>
        response.body === null
          ? response
          : new Response(observed(response.body), { status: response.status, headers: response.headers })
      )) as typeof globalThis.fetch
  }
}
