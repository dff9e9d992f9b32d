/**
 * Engine outputs as vLLM writes them on /v1/chat/completions; pure text, no sockets.
 *
 * A stream is: the role chunk, one chunk per engine output of which the parser tells something (the last one has
 * `finish_reason` and `stop_reason`, and unless told otherwise carries the last token), if asked a chunk with the usage
 * and no choices, `data: [DONE]`. The role chunk belongs to the first output: it is not sent when the request is accepted.
 *
 * Keys follow vLLM's serialisation, which writes them in the order of its models, leaves out what was never set and
 * writes null for what was set to null: on a delta `logprobs`, `finish_reason`, `token_ids` and `kv_transfer_params`, on
 * the finish chunk also `stop_reason` and `weight_versions`, on the role chunk `prompt_token_ids` and `prompt_text`. Only
 * the usage chunk has no nulls. `system_fingerprint` is on the last chunk before `[DONE]` and on whole answers.
 *
 * Gotcha: who hides the reasoning gets no token ids at all, no empty deltas, and `reasoning: null` on all others.
 */
import type { ChatRequest } from "./ChatRequest.ts"
import type { EngineOutput } from "./EngineLoop.ts"
import { comment } from "./EventStream.ts"
import type { NoiseFrame } from "./faults/FaultAction.ts"
import type { ErrorBody } from "./GenerationRequest.ts"
import * as OutputParser from "./OutputParser.ts"
import { tokenId } from "./Tokenizer.ts"
import { type ChunkOptions, imitatedVersion } from "./WireOptions.ts"

/** What all chunks of one answer share. */
export interface AnswerHead {
  readonly id: string
  /** Unix time in seconds. */
  readonly created: number
  readonly model: string
}

/** `usage` as vLLM writes it. */
export const usageOf = (promptTokens: number, completionTokens: number) => ({
  prompt_tokens: promptTokens,
  total_tokens: promptTokens + completionTokens,
  completion_tokens: completionTokens
})

/** `usage` of a chat, where a server with a reasoning parser counts the reasoning apart. */
const chatUsageOf = (promptTokens: number, completionTokens: number, reasoningTokens: number) => ({
  ...usageOf(promptTokens, completionTokens),
  completion_tokens_details: { reasoning_tokens: reasoningTokens }
})

/** Version and configuration of the server, as vLLM tells them. */
export const systemFingerprint = `vllm-${imitatedVersion}-5e1ec7ed`

export const idsOf = (tokens: ReadonlyArray<string>) => tokens.map(tokenId)

const parserOptions = (head: AnswerHead, request: ChatRequest, options: ChunkOptions): OutputParser.ParserOptions => ({
  reasoning: true,
  toolCalls: request.mayCallTools ? options.toolCallParser : "none",
  holdBackEvery: options.holdBackEvery,
  requestId: head.id
})

/** vLLM turns "stop" into "tool_calls" unless the request forced the call, and leaves all other reasons. */
const finishReasonOf = (request: ChatRequest, reason: EngineOutput["finishReason"], calledTools: boolean) =>
  reason === "stop" && calledTools && !request.mustCallTool ? "tool_calls" : reason ?? null

/** Encodes the outputs of one streamed request; state: whether the role chunk was written, and the parser's. */
export interface StreamEncoder {
  /** The events for these outputs, to be sent in one write; the last output brings everything up to `[DONE]`. */
  readonly encode: (outputs: ReadonlyArray<EngineOutput>) => string
  /** What a server may send before its first output; empty where it has nothing to say. */
  readonly begin: () => string
  /** An event, or a comment, that tells no token. */
  readonly noise: (frame: NoiseFrame) => string
}

/**
 * Writes events that begin with the keys of `common`, then `choices`, which is JSON already, and `rest`; neither object
 * may be without keys. What is common is turned into JSON once: it would be half the cost of a token.
 */
export const eventOf = (common: object) => {
  const begin = `data: ${JSON.stringify(common).slice(0, -1)},"choices":`
  return (choices: string, rest?: object): string =>
    begin + choices + (rest === undefined ? "" : `,${JSON.stringify(rest).slice(1, -1)}`) + "}\n\n"
}

/** An encoder for one streamed answer. */
export const makeStreamEncoder = (
  head: AnswerHead,
  request: ChatRequest,
  options: ChunkOptions
): StreamEncoder => {
  const parser = OutputParser.make(parserOptions(head, request, options))
  const usage = (completionTokens: number) =>
    chatUsageOf(request.promptTokens, completionTokens, parser.reasoningTokens())
  const showsIds = request.returnTokenIds && request.includeReasoning
  const event = eventOf({ id: head.id, object: "chat.completion.chunk", created: head.created, model: head.model })
  const continuousUsage = (completionTokens: number) =>
    request.continuousUsage ? { usage: usage(completionTokens) } : undefined

  const role = () =>
    event(
      JSON.stringify([{
        index: 0,
        delta: { role: "assistant", content: "" },
        logprobs: null,
        finish_reason: null
      }]),
      {
        ...continuousUsage(0),
        prompt_token_ids: request.promptTokenIds,
        prompt_text: null
      }
    )
  const chunk = (
    delta: object,
    tokens: ReadonlyArray<string>,
    { finishReason, generated }: Pick<EngineOutput, "finishReason" | "generated">
  ) =>
    event(
      JSON.stringify([{
        index: 0,
        delta,
        logprobs: null,
        finish_reason: finishReasonOf(request, finishReason, parser.calledTools()),
        ...(finishReason === undefined ? {} : { stop_reason: null }),
        token_ids: showsIds ? idsOf(tokens) : null,
        ...(finishReason === undefined ? {} : { weight_versions: null })
      }]),
      {
        ...continuousUsage(generated),
        ...(finishReason === undefined || request.includeUsage ? {} : { system_fingerprint: systemFingerprint }),
        kv_transfer_params: null
      }
    )
  // What `chunk` writes where nothing special is asked for: nearly every token, so the objects are spared.
  const plainChunk = (content: string) =>
    event(
      `[{"index":0,"delta":{"content":${JSON.stringify(content)}},` +
        `"logprobs":null,"finish_reason":null,"token_ids":null}],"kv_transfer_params":null`
    )
  const mayBePlain = !request.returnTokenIds && !request.continuousUsage && request.includeReasoning
  const visible = (delta: OutputParser.Delta): object | undefined => {
    const { content, reasoning, tool_calls } = delta
    if (request.includeReasoning) {
      return reasoning === undefined || options.reasoningField === "reasoning"
        ? delta
        : {
          ...(content === undefined ? {} : { content }),
          [options.reasoningField]: reasoning,
          ...(tool_calls === undefined ? {} : { tool_calls })
        }
    }
    if ((content ?? "") === "" && tool_calls === undefined) return undefined
    return {
      ...(content === undefined ? {} : { content }),
      [options.reasoningField]: null,
      ...(tool_calls === undefined ? {} : { tool_calls })
    }
  }
  const outputChunks = (output: EngineOutput): string => {
    const { finishReason, generated, tokens } = output
    const { delta } = parser.parse(tokens, finishReason !== undefined)
    const shown = delta === undefined ? undefined : visible(delta)
    if (finishReason === "stop" && !options.finishCarriesText && tokens.length > 0) {
      const before = shown === undefined ? "" : chunk(shown, tokens, { generated, finishReason: undefined })
      return before + chunk(parser.calledTools() ? {} : visible({ content: "" }) ?? {}, [], output)
    }
    if (mayBePlain && finishReason === undefined && delta !== undefined && OutputParser.isPlain(delta)) {
      return plainChunk(delta.content)
    }
    if (shown !== undefined) return chunk(shown, tokens, output)
    // Where the parser is silent a chunk is sent for its token ids.
    if (finishReason === undefined) return showsIds ? chunk({}, tokens, output) : ""
    // An end without a token is an empty text behind others, and nothing where there was none.
    return chunk(tokens.length === 0 && generated > 0 ? visible({ content: "" }) ?? {} : {}, tokens, output)
  }
  const end = (completionTokens: number) =>
    (request.includeUsage
      ? event("[]", { usage: usage(completionTokens), system_fingerprint: systemFingerprint })
      : "") + "data: [DONE]\n\n"

  let begun = false
  let generated = 0
  const begin = () => {
    if (begun) return ""
    begun = true
    return role()
  }
  return {
    begin,
    encode: (outputs) => {
      let text = ""
      for (const output of outputs) {
        text += begin() + outputChunks(output)
        generated = output.generated
        if (output.finishReason !== undefined) text += end(output.generated)
      }
      return text
    },
    noise: (frame) => {
      switch (frame) {
        case "comment":
          return comment
        case "empty-delta":
          return chunk({ content: "" }, [], { generated, finishReason: undefined })
        case "role-chunk":
          return role()
        case "usage":
          return event("[]", { usage: usage(generated) })
      }
    }
  }
}

/** The whole answer as one JSON object, for requests that do not stream. */
export const completion = (
  head: AnswerHead,
  request: ChatRequest,
  options: ChunkOptions,
  outputs: ReadonlyArray<EngineOutput>
): object => {
  const tokens = outputs.flatMap((output) => output.tokens)
  const { content, reasoning, reasoningTokens, toolCalls } = OutputParser.parseAll(
    parserOptions(head, request, options),
    tokens
  )
  return {
    id: head.id,
    object: "chat.completion",
    created: head.created,
    model: head.model,
    choices: [{
      index: 0,
      message: {
        role: "assistant",
        content: content ?? (tokens.length === 0 ? "" : null),
        refusal: null,
        annotations: null,
        audio: null,
        function_call: null,
        ...(toolCalls.length === 0
          ? {}
          : { tool_calls: toolCalls.map(({ function: called, id, type }) => ({ id, type, function: called })) }),
        [options.reasoningField]: request.includeReasoning ? reasoning ?? null : null
      },
      logprobs: null,
      finish_reason: finishReasonOf(request, outputs.at(-1)?.finishReason, toolCalls.length > 0),
      stop_reason: null,
      token_ids: request.returnTokenIds && request.includeReasoning ? idsOf(tokens) : null,
      routed_experts: null,
      weight_versions: null
    }],
    service_tier: null,
    system_fingerprint: systemFingerprint,
    usage: {
      ...usageOf(request.promptTokens, tokens.length),
      prompt_tokens_details: null,
      completion_tokens_details: { reasoning_tokens: reasoningTokens }
    },
    prompt_logprobs: null,
    prompt_token_ids: request.promptTokenIds,
    prompt_text: null,
    kv_transfer_params: null,
    ec_transfer_params: null,
    metrics: null
  }
}

/** What ends a stream that fails after its headers; vLLM says `[DONE]` even then. */
export const errorEvents = (error: ErrorBody): string => `data: ${JSON.stringify(error)}\n\ndata: [DONE]\n\n`
