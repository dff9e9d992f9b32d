/**
 * The two routes that generate: a request is read, refused or given to an engine, and its outputs are written as they
 * come.
 *
 * Facts kept here: the 200 and its headers leave before the request is queued in the engine (unless told otherwise),
 * everything that refuses a request comes before that; a client that goes away interrupts the body, which closes the
 * stream of engine outputs, which aborts the request. That the engine is paused, or has no such rank, is found only when
 * the request is given to it, behind the headers, as in vLLM.
 *
 * Faults meet a request in the order in which it meets the server: it is not answered, dropped or refused, the
 * engine treats it badly, its bytes are spoilt.
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { ServerResponse } from "node:http"
import { refusalOf } from "./AnswerResponse.ts"
import * as AnswerResponse from "./AnswerResponse.ts"
import * as Answers from "./Answers.ts"
import * as ChatRequest from "./ChatRequest.ts"
import * as ChatWire from "./ChatWire.ts"
import * as CompletionRequest from "./CompletionRequest.ts"
import * as CompletionWire from "./CompletionWire.ts"
import * as Connection from "./Connection.ts"
import { engineDead, generationPaused, queueFull } from "./EngineErrors.ts"
import type { EngineOutput, EngineRequest } from "./EngineLoop.ts"
import type { EngineProcess } from "./EngineProcess.ts"
import * as BodyFaults from "./faults/BodyFaults.ts"
import * as EngineFaults from "./faults/EngineFaults.ts"
import type { FaultBoard, OwnAction, RequestFaults } from "./faults/FaultBoard.ts"
import * as HeaderFaults from "./faults/HeaderFaults.ts"
import * as GenerationRequest from "./GenerationRequest.ts"
import type { Journal } from "./Journal.ts"
import type { LatencyOptions } from "./LatencyOptions.ts"
import * as Pacing from "./Pacing.ts"
import * as RequestBody from "./RequestBody.ts"
import * as SeededRandom from "./SeededRandom.ts"
import { seedOf } from "./SeededRandom.ts"
import { blocksOf, blockTokens } from "./Sequence.ts"
import type { SimulatedServer } from "./SimulatedServer.ts"
import type { SimulatorOptions } from "./SimulatorOptions.ts"

/** vLLM takes the client's X-Request-Id for the id; else ids count up, so that they are the same in every run. */
const makeRequestIds = (seed: number) => {
  let count = 0
  return (given: string | undefined) => {
    const number = count++
    const hexadecimal = (part: number) => seedOf(seed, "id", number, part).toString(16).padStart(8, "0")
    return `${given ?? [0, 1, 2, 3].map(hexadecimal).join("")}`
  }
}

/** The most tokens of prompt and answer together: of two limits the smaller one. */
export const contextTokens = (options: SimulatorOptions) =>
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
  /** The request as it must be for its faults to show. */
  readonly withFaults: (request: Request, actions: ReadonlyArray<OwnAction>) => Request
  readonly firstTool: (request: Request) => string | undefined
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

/** What Python's int() reads, or undefined: then the header is as good as absent. */
const rankOf = (header: string | undefined): number | undefined => {
  const found = /^\s*([+-]?\d+(?:_\d+)*)\s*$/.exec(header ?? "")
  return found === null ? undefined : Number(found[1]!.replaceAll("_", ""))
}

/** What a proxy says that cannot tell a client from a person. */
const page = HttpServerResponse.text("<!doctype html>\n<title>Welcome</title>\n<p>Please sign in.</p>\n", {
  contentType: "text/html; charset=utf-8"
})

export interface GenerationContext extends EngineFaults.FaultContext {
  readonly options: SimulatorOptions
  /** Of requests that come now. */
  readonly latency: () => LatencyOptions
  readonly server: SimulatedServer
  readonly board: FaultBoard
  readonly journal: Journal
}

/** The handlers; they share the ids and the count of prompts. */
export const make = (context: GenerationContext) => {
  const { board, journal, options, server } = context
  const served = { model: options.model, maxModelLength: contextTokens(options) }
  const answer = Answers.make(options.answers, options.seed)
  const draw = Answers.makeDrawCounter()
  const nextId = makeRequestIds(options.seed)
  const failure = options.midStreamError
  /** The settings that are faults, too. */
  const settings: ReadonlyArray<OwnAction> = failure === undefined ? [] : [
    { _tag: "End", afterTokens: failure.afterTokens, end: { _tag: "ErrorEvent", ...failure } }
  ]

  /** What refuses a request that is right, before its headers. */
  const refuse = (process: EngineProcess, actions: ReadonlyArray<OwnAction>) => {
    const action = BodyFaults.actionOf(actions, "Refuse")
    if (action !== undefined) {
      if (action.queueFull === true) process.metrics.admissionRejected()
      const { message, param, retryAfterSeconds, status, type } = action
      return refusalOf(GenerationRequest.errorBody(status, type, message, param), retryAfterSeconds)
    }
    if (process.state === "dead") return refusalOf(engineDead)
    const { open, waiting } = process.load()
    const isFull = open >= (options.maxNumQueuedRequests ?? Infinity) ||
      waiting >= (options.maxWaitingQueueLength ?? Infinity)
    if (!isFull) return undefined
    process.metrics.admissionRejected()
    return refusalOf(queueFull)
  }

  const route = <Request extends GenerationRequest.GenerationRequest>(protocol: Protocol<Request>) =>
    Effect.gen(function*() {
      const httpRequest = yield* HttpServerRequest.HttpServerRequest
      const { headers } = httpRequest
      const response = NodeHttpServerRequest.toServerResponse(httpRequest) as ServerResponse
      const parsed = Result.flatMap(
        yield* RequestBody.readText(httpRequest),
        (text) => protocol.parse(served, headers["content-type"], text)
      )
      if (Result.isFailure(parsed)) return refusalOf(parsed.failure)
      const own = HeaderFaults.read(headers)
      if (Result.isFailure(own)) return refusalOf(own.failure)

      const id = protocol.idPrefix + nextId(headers["x-request-id"])
      const { prompt, seed } = parsed.success
      const drawn = draw(prompt, seed)
      journal.record(id, "request")
      const faults: RequestFaults = board.forRequest({
        id,
        draw: `${prompt} ${Answers.drawKey(drawn)}`,
        own: own.success
      })
      const actions = [...settings, ...faults.actions]
      const connection = Connection.make(id, response, journal, () => server.current().metrics.clientDisconnected())

      if (BodyFaults.actionOf(actions, "NoAnswer") !== undefined) return yield* Effect.never
      if (BodyFaults.actionOf(actions, "Drop") !== undefined) return yield* connection.drop
      if (BodyFaults.actionOf(actions, "Page") !== undefined) return page
      const process = server.current()
      const refusal = refuse(process, actions)
      if (refusal !== undefined) return refusal

      const request = protocol.withFaults(parsed.success, actions)
      const asked = rankOf(headers["x-data-parallel-rank"])
      const engine = process.refusing ? undefined : process.engines[asked ?? process.nextRank()]
      const noEngine = process.refusing
        ? generationPaused
        : GenerationRequest.badRequest(`data_parallel_rank ${asked} is out of range [0, ${process.engines.length}).`)
      if (engine === undefined && !request.stream) return refusalOf(noEngine)

      const randomFor = (use: string) => SeededRandom.make(seedOf(options.seed, use, prompt, Answers.drawKey(drawn)))
      const engineRequest: EngineRequest = EngineFaults.apply(
        {
          id,
          prompt,
          promptTokens: request.promptTokens,
          maxTokens: request.maxTokens,
          answer: protocol.answer(prompt, drawn),
          pace: Pacing.make(context.latency(), randomFor("pace"), request.remotePrefill),
          ...(options.speculativeTokens === 0 ? {} : {
            tokensOfStep: Pacing.stepSizes(options.speculativeTokens, randomFor("steps"))
          })
        },
        faults,
        context,
        protocol.firstTool(request)
      )
      const told = engineRequest.promptTokens === request.promptTokens
        ? request
        : { ...request, promptTokens: engineRequest.promptTokens ?? request.promptTokens }
      const endsAt = BodyFaults.earliestEnd(actions)?.afterTokens
      const generated = engine === undefined ? Stream.empty : engine.generate(engineRequest)
      const outputs = endsAt === undefined
        ? generated
        : Stream.takeUntil(generated, (output) => output.generated >= endsAt)

      const head = { id, created: Math.floor((yield* Clock.currentTimeMillis) / 1000), model: options.model }
      const wire = BodyFaults.actionOf(actions, "BufferedToolCall") === undefined
        ? options
        : { ...options, toolCallParser: "buffering" as const }
      const answered = { options, process, connection, outputs, actions }
      if (!request.stream) {
        return yield* AnswerResponse.whole(answered, (collected) => protocol.completion(head, told, wire, collected))
      }
      const refusedLate: ReadonlyArray<OwnAction> = engine === undefined
        ? [{ _tag: "End", afterTokens: 0, end: { _tag: "ErrorEvent", ...noEngine.error } }]
        : actions
      return AnswerResponse.streamed(
        { ...answered, actions: refusedLate },
        protocol.makeStreamEncoder(head, told, wire)
      )
    })

  return {
    chatCompletions: route<ChatRequest.ChatRequest>({
      makeStreamEncoder: ChatWire.makeStreamEncoder,
      completion: ChatWire.completion,
      idPrefix: "chatcmpl-",
      answer: Answers.withReasoning(answer, options.reasoningTokens, options.seed),
      parse: ChatRequest.parse,
      withFaults: (request, actions) => ({
        ...request,
        includeReasoning: request.includeReasoning && BodyFaults.actionOf(actions, "HiddenReasoning") === undefined,
        mayCallTools: request.mayCallTools || BodyFaults.actionOf(actions, "BufferedToolCall") !== undefined
      }),
      firstTool: (request) => request.firstTool
    }),
    // Without a chat template the model is not asked to think.
    completions: route<CompletionRequest.CompletionRequest>({
      ...CompletionWire,
      idPrefix: "cmpl-",
      answer,
      parse: CompletionRequest.parse,
      withFaults: (request) => request,
      firstTool: () => undefined
    })
  }
}
