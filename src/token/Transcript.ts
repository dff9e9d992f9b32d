/**
 * What a token stream has said so far: a pure fold over token events.
 *
 * Law: the transcript of a stream does not depend on how its deltas were cut (`coalesce` leaves it unchanged).
 *
 * `tokens` is the sum of the deltas until the engine reports its usage, then the engine's number; `tokenBasis` says
 * which of the two it rests on. Text is kept by string concatenation, which V8 does in constant time per delta.
 */
import type { TokenEvent } from "./TokenEvent.ts"

/** A tool call, as far as it has come. */
export interface ToolCall {
  /** The engine's name for the call; `undefined` until it has come. */
  readonly id: string | undefined
  /** The tool that is called; `undefined` until it has come. */
  readonly name: string | undefined
  /** JSON once it is complete; a beginning of it before. */
  readonly arguments: string
}

/** What a stream has said. */
export interface Transcript {
  /** The answer so far. */
  readonly content: string
  /** What was thought before the answer, as far as the engine tells it apart. */
  readonly reasoning: string
  /** By their index; a call that has not begun leaves a hole. */
  readonly toolCalls: ReadonlyArray<ToolCall>
  /** Generated tokens; see `tokenBasis`. */
  readonly tokens: number
  /** What `tokens` rests on: the sum of the deltas, or the engine's own count. */
  readonly tokenBasis: "deltas" | "usage"
  /** Tokens of the prompt; `undefined` until the engine has told its usage. */
  readonly promptTokens: number | undefined
  /** Why the engine ended the answer; `undefined` while it has not. */
  readonly finishReason: string | undefined
}

/**
 * Nothing has been said yet.
 *
 * @example
 * import * as Transcript from "a2a-campaign/Transcript"
 * import { Delta, Finish } from "a2a-campaign/TokenEvent"
 *
 * const { content, finishReason, tokens } = [
 *   Delta.make({ channel: "content", text: "Hello, ", tokens: 2 }),
 *   Delta.make({ channel: "content", text: "you", tokens: 1 }),
 *   Finish.make({ reason: "stop" })
 * ].reduce(Transcript.step, Transcript.empty)
 * console.log(`${content}: ${tokens} tokens, ${finishReason}`)
 * // prints: Hello, you: 3 tokens, stop
 */
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
