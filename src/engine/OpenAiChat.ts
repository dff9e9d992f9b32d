/**
 * What is asked of an OpenAI-compatible server: a streamed chat completion, and the list of its models.
 *
 * The stream is read by ChatConnection.ts. Everything else is the openai SDK's, which retries nothing here.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import OpenAI from "openai"
import type { FailReason } from "../liveness/Failed.ts"
import { ChatConnection } from "./ChatConnection.ts"
import * as EngineFailure from "./EngineFailure.ts"
import type { PatientFetch } from "./PatientFetch.ts"

/** The largest delay of a Node timer: the SDK's only timeout is as good as off. */
const NO_TIMEOUT_MILLIS = 2 ** 31 - 1

export interface ChatOptions {
  readonly baseUrl: string
  readonly apiKey: Redacted.Redacted | undefined
  readonly connections: PatientFetch["Service"]
  readonly dataParallelRank?: number | undefined
}

/**
 * Sends the request and waits for the response headers. Closing the scope closes the socket. With `traceHeaders` the engine
 * knows which trace the request is of.
 */
export const open = (
  options: ChatOptions,
  body: Readonly<Record<string, unknown>>,
  requestId: string,
  traceHeaders: Readonly<Record<string, string>> = {}
): Effect.Effect<ChatConnection, FailReason, Scope.Scope> =>
  Effect.gen(function*() {
    const explain = explainer(options)
    const url = yield* Effect.try({
      try: () => new URL(`${options.baseUrl.replace(/\/+$/, "")}/chat/completions`),
      catch: explain
    })
    const headers = {
      "content-type": "application/json",
      "accept": "text/event-stream",
      "x-request-id": requestId,
      ...traceHeaders,
      ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${Redacted.value(options.apiKey)}` }),
      ...(options.dataParallelRank === undefined ? {} : { "x-data-parallel-rank": String(options.dataParallelRank) })
    }
    let answered: (answer: Effect.Effect<void, FailReason>) => void = () => {}
    const connection = yield* Effect.acquireRelease(
      Effect.sync(() =>
        new ChatConnection({
          explain,
          redact: (reason) => redacted(options.apiKey, reason),
          onHeaders: (exit) => answered(exit)
        })
      ),
      (connection) => connection.close
    )
    yield* Effect.callback<void, FailReason>((resume) => {
      answered = resume
      options.connections.dispatcher.dispatch({
        origin: url.origin,
        path: url.pathname + url.search,
        method: "POST",
        headers,
        body: JSON.stringify({ ...body, stream: true })
      }, connection)
    })
    return connection
  })

/** A model as its server lists it. */
export interface ServedModel {
  readonly id: string
  /** What stands behind the id, where the server tells: vLLM and SGLang do. */
  readonly root: string | null
}

/** The models the server serves. */
export const models = (options: ChatOptions): Effect.Effect<ReadonlyArray<ServedModel>, FailReason> =>
  Effect.map(
    Effect.tryPromise({ try: (signal) => client(options).models.list({ signal }), catch: explainer(options) }),
    (page) => page.data.map((model) => ({ id: model.id, root: rootOf(model) }))
  )

const rootOf = (model: object): string | null => "root" in model && typeof model.root === "string" ? model.root : null

const client = (options: ChatOptions): OpenAI =>
  new OpenAI({
    baseURL: options.baseUrl,
    // The SDK refuses to start without a key and would send this one; servers without keys ignore it.
    apiKey: options.apiKey === undefined ? "none" : Redacted.value(options.apiKey),
    organization: null,
    project: null,
    fetch: options.connections.fetch,
    maxRetries: 0,
    timeout: NO_TIMEOUT_MILLIS,
    logLevel: "off"
  })

/** Explains errors of this server, with the key taken out of whatever it echoed. */
const explainer = (options: ChatOptions) => (error: unknown): FailReason =>
  redacted(options.apiKey, EngineFailure.fromUnknown(options.baseUrl, error))

const redacted = (apiKey: Redacted.Redacted | undefined, reason: FailReason): FailReason =>
  apiKey === undefined || !("detail" in reason)
    ? reason
    : { ...reason, detail: reason.detail.replaceAll(Redacted.value(apiKey), "<redacted>") }
