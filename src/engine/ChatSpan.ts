/**
 * The span of one chat completion: `chat {model}` of OpenTelemetry's GenAI conventions, from the request to the end of its
 * stream.
 *
 * Tokens, usage and the finish are told once, when it ends. What was asked and answered is never told.
 */
import * as Stream from "effect/Stream"
import { serverAttributes } from "../telemetry/serverAttributes.ts"
import { Attribute, Span } from "../telemetry/SpanNames.ts"
import * as Spans from "../telemetry/Spans.ts"
import { isProgress, type TokenEvent, tokensOf } from "../token/TokenEvent.ts"

/** What is asked, where. */
export interface ChatTarget {
  readonly baseUrl: string
  readonly model: string
  readonly maxTokens: number
}

/** The stream of a request in its span: in that of whoever asks, if it was given one. */
export const stream = <A, E, R>(
  { requestId, span: given }: { readonly requestId: string; readonly span?: Spans.OpenSpan },
  { baseUrl, maxTokens, model }: ChatTarget,
  body: (span: Spans.OpenSpan) => Stream.Stream<A, E, R>
): Stream.Stream<A, E, R> => {
  if (given !== undefined) return body(given)
  return Spans.stream(`${Span.chat} ${model}`, {
    kind: "client",
    attributes: {
      [Attribute.operation]: "chat",
      // The conventions know no name for vLLM; it speaks OpenAI's protocol.
      [Attribute.provider]: "openai",
      [Attribute.requestModel]: model,
      [Attribute.requestMaxTokens]: maxTokens,
      [Attribute.requestStream]: true,
      [Attribute.hop]: "engine",
      [Attribute.request]: requestId,
      ...serverAttributes(baseUrl)
    }
  }, (span) => span.isRecording ? counted(span, body(span)) : body(span))
}

/** With what came of it, told at the end. */
const counted = <A, E, R>(span: Spans.OpenSpan, self: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> => {
  const tally = new ChatTally(span.elapsed)
  span.atEnd(() => tally.attributes())
  return Stream.mapArray(self, (events) => {
    tally.read(events as ReadonlyArray<unknown> as ReadonlyArray<TokenEvent>)
    return events
  })
}

/** A finish reason is one of a few words; anything else is what somebody says. */
const WORD = /^\w{1,32}$/

/** What a chat has come to so far. */
class ChatTally {
  readonly #elapsed: () => number
  #tokens = 0
  #firstAfter: number | undefined
  #usage: Extract<TokenEvent, { readonly _tag: "Usage" }> | undefined
  #finish: string | undefined

  constructor(elapsed: () => number) {
    this.#elapsed = elapsed
  }

  read(events: ReadonlyArray<TokenEvent>): void {
    for (const event of events) {
      this.#tokens += tokensOf(event)
      if (event._tag === "Usage") this.#usage = event
      else if (event._tag === "Finish") this.#finish = event.reason
      if (this.#firstAfter === undefined && isProgress(event)) this.#firstAfter = this.#elapsed()
    }
  }

  attributes(): Spans.Attributes {
    return {
      [Attribute.timeToFirstChunk]: this.#firstAfter,
      [Attribute.inputTokens]: this.#usage?.promptTokens,
      [Attribute.outputTokens]: this.#usage?.completionTokens ?? this.#tokens,
      [Attribute.finishReasons]: this.#finish !== undefined && WORD.test(this.#finish) ? [this.#finish] : undefined
    }
  }
}
