/**
 * Reads what the model writes, as vLLM's reasoning and tool parsers do: text in, deltas of a message out.
 *
 * The model marks the parts of its answer with tokens of their own: `<think>` ... `</think>` at the very beginning is
 * reasoning, `<tool_call>` {"name": ..., "arguments": {...}} `</tool_call>` is a call; everything else is content. A
 * marker, and a token of a call that reveals nothing yet, gives no delta at all (which is not an empty delta).
 *
 * Laws: every character of reasoning and content is in exactly one delta, in order; so is every character of the
 * arguments. Text that is held back (half a character, the beginning of a stop string) gives an empty delta and comes
 * with the next token of its part, at the latest with the last one.
 *
 * Gotcha: "buffering" tells a call only at its end marker; a call that is cut before is never told.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { seedOf } from "./SeededRandom.ts"

/** A piece of a call on the wire; `id`, `type` and `name` come once, with the first piece. */
export interface ToolCallDelta {
  readonly index: number
  readonly id?: string
  readonly type?: "function"
  readonly function: { readonly name?: string; readonly arguments?: string }
}

/** What an output adds to the message; a key that is absent adds nothing. */
export interface Delta {
  readonly content?: string
  readonly reasoning?: string
  readonly tool_calls?: ReadonlyArray<ToolCallDelta>
}

/** Whether a delta is content and nothing else. */
export const isPlain = (delta: Delta): delta is { readonly content: string } =>
  delta.content !== undefined && delta.reasoning === undefined && delta.tool_calls === undefined

/** What became of one output. */
export interface Parsed {
  /** Undefined where vLLM's parsers return None. */
  readonly delta: Delta | undefined
}

export interface ParserOptions {
  /** False: everything is content, as on /v1/completions. */
  readonly reasoning: boolean
  /** "none": calls stay content, as where the request has no tools. */
  readonly toolCalls: "streaming" | "buffering" | "none"
  /** The text of every n-th token is held back; 0 = of none. */
  readonly holdBackEvery: number
  /** The ids of calls follow from it. */
  readonly requestId: string
}

/** Reads the outputs of one request, in order. */
export interface OutputParser {
  /** `last`: nothing comes after these tokens. */
  readonly parse: (tokens: ReadonlyArray<string>, last: boolean) => Parsed
  /** Whether any call was told so far. */
  readonly calledTools: () => boolean
  /** How many tokens of reasoning there were so far, without its markers. */
  readonly reasoningTokens: () => number
}

const Call = Schema.Struct({ name: Schema.String, arguments: Schema.Record(Schema.String, Schema.Unknown) })
const decodeCall = Schema.decodeUnknownOption(Schema.fromJsonString(Call))
const decodeName = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.String))

const beforeArguments = /"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*/

/** Gives out the characters of a JSON object as they come and stops behind its last brace. */
const makeObjectReader = () => {
  let depth = 0
  let inString = false
  let escaped = false
  let ended = false
  return (text: string): string => {
    let read = ""
    for (const character of text) {
      if (ended) break
      read += character
      if (escaped) escaped = false
      else if (inString && character === "\\") escaped = true
      else if (character === "\"") inString = !inString
      else if (!inString && (character === "{" || character === "[")) depth++
      else if (!inString && (character === "}" || character === "]")) ended = --depth === 0
    }
    return read
  }
}

/** One call: text in, what is new about the call out. */
interface CallReader {
  readonly read: (text: string) => ToolCallDelta["function"] | undefined
  readonly end: () => ToolCallDelta["function"] | undefined
}

const streamingCall = (): CallReader => {
  let head = ""
  let readArguments: ((text: string) => string) | undefined
  const piece = (text: string) => text === "" ? {} : { arguments: text }
  return {
    read: (text) => {
      if (readArguments !== undefined) {
        const read = readArguments(text)
        return read === "" ? undefined : piece(read)
      }
      head += text
      const match = beforeArguments.exec(head)
      const name = Option.flatMap(Option.fromNullishOr(match?.[1]), decodeName)
      if (match === null || Option.isNone(name)) return undefined
      readArguments = makeObjectReader()
      return { name: name.value, ...piece(readArguments(head.slice(match.index + match[0].length))) }
    },
    end: () => undefined
  }
}

const bufferingCall = (): CallReader => {
  let whole = ""
  return {
    read: (text) => {
      whole += text
      return undefined
    },
    end: () =>
      Option.getOrUndefined(Option.map(decodeCall(whole), (call) => ({
        name: call.name,
        arguments: JSON.stringify(call.arguments)
      })))
  }
}

const lessThan = "<".charCodeAt(0)

/** A parser for one request. */
export const make = (options: ParserOptions): OutputParser => {
  const newCall = options.toolCalls === "buffering" ? bufferingCall : streamingCall
  let part: "content" | "reasoning" | CallReader = "content"
  let seen = 0
  let held = ""
  // The call that is told now; -1 before the first.
  let callIndex = -1
  let callBegun = false
  let reasoningTokens = 0

  const callDelta = (told: ToolCallDelta["function"]): ToolCallDelta => {
    if (callBegun) return { index: callIndex, function: told }
    callBegun = true
    callIndex++
    const id = [0, 1, 2, 3].map((word) => seedOf(options.requestId, callIndex, word).toString(16).padStart(8, "0"))
    return { id: `chatcmpl-tool-${id.join("")}`, type: "function", index: callIndex, function: told }
  }

  /** The part that a token begins, if it is a marker that means something here. */
  const nextPart = (token: string): typeof part | undefined => {
    if (token.charCodeAt(0) !== lessThan) return undefined
    if (token === "<think>" && seen === 1 && options.reasoning) return "reasoning"
    if (token === "</think>" && part === "reasoning") return "content"
    if (token === "<tool_call>" && part === "content" && options.toolCalls !== "none") return newCall()
    if (token === "</tool_call>" && typeof part === "object") return "content"
    return undefined
  }

  return {
    calledTools: () => callIndex >= 0,
    reasoningTokens: () => reasoningTokens,
    parse: (tokens, last) => {
      let reasoning: string | undefined
      let content: string | undefined
      const calls: Array<ToolCallDelta> = []
      const tell = (told: ToolCallDelta["function"] | undefined) => {
        if (told !== undefined) calls.push(callDelta(told))
      }
      const add = (text: string) => {
        if (part === "content") content = (content ?? "") + text
        else if (part === "reasoning") reasoning = (reasoning ?? "") + text
        else tell(part.read(text))
      }
      for (let index = 0; index < tokens.length; index++) {
        const token = tokens[index]!
        seen++
        const next = nextPart(token)
        if (next !== undefined) {
          if (held !== "") add(held)
          held = ""
          if (typeof part === "object") tell(part.end())
          if (typeof next === "object") callBegun = false
          part = next
          continue
        }
        if (part === "reasoning") reasoningTokens++
        const isLast = last && index === tokens.length - 1
        if (options.holdBackEvery > 0 && seen % options.holdBackEvery === 0 && !isLast) {
          held += token
          add("")
        } else {
          const text = held + token
          held = ""
          add(text)
        }
      }
      if (last && held !== "") add(held)
      // Almost every output of a long answer ends here.
      if (reasoning === undefined && content !== undefined && calls.length === 0) {
        return { delta: { content } }
      }
      const delta = {
        ...(content === undefined ? {} : { content }),
        ...(reasoning === undefined ? {} : { reasoning }),
        ...(calls.length === 0 ? {} : { tool_calls: calls })
      }
      return { delta: Object.keys(delta).length === 0 ? undefined : delta }
    }
  }
}

/** The whole of an answer, for one that is not streamed. */
export const parseAll = (options: ParserOptions, tokens: ReadonlyArray<string>) => {
  // Nothing is held back in the end, and an unfinished call is content nowhere.
  const parser = make({ ...options, holdBackEvery: 0, toolCalls: options.toolCalls === "none" ? "none" : "buffering" })
  const { delta } = parser.parse(tokens, true)
  return {
    reasoning: delta?.reasoning,
    content: delta?.content,
    toolCalls: delta?.tool_calls ?? [],
    reasoningTokens: parser.reasoningTokens()
  }
}
