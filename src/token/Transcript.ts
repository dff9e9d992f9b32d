/**
 * What a token stream has said so far: a pure fold over token events.
 *
 * Law: the transcript of a stream does not depend on how its deltas were cut (`coalesce` leaves it unchanged).
 *
 * `tokens` is the sum of the deltas until the engine reports its usage, then the engine's number; `tokenBasis` says
 * which of the two it rests on. Text is kept by string concatenation, which V8 does in constant time per delta.
 */
import type { TokenEvent } from "./TokenEvent.ts"

export interface ToolCall {
  readonly id: string | undefined
  readonly name: string | undefined
  readonly arguments: string
}

export interface Transcript {
  readonly content: string
  readonly reasoning: string
  readonly toolCalls: ReadonlyArray<ToolCall>
  /** Generated tokens; see `tokenBasis`. */
  readonly tokens: number
  readonly tokenBasis: "deltas" | "usage"
  readonly promptTokens: number | undefined
  readonly finishReason: string | undefined
}

export const empty: Transcript = {
  content: "",
  reasoning: "",
  toolCalls: [],
  tokens: 0,
  tokenBasis: "deltas",
  promptTokens: undefined,
  finishReason: undefined
}

/** The transcript after one more event. */
export const step = (transcript: Transcript, event: TokenEvent): Transcript => {
  switch (event._tag) {
    case "Signal":
      return transcript
    case "Delta": {
      const tokens = countedTokens(transcript, event.tokens)
      return event.channel === "content"
        ? { ...transcript, tokens, content: transcript.content + event.text }
        : { ...transcript, tokens, reasoning: transcript.reasoning + event.text }
    }
    case "ToolCallDelta": {
      const toolCalls = transcript.toolCalls.slice()
      const known = toolCalls[event.index]
      toolCalls[event.index] = {
        id: event.id ?? known?.id,
        name: event.name ?? known?.name,
        arguments: (known?.arguments ?? "") + event.arguments
      }
      return { ...transcript, tokens: countedTokens(transcript, event.tokens), toolCalls }
    }
    case "Usage":
      return { ...transcript, tokens: event.completionTokens, tokenBasis: "usage", promptTokens: event.promptTokens }
    case "Finish":
      return { ...transcript, finishReason: event.reason }
  }
}

/** The transcript of a whole list of events. */
export const fromEvents = (events: Iterable<TokenEvent>): Transcript => {
  let transcript = empty
  for (const event of events) transcript = step(transcript, event)
  return transcript
}

const countedTokens = (transcript: Transcript, tokens: number): number =>
  transcript.tokenBasis === "usage" ? transcript.tokens : transcript.tokens + tokens
