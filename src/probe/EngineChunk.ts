/**
 * What one event of a streamed chat completion holds: a total function of anything that JSON can say.
 *
 * It tells apart what `engine/ChatCompletionReader.ts` folds into token events, because the probe asks which of the ways
 * to count tokens a server offers. Law: it never throws, whatever a server sends.
 */
import { fieldOf, printable, textField } from "./EngineAnswer.ts"

export interface EngineChunk {
  readonly kind: "chunk" | "error" | "unknown"
  /** Characters of text by where they stand. */
  readonly content: number
  readonly reasoning: number
  readonly toolCall: number
  /** The key that reasoning came under. */
  readonly reasoningField: "reasoning" | "reasoning_content" | null
  readonly role: boolean
  /** `usage.completion_tokens`, and whether it stands beside choices or in a frame of its own. */
  readonly usage: number | null
  readonly promptTokens: number | null
  readonly usageAlone: boolean
  readonly tokenIds: number | null
  readonly finishReason: string | null
  readonly fingerprint: string | null
  /** Of an error. */
  readonly message: string | null
}

const nothing: EngineChunk = {
  kind: "unknown",
  content: 0,
  reasoning: 0,
  toolCall: 0,
  reasoningField: null,
  role: false,
  usage: null,
  promptTokens: null,
  usageAlone: false,
  tokenIds: null,
  finishReason: null,
  fingerprint: null,
  message: null
}

const lengthOf = (value: unknown): number => typeof value === "string" ? value.length : 0

/** A count of tokens, if that is what it is. */
const countOf = (value: unknown): number | null =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null

/** The sizes of all pieces of tool calls. */
const toolCallsOf = (value: unknown): number =>
  Array.isArray(value)
    ? value.reduce<number>((sum, call: unknown) => {
      const called = fieldOf(call, "function")
      return sum + lengthOf(fieldOf(called, "name")) + lengthOf(fieldOf(called, "arguments"))
    }, 0)
    : 0

/** Reads one parsed event. */
export const read = (event: unknown): EngineChunk => {
  const error = fieldOf(event, "error")
  if (error !== undefined && error !== null) {
    return {
      ...nothing,
      kind: "error",
      message: typeof error === "string"
        ? printable(error)
        : textField(error, "message") ?? "an error without a message"
    }
  }
  const choices = fieldOf(event, "choices")
  if (!Array.isArray(choices) && choices !== null) return nothing
  const choice: unknown = choices?.find((one: unknown) => (fieldOf(one, "index") ?? 0) === 0)
  const delta = fieldOf(choice, "delta")
  const usage = fieldOf(event, "usage")
  const [newer, older] = [lengthOf(fieldOf(delta, "reasoning")), lengthOf(fieldOf(delta, "reasoning_content"))]
  const ids = fieldOf(choice, "token_ids")
  return {
    kind: "chunk",
    content: lengthOf(fieldOf(delta, "content")),
    reasoning: Math.max(newer, older),
    toolCall: toolCallsOf(fieldOf(delta, "tool_calls")),
    reasoningField: newer > 0 ? "reasoning" : older > 0 ? "reasoning_content" : null,
    role: typeof fieldOf(delta, "role") === "string",
    usage: countOf(fieldOf(usage, "completion_tokens")),
    promptTokens: countOf(fieldOf(usage, "prompt_tokens")),
    usageAlone: choice === undefined,
    tokenIds: Array.isArray(ids) ? ids.length : null,
    finishReason: textField(choice, "finish_reason") ?? null,
    fingerprint: textField(event, "system_fingerprint") ?? null,
    message: null
  }
}
