/**
 * From the chunks of `/v1/chat/completions` to token events: a pure reducer `(state, chunk) -> state, events`.
 *
 * What each chunk is (liveness facts of vLLM, and of the servers that look like it):
 * - The role chunk proves nothing; some proxies send it at once.
 * - Tokens are counted from `usage.completion_tokens` where the server sends it with every chunk, else from
 *   `token_ids`, else one for each chunk with text. The count is kept as a running total, so a usage frame that comes
 *   late corrects it and never counts a token twice.
 * - Reasoning is `delta.reasoning`, on older servers `delta.reasoning_content`.
 * - An empty delta is a held-back token if the count moved, else only a signal.
 * - The finish chunk may carry the last text.
 */
import { type Channel, Finish, Signal, type TokenEvent, ToolCallDelta, Usage } from "../token/TokenEvent.ts"

/** The part of a chunk that is read; every field may be missing, null or of another shape. */
export interface ChatCompletionChunk {
  readonly choices?: ReadonlyArray<ChunkChoice | null> | null
  readonly usage?: { readonly prompt_tokens?: number; readonly completion_tokens?: number } | null
}

interface ChunkChoice {
  readonly index?: number
  readonly delta?: ChunkDelta | null
  readonly finish_reason?: string | null
  readonly token_ids?: ReadonlyArray<number> | null
}

interface ChunkDelta {
  readonly role?: string | null
  readonly content?: string | null
  readonly reasoning?: string | null
  readonly reasoning_content?: string | null
  readonly tool_calls?: ReadonlyArray<ToolCallChunk | null> | null
}

interface ToolCallChunk {
  readonly index?: number
  readonly id?: string | null
  readonly function?: { readonly name?: string | null; readonly arguments?: string | null } | null
}

export interface ReaderState {
  /** Tokens handed on so far. */
  readonly tokens: number
  /** The channel the last text belonged to: where a token without text is counted. */
  readonly channel: Channel
  readonly finishReason: string | undefined
}

export const initial: ReaderState = { tokens: 0, channel: "content", finishReason: undefined }

/** Whether a parsed event has the shape of a chunk at all. */
export const isChunk = (value: unknown): value is ChatCompletionChunk =>
  typeof value === "object" && value !== null && "choices" in value &&
  (value.choices === null || Array.isArray(value.choices))

/** Reads one chunk. */
export const read = (
  state: ReaderState,
  chunk: ChatCompletionChunk
): readonly [ReaderState, ReadonlyArray<TokenEvent>] => {
  const choice = chunk.choices?.find((choice) => choice !== null && (choice.index ?? 0) === 0) ?? undefined
  const reported = chunk.usage?.completion_tokens
  if (choice === undefined) {
    return typeof reported === "number"
      ? [state, [Usage.make({ promptTokens: chunk.usage?.prompt_tokens ?? 0, completionTokens: reported })]]
      : [state, [Signal.make({ signal: "empty" })]]
  }

  // Deltas are written out: the schema's constructor would check each, and costs as much as all else that is done here.
  const events: Array<TokenEvent> = []
  const delta = choice.delta ?? {}
  const reasoning = delta.reasoning ?? delta.reasoning_content ?? ""
  const content = delta.content ?? ""
  const toolCalls = (delta.tool_calls ?? []).filter((call) => call !== null)
  const spoke = reasoning !== "" || content !== "" || toolCalls.length > 0
  const tokens = typeof reported === "number"
    ? Math.max(0, reported - state.tokens)
    : choice.token_ids?.length ?? (spoke ? 1 : 0)
  let uncounted = tokens
  let channel = state.channel
  /** The first delta of a chunk stands for all its tokens. */
  const takeTokens = () => {
    const taken = uncounted
    uncounted = 0
    return taken
  }

  if (state.finishReason === undefined) {
    if (reasoning !== "") {
      channel = "reasoning"
      events.push({ _tag: "Delta", channel, text: reasoning, tokens: takeTokens() })
    }
    if (content !== "") {
      channel = "content"
      events.push({ _tag: "Delta", channel, text: content, tokens: takeTokens() })
    }
    for (const call of toolCalls) {
      const id = call.id ?? undefined
      const name = call.function?.name ?? undefined
      events.push(ToolCallDelta.make({
        index: call.index ?? 0,
        ...(id === undefined ? {} : { id }),
        ...(name === undefined ? {} : { name }),
        arguments: call.function?.arguments ?? "",
        tokens: takeTokens()
      }))
    }
    if (uncounted > 0) events.push({ _tag: "Delta", channel, text: "", tokens: takeTokens() })
    if (typeof choice.finish_reason === "string") events.push(Finish.make({ reason: choice.finish_reason }))
  }
  if (events.length === 0) {
    events.push(Signal.make({ signal: typeof delta.role === "string" ? "role" : "empty" }))
  }
  return [
    {
      tokens: state.tokens + tokens - uncounted,
      channel,
      finishReason: state.finishReason ?? choice.finish_reason ?? undefined
    },
    events
  ]
}
