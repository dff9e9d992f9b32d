/**
 * The HTTP side: reads requests, hands them to the engine loop, writes its outputs as they come.
 *
 * Facts kept here: the 200 and its headers leave before the request is queued in the engine (unless told otherwise),
 * everything that refuses a request comes before that; a client that goes away interrupts the body, which closes the
 * stream of engine outputs, which aborts the request; /health, /version and /v1/models answer from here and say nothing
 * about the engine.
 *
 * Gotcha: NodeHttpServer writes the head of a stream response before it starts the body, but Node keeps it back until
 * the first byte. So the body begins by flushing the headers of the very response it belongs to.
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { ServerResponse } from "node:http"
import * as Answers from "./Answers.ts"
import * as ChatRequest from "./ChatRequest.ts"
import * as ChatWire from "./ChatWire.ts"
import * as CompletionRequest from "./CompletionRequest.ts"
import * as CompletionWire from "./CompletionWire.ts"
import type { EngineLoop, EngineOutput } from "./EngineLoop.ts"
import * as EventStream from "./EventStream.ts"
import * as GenerationRequest from "./GenerationRequest.ts"
import type { Journal } from "./Journal.ts"
import type { Metrics } from "./Metrics.ts"
import * as Pacing from "./Pacing.ts"
import * as PrometheusText from "./PrometheusText.ts"
import * as RequestBody from "./RequestBody.ts"
import { blocksOf, blockTokens } from "./Scheduler.ts"
import * as SeededRandom from "./SeededRandom.ts"
import { seedOf } from "./SeededRandom.ts"
import type { SimulatorOptions } from "./SimulatorOptions.ts"
import * as SleepRoutes from "./SleepRoutes.ts"

/** The version of vLLM whose behaviour is imitated. */
const imitatedVersion = "0.30.0"

const { jsonUnsafe } = HttpServerResponse

const currentSecond = Effect.map(Clock.currentTimeMillis, (millis) => Math.floor(millis / 1000))

/** vLLM takes the client's X-Request-Id for the id; else ids count up, so that they are the same in every run. */
const makeRequestIds = (seed: number) => {
  let count = 0
  return (given: string | undefined) => {
    const number = count++
    const hexadecimal = (part: number) => seedOf(seed, "id", number, part).toString(16).padStart(8, "0")
    return `${given ?? [0, 1, 2, 3].map(hexadecimal).join("")}`
  }
}

/** Records a connection that closes before all of the response was handed to it, before anything reacts to that. */
const recordClose = (journal: Journal, metrics: Metrics, id: string, response: ServerResponse) =>
  response.prependListener("close", () => {
    if (response.writableFinished) return
    journal.record(id, "close-seen")
    metrics.clientDisconnected()
  })

/** Records writes; the tokens of outputs that wrote nothing are counted with the next write. */
const makeWriteRecorder = (journal: Journal, id: string) => {
  let recorded = 0
  return (outputs: ReadonlyArray<EngineOutput>) => {
    const { finishReason, generated } = outputs.at(-1)!
    if (recorded === 0 && generated > 0) journal.record(id, "first-token")
    if (generated > recorded) journal.record(id, "chunk", generated - recorded)
    recorded = generated
    if (finishReason !== undefined) journal.record(id, "finish")
  }
}

/** The most tokens of prompt and answer together: of two limits the smaller one. */
const contextTokens = (options: SimulatorOptions) =>
  Math.min(options.maxModelLength ?? Infinity, blocksOf(options) * blockTokens)

/** One of the routes that generate: how its requests are read and how their outputs are written. */
interface Protocol<Request extends GenerationRequest.GenerationRequest> {
  readonly idPrefix: string
  readonly answer: Answers.Answering
  readonly parse: (
    served: GenerationRequest.Served,
    contentType: string | undefined,
    text: string
  ) => Result.Result<Request, GenerationRequest.ErrorBody>
  readonly makeStreamEncoder: (
    head: ChatWire.AnswerHead,
    request: Request,
    options: SimulatorOptions
  ) => ChatWire.StreamEncoder
  readonly completion: (
    head: ChatWire.AnswerHead,
    request: Request,
    options: SimulatorOptions,
    outputs: ReadonlyArray<EngineOutput>
  ) => object
}

const errorTypes = { 400: "BadRequestError", 500: "InternalServerError" } as const

/** The two routes that generate; they share the engine, the ids and the count of prompts. */
const generation = (options: SimulatorOptions, engine: EngineLoop, journal: Journal, metrics: Metrics) => {
  const served = { model: options.model, maxModelLength: contextTokens(options) }
  const answer = Answers.make(options.answers, options.seed)
  const draw = Answers.makeDrawCounter()
  const nextId = makeRequestIds(options.seed)
  const failure = options.midStreamError
  const failsAt = failure?.afterTokens ?? Infinity
  const failureBody = GenerationRequest.errorBody(
    failure?.code ?? 500,
    errorTypes[failure?.code ?? 500],
    failure?.message ?? ""
  )

  const route = <Request extends GenerationRequest.GenerationRequest>(protocol: Protocol<Request>) =>
    Effect.gen(function*() {
      const httpRequest = yield* HttpServerRequest.HttpServerRequest
      const response = NodeHttpServerRequest.toServerResponse(httpRequest) as ServerResponse
      const contentType = httpRequest.headers["content-type"]
      const parsed = Result.flatMap(
        yield* RequestBody.readText(httpRequest),
        (text) => protocol.parse(served, contentType, text)
      )
      if (Result.isFailure(parsed)) return jsonUnsafe(parsed.failure, { status: parsed.failure.error.code })
      const request = parsed.success

      const id = protocol.idPrefix + nextId(httpRequest.headers["x-request-id"])
      const head = { id, created: yield* currentSecond, model: options.model }
      const { maxTokens, prompt, promptTokens } = request
      const drawn = draw(prompt, request.seed)
      const randomFor = (use: string) => SeededRandom.make(seedOf(options.seed, use, prompt, Answers.drawKey(drawn)))
      journal.record(id, "request")
      recordClose(journal, metrics, id, response)
      const recordWrite = makeWriteRecorder(journal, id)
      const generated = engine.generate({
        id,
        prompt,
        promptTokens,
        maxTokens,
        answer: protocol.answer(prompt, drawn),
        pace: Pacing.make(options, randomFor("pace")),
        ...(options.speculativeTokens === 0 ? {} : {
          tokensOfStep: Pacing.stepSizes(options.speculativeTokens, randomFor("steps"))
        })
      })

      const outputs = failure === undefined
        ? generated
        : Stream.takeUntil(generated, (output) => output.generated >= failsAt)

      if (!request.stream) {
        const collected = yield* Stream.runCollect(outputs)
        if (collected.at(-1)?.finishReason === undefined) {
          return jsonUnsafe(failureBody, { status: failureBody.error.code })
        }
        recordWrite(collected)
        return jsonUnsafe(protocol.completion(head, request, options, collected))
      }
      const encoder = protocol.makeStreamEncoder(head, request, options)
      let flushed = false
      const flushHeaders = () => {
        if (flushed) return
        flushed = true
        response.flushHeaders()
        journal.record(id, "headers")
      }
      let finished = false
      const body = Stream.mapArray(outputs, (waiting) => {
        finished = waiting.at(-1)?.finishReason !== undefined
        const text = encoder.encode(waiting)
        if (text !== "") {
          flushHeaders()
          recordWrite(waiting)
        }
        return [text] as const
      }).pipe(
        // Outputs that nothing is told of must not count as a sign of life.
        Stream.filter((text) => text !== ""),
        Stream.concat(Stream.suspend(() => finished ? Stream.empty : Stream.make(ChatWire.errorEvents(failureBody)))),
        EventStream.keepAlive(options.sseKeepAliveInterval),
        EventStream.withHeaders(options.headers, flushHeaders),
        Stream.encodeText
      )
      return HttpServerResponse.stream(body, { contentType: "text/event-stream; charset=utf-8" })
    })

  return {
    chatCompletions: route({
      makeStreamEncoder: ChatWire.makeStreamEncoder,
      completion: ChatWire.completion,
      idPrefix: "chatcmpl-",
      answer: Answers.withReasoning(answer, options.reasoningTokens, options.seed),
      parse: ChatRequest.parse
    }),
    // Without a chat template the model is not asked to think.
    completions: route({ ...CompletionWire, idPrefix: "cmpl-", answer, parse: CompletionRequest.parse })
  }
}

const requireKey = (apiKey: string) =>
  HttpRouter.middleware((handler) =>
    Effect.gen(function*() {
      const { headers, url } = yield* HttpServerRequest.HttpServerRequest
      const [scheme, key] = (headers["authorization"] ?? "").split(" ")
      const allowed = !url.startsWith("/v1") || (scheme?.toLowerCase() === "bearer" && key === apiKey)
      return allowed ? yield* handler : jsonUnsafe({ error: "Unauthorized" }, { status: 401 })
    }), { global: true })

const models = (options: SimulatorOptions) =>
  Effect.map(currentSecond, (created) =>
    jsonUnsafe({
      object: "list",
      data: [{
        id: options.model,
        object: "model",
        created,
        owned_by: "vllm",
        root: options.model,
        parent: null,
        max_model_len: contextTokens(options)
      }]
    }))

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const

/** What a known path answers to the other methods. */
const refuseOthers = (allowed: "GET" | "POST", ...paths: ReadonlyArray<`/${string}`>) => {
  const refusal = jsonUnsafe({ detail: "Method Not Allowed" }, { status: 405, headers: { allow: allowed } })
  const others = methods.filter((method) => method !== allowed)
  return Layer.mergeAll(
    Layer.empty,
    ...paths.flatMap((path) => others.map((method) => HttpRouter.add(method, path, refusal)))
  )
}

/** All routes of the simulated server; `/sim/...` is ours, the rest is vLLM's. */
export const make = (options: SimulatorOptions, engine: EngineLoop, journal: Journal, metrics: Metrics) => {
  const { chatCompletions, completions } = generation(options, engine, journal, metrics)
  return Layer.mergeAll(
    HttpRouter.add("POST", "/v1/chat/completions", chatCompletions),
    HttpRouter.add("POST", "/v1/completions", completions),
    HttpRouter.add("GET", "/v1/models", models(options)),
    HttpRouter.add("GET", "/health", HttpServerResponse.empty({ status: 200 })),
    HttpRouter.add("GET", "/version", jsonUnsafe({ version: imitatedVersion })),
    HttpRouter.add(
      "GET",
      "/load",
      Effect.map(engine.streams, (streams) => jsonUnsafe({ server_load: streams.length }))
    ),
    HttpRouter.add(
      "GET",
      "/metrics",
      Effect.map(metrics.text, (text) => HttpServerResponse.text(text, { contentType: PrometheusText.contentType }))
    ),
    SleepRoutes.make(engine),
    refuseOthers("POST", "/v1/chat/completions", "/v1/completions", "/sleep", "/wake_up"),
    refuseOthers("GET", "/v1/models", "/health", "/version", "/load", "/metrics", "/is_sleeping"),
    HttpRouter.add("GET", "/sim/streams", Effect.map(engine.streams, (streams) => jsonUnsafe(streams))),
    HttpRouter.add("GET", "/sim/journal", Effect.map(journal.events, (events) => jsonUnsafe(events))),
    HttpRouter.add("*", "/*", jsonUnsafe({ detail: "Not Found" }, { status: 404 })),
    options.apiKey === undefined ? Layer.empty : requireKey(options.apiKey)
  )
}
