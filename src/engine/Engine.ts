/**
 * The engine as a service: a prompt in, a stream of token events out.
 *
 * Laws of `stream`:
 * - It completes only after a `finish_reason`. An end without one fails (`Truncated`, `DoneWithoutFinish`), and so do
 *   `finish_reason` "abort" and "error".
 * - After the finish nothing can fail any more: a reset, a silence or an open connection ends the stream, at the latest
 *   after the grace, and the socket is closed.
 * - Interrupting it closes the socket at once, also while nothing arrives; a vLLM server then aborts the request.
 * - Nothing is retried inside it: a stream that has begun cannot be begun again without doubling tokens.
 * - Silence never fails it. That is for the guard around it to judge.
 *
 * The tokens that arrived together come as one chunk.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { Failed, FailReason } from "../liveness/Failed.ts"
import type { OpenSpan } from "../telemetry/Spans.ts"
import { Signal, type TokenEvent } from "../token/TokenEvent.ts"
import type { ToolCall } from "../token/Transcript.ts"
import * as ChatCompletionReader from "./ChatCompletionReader.ts"
import { type ChatConnection, COMMENT } from "./ChatConnection.ts"
import * as ChatSpan from "./ChatSpan.ts"
import * as OpenAiChat from "./OpenAiChat.ts"
import { PatientFetch } from "./PatientFetch.ts"

export { PatientFetch } from "./PatientFetch.ts"

/** Where an engine is, and how it is asked. */
export interface EngineOptions {
  /** The address of the OpenAI-compatible API, with its `/v1`. */
  readonly baseUrl: string
  /** The model that every request names. */
  readonly model: string
  /** What to ask for instead, if the model may become another one in the life of the engine. */
  readonly currentModel?: (() => string) | undefined
  /** Sent as a bearer token, to `baseUrl` only. None unless given. */
  readonly apiKey?: Redacted.Redacted | undefined
  /** The most tokens an answer may have. Always sent, because a run without a bound cannot be told from a runaway. */
  readonly maxTokens?: number
  /** The data-parallel engine that shall answer, so that its metrics can be told from those of the others. */
  readonly dataParallelRank?: number
  /** How long a connection may stay open after the finish. */
  readonly finishGrace?: Duration.Input
}

/** One message of a conversation. */
export interface EngineMessage {
  /** Who says it; "tool" gives the result of a call. */
  readonly role: "system" | "user" | "assistant" | "tool"
  /** What is said: text only. */
  readonly content: string
  /** The calls of tools in a message of the assistant, as `Transcript` has them. */
  readonly toolCalls?: ReadonlyArray<ToolCall>
  /** Which call a message of role "tool" answers: the `id` of the call. */
  readonly toolCallId?: string | undefined
}

/** A function that the model may call. */
export interface EngineTool {
  /** The name that the model calls it by. */
  readonly name: string
  /** What it does, for the model. */
  readonly description: string
  /** Its arguments, as a JSON Schema of an object. */
  readonly parameters: Readonly<Record<string, unknown>>
}

/** What is asked of an engine. */
export interface EngineRequest {
  /** The conversation, its last message being the question. */
  readonly messages: ReadonlyArray<EngineMessage>
  /** Identifies the request in the engine's logs. */
  readonly requestId: string
  /** What the model may call; its calls come as `ToolCallDelta`. None unless given. */
  readonly tools?: ReadonlyArray<EngineTool>
  /**
   * More members of the request, as the server names them: `temperature`, `seed`, `response_format`, `tool_choice`. Neither
   * model and messages, nor whatever decides how the answer comes, can be changed by them.
   */
  readonly body?: Readonly<Record<string, unknown>>
  /** The span of the request, where whoever asks has opened one; it gets its own unless given. */
  readonly span?: OpenSpan
}

const DEFAULT_MAX_TOKENS = 4096
/** Request fields that vLLM understands and that other servers may refuse: exact token counts on every chunk. */
const EXACT_COUNTS = { return_token_ids: true, stream_options: { include_usage: true, continuous_usage_stats: true } }
const PLAIN_COUNTS = { stream_options: { include_usage: true } }

/**
 * An OpenAI-compatible engine. `Engine.layer` is one over HTTP; a program with another way to its engine gives a layer of its
 * own, whose `stream` keeps the laws at the head of this module.
 *
 * @example
 * import { Engine } from "a2a-campaign/Engine"
 * import { Simulator } from "a2a-campaign/Simulator"
 * import * as Transcript from "a2a-campaign/Transcript"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Stream from "effect/Stream"
 *
 * const program = Effect.gen(function*() {
 *   const engine = yield* Engine
 *   const { finishReason, tokens } = yield* engine.stream({
 *     messages: [{ role: "user", content: "Tell me a story." }],
 *     requestId: "story-1"
 *   }).pipe(Stream.runFold(() => Transcript.empty, Transcript.step))
 *   console.log(`${tokens > 0}, ${finishReason}`)
 * })
 *
 * // Instead of the simulated engine: Engine.layer({ baseUrl: "http://127.0.0.1:8000/v1", model: "my-model" })
 * const engine = Layer.unwrap(
 *   Simulator.useSync(({ url }) => Engine.layer({ baseUrl: `${url}/v1`, model: "simulated-model" }))
 * ).pipe(Layer.provide(Simulator.layer({ host: "127.0.0.1", port: 0, interTokenMillis: 1 })))
 *
 * await Effect.runPromise(Effect.provide(program, engine))
 * // prints: true, stop
 */
export class Engine extends Context.Service<Engine, {
  /** The model that is asked. */
  readonly model: string
  /** Where it is, with its `/v1`; also its name as an endpoint in gates, learned limits and errors. */
  readonly baseUrl: string
  /** The most tokens an answer may have. */
  readonly maxTokens: number
  /** One answer. Fails with `Failed` of hop "engine". */
  readonly stream: (request: EngineRequest) => Stream.Stream<TokenEvent, Failed>
  /** Fails in one clear line when the server cannot be reached or does not serve the model. */
  readonly check: Effect.Effect<void, Failed>
  /** The models that the server says it serves. Fails in one clear line when it cannot be asked. */
  readonly models: Effect.Effect<ReadonlyArray<string>, Failed>
}>()("a2a-campaign/Engine") {
  /** Over HTTP, with connections of its own. */
  static readonly layer = (options: EngineOptions): Layer.Layer<Engine> =>
    Engine.layerNoDeps(options).pipe(Layer.provide(PatientFetch.layer))

  /** Over the connections of the context, which engines of one process may share. */
  static readonly layerNoDeps = (options: EngineOptions): Layer.Layer<Engine, never, PatientFetch> =>
    Layer.effect(Engine, Effect.map(PatientFetch, (connections) => make(options, connections)))

  /** An engine that answers every request with the same stream. */
  static readonly layerTest = (stream: Stream.Stream<TokenEvent, Failed>): Layer.Layer<Engine> =>
    Layer.succeed(Engine, {
      model: "test",
      baseUrl: "test:",
      maxTokens: DEFAULT_MAX_TOKENS,
      stream: () => stream,
      check: Effect.void,
      models: Effect.succeed(["test"])
    })
}

const failed = (reason: FailReason, tokens = 0) => new Failed({ hop: "engine", reason, tokens })

const make = (options: EngineOptions, connections: PatientFetch["Service"]): Engine["Service"] => {
  const chat: OpenAiChat.ChatOptions = {
    baseUrl: options.baseUrl,
    apiKey: options.apiKey,
    dataParallelRank: options.dataParallelRank,
    connections
  }
  const maxTokens = options.maxTokens ?? DEFAULT_MAX_TOKENS
  const finishGrace = Duration.fromInputUnsafe(options.finishGrace ?? "5 seconds")
  /** Learned at the first refusal, so that a server that does not know the fields is asked only once. */
  let refusesExactCounts = false

  const open = (request: EngineRequest, { headers }: OpenSpan) => {
    const attempt = (counts: typeof EXACT_COUNTS | typeof PLAIN_COUNTS) =>
      OpenAiChat.open(
        chat,
        {
          ...request.body,
          ...(request.tools === undefined || request.tools.length === 0 ? {} : { tools: request.tools.map(wireTool) }),
          model: options.currentModel?.() ?? options.model,
          messages: request.messages.map(wireMessage),
          max_tokens: maxTokens,
          ...counts
        },
        request.requestId,
        headers
      )
    if (refusesExactCounts) return attempt(PLAIN_COUNTS)
    return attempt(EXACT_COUNTS).pipe(
      Effect.catchIf(isRefusalOfFields, () =>
        Effect.tap(attempt(PLAIN_COUNTS), () => {
          refusesExactCounts = true
          return Effect.void
        }))
    )
  }

  const stream = (request: EngineRequest): Stream.Stream<TokenEvent, Failed> =>
    ChatSpan.stream(
      request,
      { baseUrl: options.baseUrl, model: options.currentModel?.() ?? options.model, maxTokens },
      (
        span
      ) =>
        Stream.unwrap(Effect.map(
          Effect.mapError(open(request, span), (reason) => failed(reason)),
          (connection) => Stream.fromPull(Effect.succeed(pullTokens(connection, finishGrace)))
        ))
    )

  const { Rejected } = FailReason.cases

  const served = Effect.map(OpenAiChat.models(chat), (models) => models.map(({ id }) => id))
  const models = Effect.mapError(served, (reason) =>
    failed(
      reason._tag === "Rejected" && reason.status === 404
        ? Rejected.make({
          status: 404,
          detail:
            `no list of models at ${options.baseUrl}/models; the address of an OpenAI-compatible API mostly ends in /v1`
        })
        : reason._tag === "Rejected" && reason.status === 401
        ? Rejected.make({ status: 401, detail: `${reason.detail}; put the key into CAMPAIGN_API_KEY` })
        : reason
    ))

  const check = Effect.gen(function*() {
    const served = yield* models
    if (served.includes(options.model)) return
    return yield* failed(Rejected.make({
      status: 404,
      detail: `model "${options.model}" is not served at ${options.baseUrl}; it serves ${
        served.length === 0 ? "no model" : served.map((id) => `"${id}"`).join(", ")
      }`
    }))
  })

  return Engine.of({ model: options.model, baseUrl: options.baseUrl, maxTokens, stream, check, models })
}

const wireTool = (tool: EngineTool) => ({ type: "function", function: tool })

const wireMessage = ({ content, role, toolCallId, toolCalls }: EngineMessage) => ({
  role,
  content,
  ...(toolCalls === undefined || toolCalls.length === 0 ? {} : {
    tool_calls: toolCalls.map(({ arguments: given, id, name }) => ({
      id: id ?? "",
      type: "function",
      function: { name: name ?? "", arguments: given }
    }))
  }),
  ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId })
})

type Pull = Effect.Effect<readonly [TokenEvent, ...ReadonlyArray<TokenEvent>], Failed | Cause.Done>

/** The token events of a connection, as they arrive. */
const pullTokens = (connection: ChatConnection, finishGrace: Duration.Duration): Pull => {
  let state = ChatCompletionReader.initial
  /** What is to be handed on first. */
  let ready: Array<TokenEvent> = [Signal.make({ signal: "accepted" })]
  let failure: Failed | undefined

  const fail = (reason: FailReason) => {
    failure = failed(reason, state.tokens)
  }

  const read = (items: ReadonlyArray<unknown>) => {
    for (const item of items) {
      if (failure !== undefined) return
      if (item === COMMENT) {
        ready.push(Signal.make({ signal: "keep-alive" }))
      } else if (ChatCompletionReader.isChunk(item)) {
        const [after, events] = ChatCompletionReader.read(state, item)
        const finishes = state.finishReason === undefined && after.finishReason !== undefined
        state = after
        if (finishes && after.finishReason === "abort") fail(FailReason.cases.AbortedByServer.make({}))
        else if (finishes && after.finishReason === "error") fail(FailReason.cases.FinishError.make({}))
        else ready.push(...events)
      } else if (state.finishReason === undefined) {
        fail(FailReason.cases.Malformed.make({ detail: "an event that is not a chat completion chunk" }))
      }
    }
  }

  const more = Effect.matchEffect(connection.pull, {
    onSuccess: (items) => {
      read(items)
      return pull
    },
    onFailure: (end) => {
      fail(Cause.isDone(end) ? endWithoutFinish(connection) : end)
      return pull
    }
  })

  // The answer is complete. Usage may follow; anything that goes wrong from here on changes nothing.
  let giveUpAtMillis: number | undefined
  const moreAfterFinish = Effect.flatMap(Clock.monotonicTimeNanos, (nanos) => {
    const now = Number(nanos) / 1e6
    giveUpAtMillis ??= now + Duration.toMillis(finishGrace)
    return Effect.matchEffect(Effect.timeoutOption(connection.pull, Math.max(0, giveUpAtMillis - now)), {
      onSuccess: (items) => {
        if (items._tag === "None") return Cause.done()
        read(items.value)
        return pull
      },
      onFailure: () => Cause.done()
    })
  })

  const pull: Pull = Effect.suspend(() => {
    if (ready.length > 0) {
      const [first, ...rest] = ready
      ready = []
      return Effect.succeed([first!, ...rest] as const)
    }
    if (failure !== undefined) return Effect.fail(failure)
    return state.finishReason === undefined ? more : moreAfterFinish
  })
  return pull
}

const endWithoutFinish = (connection: ChatConnection): FailReason => {
  if (connection.doneSeen) return FailReason.cases.DoneWithoutFinish.make({})
  return connection.contentType.includes("text/event-stream")
    ? FailReason.cases.Truncated.make({})
    : FailReason.cases.Malformed.make({
      detail: `expected text/event-stream, got ${connection.contentType || "no content type"}; is this an ` +
        "OpenAI-compatible API, and does its address end in /v1?"
    })
}

const isRefusalOfFields = (reason: FailReason): boolean =>
  reason._tag === "Rejected" && (reason.status === 400 || reason.status === 422) &&
  /return_token_ids|continuous_usage_stats|stream_options|extra|unrecognized|unknown/i.test(reason.detail)
