/**
 * One request of a client and its answer from the engine: forwarded as it is, or, where a whole answer was asked for as a
 * stream, put together again. One machine of callbacks, between the two sockets:
 *
 *     waiting ─answer─► verbatim ────────────────────► over
 *        │  └─stream of ours─► assembling ─complete─────┘
 *        └─refusal of our stream─► waiting (the request as it was)
 *
 * Laws: the client gets the engine's status, headers and bytes in their chunks and nothing else, unless the tap has given
 * the call up; a client that goes closes the engine's socket at once; an answer that breaks is broken for the client, too;
 * a slow side stops the other one. While an answer is put together the client sees nothing, as from the engine itself.
 */
import type { Dispatcher } from "undici"
import { CONNECT_CODES } from "../engine/EngineFailure.ts"
import { AnswerAssembly } from "./AnswerAssembly.ts"
import { AnswerObserver } from "./AnswerObserver.ts"
import type { CallReader } from "./CallReader.ts"
import type { AnswerBody, ClientAnswer } from "./ClientAnswer.ts"
import { responseHeaders, valueOf } from "./hopHeaders.ts"
import { isFields } from "./joinFields.ts"
import type { Pulse } from "./Pulse.ts"
import type { TapCall } from "./TapCall.ts"
import type { CallEnd } from "./TapEvent.ts"
import * as TapRefusal from "./TapRefusal.ts"
import { UpstreamCall, type UpstreamListener, type UpstreamRequest } from "./UpstreamCall.ts"

export interface ExchangeOptions {
  readonly dispatcher: Pick<Dispatcher, "dispatch">
  readonly client: ClientAnswer
  readonly request: UpstreamRequest
  readonly baseUrl: string
  readonly pulse: Pulse
  /** If it is watched. */
  readonly call?: TapCall | undefined
  readonly secrets?: ReadonlyArray<string>
  /** The request as a stream, if its answer is to be put together. */
  readonly streamed?: UpstreamRequest | undefined
  /** How the engine took that. */
  readonly onStreamed?: (was: "refused" | "taken" | "without usage") => void
  /** The head of an answer is here, and has been handed on. */
  readonly onAnswered?: () => void
  /** Once, at the end. `status` is what the client was answered, if anything. */
  readonly onOver: (end: CallEnd, status: number | null) => void
}

/** A form of request that a server does not take is refused with one of these; the rest speak of other things. */
const REFUSES_FORM = new Set([400, 404, 405, 415, 422, 501])
/** Headers that speak of the stream and not of the answer. */
const OF_STREAM = new Set(["content-type", "content-length", "content-encoding", "cache-control", "x-accel-buffering"])

export class Exchange implements UpstreamListener {
  readonly #options: ExchangeOptions
  /** Where an answer goes that is handed on. */
  #body: AnswerBody | undefined
  /** Who reads it meanwhile, if it is a stream that can be read as it is. */
  #reader: CallReader | undefined
  #upstream: UpstreamCall
  #observer: AnswerObserver | undefined
  #phase: "waiting" | "verbatim" | "assembling" | "over" = "waiting"
  #asksForStream: boolean
  #wasRefused = false
  #status: number | null = null
  #assembly: AnswerAssembly | undefined
  #headers: ReadonlyArray<string> = []
  #errorEvent: unknown

  constructor(options: ExchangeOptions) {
    this.#options = options
    this.#asksForStream = options.streamed !== undefined
    this.#upstream = new UpstreamCall(this)
  }

  readonly start = (): void => {
    const { call, dispatcher, request, streamed } = this.#options
    if (call !== undefined) {
      call.stop = () => this.#stop()
      call.close = this.giveUp
      this.#observer = this.#makeObserver(call)
      this.#expectWhole(call)
    }
    this.#upstream.open(dispatcher, this.#asksForStream && streamed !== undefined ? streamed : request)
  }

  /** The client went. */
  readonly gone = (): void => {
    this.#stop()
    this.#over("client-gone")
  }

  /** The client takes more. */
  readonly drained = (): void => this.#upstream.resume()

  /** Closes the call towards the engine, and tells the client as well as it can still be told. */
  readonly giveUp = (refusal: TapRefusal.TapRefusal, end: CallEnd): void => {
    if (this.#phase === "over") return
    const { client } = this.#options
    this.#stop()
    if (!client.hasBegun) {
      this.#status = refusal.status
      client.refuse(refusal)
    } else if (this.#observer?.takesEvents === true) {
      client.refuseInStream(refusal)
    } else {
      client.cut()
    }
    this.#over(end)
  }

  readonly onInterim = (status: number, raw: ReadonlyArray<string>): void => this.#options.client.interim(status, raw)

  readonly onHeaders = (status: number, statusText: string, raw: ReadonlyArray<string>): void => {
    if (this.#asksForStream) {
      if (REFUSES_FORM.has(status)) return this.#askAsItWas()
      if (status === 200 && (valueOf(raw, "content-type") ?? "").includes("text/event-stream")) {
        this.#phase = "assembling"
        this.#headers = raw
        this.#observer?.headers(status, raw)
        return this.#options.onAnswered?.()
      }
    }
    this.#phase = "verbatim"
    this.#status = status
    if (this.#wasRefused && status < 300) this.#options.onStreamed?.("refused")
    this.#body = this.#options.client.begin(status, statusText, responseHeaders(raw))
    this.#observer?.headers(status, raw)
    this.#reader = this.#observer?.plainReader
    this.#options.onAnswered?.()
  }

  onData(bytes: Buffer): boolean {
    const body = this.#body
    const hasRoom = body === undefined || body.write(bytes)
    const reader = this.#reader
    if (reader === undefined) this.#observer?.data(bytes)
    else reader.read(bytes)
    return hasRoom
  }

  readonly onEnd = (rawTrailers: ReadonlyArray<string>): void => {
    if (this.#phase === "over") return
    // The end of a stream that is put together is told by what was in it.
    if (this.#phase === "assembling") return this.#observer?.end(() => {})
    this.#options.client.end(rawTrailers)
    if (this.#observer === undefined) this.#over("completed")
    else this.#observer.end(() => this.#over(this.#endOf()))
  }

  readonly onError = (error: Error): void => {
    if (this.#phase === "over") return
    const { baseUrl, client } = this.#options
    this.#observer?.error(error)
    if (this.#phase === "waiting" && isConnectError(error)) {
      const refusal = TapRefusal.unreachable(baseUrl, error.message)
      this.#status = refusal.status
      client.refuse(refusal)
    } else {
      client.cut()
    }
    this.#over("failed")
  }

  #askAsItWas(): void {
    const { call, dispatcher, request } = this.#options
    this.#asksForStream = false
    this.#wasRefused = true
    this.#upstream.close()
    this.#upstream = new UpstreamCall(this)
    if (call !== undefined) {
      this.#observer = this.#makeObserver(call)
      this.#expectWhole(call)
    }
    this.#upstream.open(dispatcher, request)
  }

  /** A server that answers whole says nothing before: that it has not even begun to is no sign of anything. */
  #expectWhole({ feed, plan }: TapCall): void {
    if (!this.#asksForStream && !plan.wantsStream) feed.headers()
  }

  #makeObserver(call: TapCall): AnswerObserver {
    const { baseUrl, pulse, secrets = [] } = this.#options
    const assembly = this.#asksForStream ? new AnswerAssembly(call.plan.api) : undefined
    this.#assembly = assembly
    return new AnswerObserver({
      feed: call.feed,
      pulse,
      baseUrl,
      secrets,
      choices: call.plan.choices,
      ...(call.arrivals === undefined ? {} : { onArrival: call.arrivals.came }),
      ...(assembly === undefined ? {} : {
        onChunk: assembly.add,
        onErrorEvent: (event) => {
          this.#errorEvent = event
        },
        onStreamOver: () => this.#assembled()
      })
    })
  }

  /** The stream that we asked for has been read; what the client gets is what a whole answer would have been. */
  #assembled(): void {
    if (this.#phase !== "assembling") return
    const { call, client, onStreamed } = this.#options
    const assembly = this.#assembly
    const error = this.#errorEvent
    const headers = [...responseHeaders(this.#headers, OF_STREAM), "content-type", "application/json"]
    if (error !== undefined) {
      this.#status = statusOf(error)
      client.answer(this.#status, "", headers, JSON.stringify(error))
      return this.#over("failed")
    }
    // Nothing else says that an answer is whole.
    if (assembly === undefined || call?.feed.hasFinish !== true) {
      client.cut()
      return this.#over("failed")
    }
    onStreamed?.(assembly.hasUsage ? "taken" : "without usage")
    this.#status = 200
    client.answer(200, "OK", headers, JSON.stringify(assembly.result()))
    this.#over(this.#endOf())
  }

  #endOf(): CallEnd {
    return this.#options.call?.feed.isComplete === true ? "completed" : "failed"
  }

  #stop(): void {
    this.#upstream.close()
    this.#observer?.stop()
  }

  #over(end: CallEnd): void {
    if (this.#phase === "over") return
    this.#phase = "over"
    this.#options.onOver(end, this.#status)
  }
}

/** The status that a whole answer would have had in the place of this event. */
const statusOf = (event: unknown): number => {
  const error = isFields(event) && isFields(event["error"]) ? event["error"] : event
  const code = isFields(error) ? Number(error["code"] ?? error["status"]) : Number.NaN
  return Number.isInteger(code) && code >= 400 && code < 600 ? code : 500
}

/** Nobody has taken the request. */
const isConnectError = (error: Error): boolean => {
  const code = "code" in error ? String(error.code) : ""
  return CONNECT_CODES.has(code) ||
    (error instanceof AggregateError && error.errors.some((one) => one instanceof Error && isConnectError(one)))
}
