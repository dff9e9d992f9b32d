/**
 * What one chunk of a streamed completion says to who counts tokens: a pure reducer for both APIs and any number of
 * choices.
 *
 * Tokens are counted as in ChatCompletionReader.ts, which reads one choice: from `usage.completion_tokens` where a
 * chunk has it, else from `token_ids`, else one for each choice with text. The count is a running total, so that a usage
 * that comes late corrects it and no token is counted twice. The finish is told once all choices have one.
 */

export interface ChunkCount {
  /** Tokens told so far. */
  readonly tokens: number
  /** Choices that have a finish reason. */
  readonly finished: ReadonlySet<number>
}

export const initial: ChunkCount = { tokens: 0, finished: new Set() }

export interface Counted {
  /** Tokens that are new. */
  readonly tokens: number
  /** It carries something of an answer. */
  readonly text: boolean
  readonly channel: "content" | "reasoning" | "tool-call" | null
  /** The engine's own count, where it tells it. */
  readonly usage: number | null
  /** The reason of the choice that was the last to finish. */
  readonly finishReason: string | null
}

type Fields = Readonly<Record<string, unknown>>

/** Whether a parsed event has the shape of a chunk. */
export const isChunk = (value: unknown): value is Fields =>
  isFields(value) && "choices" in value && (value["choices"] === null || Array.isArray(value["choices"]))

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null

/** Reads one chunk of an answer with so many choices. */
export const read = (state: ChunkCount, chunk: Fields, choices: number): readonly [ChunkCount, Counted] => {
  let text = false
  let channel: Counted["channel"] = null
  let pieces = 0
  let last: string | null = null
  let finished = state.finished
  for (const choice of (chunk["choices"] ?? []) as ReadonlyArray<unknown>) {
    if (!isFields(choice)) continue
    const spoken = channelOf(choice)
    if (spoken !== null) {
      text = true
      channel = spoken
    }
    const ids = choice["token_ids"]
    pieces += Array.isArray(ids) ? ids.length : spoken === null ? 0 : 1
    const reason = choice["finish_reason"]
    if (typeof reason !== "string") continue
    finished = new Set(finished).add(typeof choice["index"] === "number" ? choice["index"] : 0)
    last = reason
  }
  const usage = usageOf(chunk["usage"])
  const tokens = usage === null ? pieces : Math.max(0, usage - state.tokens)
  const isOver = last !== null && state.finished.size < choices && finished.size >= choices
  return [
    { tokens: state.tokens + tokens, finished },
    { tokens, text, channel, usage, finishReason: isOver ? last : null }
  ]
}

/** What a usage says was generated. */
const usageOf = (usage: unknown): number | null => {
  const count = isFields(usage) ? usage["completion_tokens"] : undefined
  return typeof count === "number" && Number.isSafeInteger(count) && count >= 0 ? count : null
}

const channelOf = (choice: Fields): Counted["channel"] => {
  if (isText(choice["text"])) return "content"
  const { delta } = choice
  if (!isFields(delta)) return null
  if (isText(delta["content"]) || isText(delta["refusal"])) return "content"
  if (Array.isArray(delta["tool_calls"]) && delta["tool_calls"].length > 0) return "tool-call"
  if (isFields(delta["function_call"])) return "tool-call"
  return isText(delta["reasoning"]) || isText(delta["reasoning_content"]) ? "reasoning" : null
}

const isText = (value: unknown): boolean => typeof value === "string" && value !== ""
