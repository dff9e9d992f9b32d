/**
 * What flows through every hop: one element of a token stream.
 *
 * A stream of token events is a request's life as its engine told it: signals that the transport lives, deltas that
 * carry tokens, one usage report, one finish. Laws every producer keeps:
 *
 * - `tokens` counts generated tokens exactly once: the sum over a stream is the number of tokens known to be generated.
 *   A delta may carry several tokens (speculative decoding, held-back output) and may carry tokens without text (half a
 *   UTF-8 character, a hidden token). A delta with neither text nor tokens is a `Signal`.
 * - Concatenating `text` per channel in order gives the answer, byte for byte.
 * - `Finish` comes at most once, and no delta follows it; `Usage` may.
 *
 * Gotcha: a `Signal` is never life of the engine. Role chunks, empty deltas and SSE comments come from the API server
 * in front of it and go on when the engine is dead (vLLM pull request 51034).
 */
import * as Schema from "effect/Schema"

/** Where a delta's text belongs: the answer, or the reasoning before it. */
export const Channel = Schema.Literals(["content", "reasoning"])
export type Channel = typeof Channel.Type

/** A count of tokens: a whole number, zero or more. */
export const TokenCount = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/**
 * One element of a token stream. `TokenEvent.match` and `TokenEvent.cases` take it apart.
 *
 * @example
 * import { Delta, Finish, tokensOf, Usage } from "a2a-campaign/TokenEvent"
 *
 * const events = [
 *   Delta.make({ channel: "content", text: "two tokens", tokens: 2 }),
 *   Finish.make({ reason: "stop" }),
 *   Usage.make({ promptTokens: 5, completionTokens: 2 })
 * ]
 * console.log(events.map(tokensOf).join(" "))
 * // prints: 2 0 0
 */
export const TokenEvent = Schema.TaggedUnion({
  /** Text of one channel, with the number of tokens it stands for. */
  Delta: { channel: Channel, text: Schema.String, tokens: TokenCount },
  /** A piece of a tool call: `id` and `name` come once per `index`, `arguments` in pieces to be concatenated. */
  ToolCallDelta: {
    index: TokenCount,
    id: Schema.optionalKey(Schema.String),
    name: Schema.optionalKey(Schema.String),
    arguments: Schema.String,
    tokens: TokenCount
  },
  /**
   * The transport lives, which proves nothing about the engine: response headers arrived (`accepted`), a role chunk
   * (`role`), a delta without text or token (`empty`), an SSE comment (`keep-alive`).
   */
  Signal: { signal: Schema.Literals(["accepted", "role", "empty", "keep-alive"]) },
  /** The engine's own count at the end of a request, in tokens. */
  Usage: { promptTokens: TokenCount, completionTokens: TokenCount },
  /** The engine ended the answer: `stop`, `length`, `tool_calls`, … as the engine names it. */
  Finish: { reason: Schema.String }
})
export type TokenEvent = typeof TokenEvent.Type

/** Text of one channel with the tokens it stands for. */
export type Delta = Extract<TokenEvent, { readonly _tag: "Delta" }>
/** A piece of a tool call. */
export type ToolCallDelta = Extract<TokenEvent, { readonly _tag: "ToolCallDelta" }>

/** The cases of `TokenEvent`, each with its constructor: `Delta.make({ channel, text, tokens })` and so on. */
export const { Delta, Finish, Signal, ToolCallDelta, Usage } = TokenEvent.cases

/** The number of generated tokens an event stands for. */
export const tokensOf = (event: TokenEvent): number =>
  event._tag === "Delta" || event._tag === "ToolCallDelta" ? event.tokens : 0

/**
 * Whether an event proves that the engine made something: a delta with text or counted tokens, or the finish.
 * `Usage` does not: a server that repeats a constant usage frame is not generating.
 */
export const isProgress = (event: TokenEvent): boolean => {
  switch (event._tag) {
    case "Delta":
    case "ToolCallDelta":
    case "Finish":
      return true
    case "Signal":
    case "Usage":
      return false
  }
}

/**
 * Joins neighbouring deltas of one channel into one, so that what waits for a slow reader goes out as one event.
 * Keeps order, text and token counts; leaves everything else as it is.
 */
export const coalesce = <E extends { readonly _tag: string }>(
  events: ReadonlyArray<E | Delta>
): ReadonlyArray<E | Delta> => {
  if (events.length < 2) return events
  const out: Array<E | Delta> = []
  let run: Array<Delta> = []
  const close = () => {
    const first = run[0]
    if (first === undefined) return
    out.push(run.length === 1 ? first : joined(first.channel, run))
    run = []
  }
  for (const event of events) {
    if (!isDelta(event)) {
      close()
      out.push(event)
      continue
    }
    if (run.length > 0 && run[0]!.channel !== event.channel) close()
    run.push(event)
  }
  close()
  return out
}

const isDelta = <E extends { readonly _tag: string }>(event: E | Delta): event is Delta => event._tag === "Delta"

const joined = (channel: Channel, deltas: ReadonlyArray<Delta>): Delta => {
  let text = ""
  let tokens = 0
  for (const delta of deltas) {
    text += delta.text
    tokens += delta.tokens
  }
  return Delta.make({ channel, text, tokens })
}
