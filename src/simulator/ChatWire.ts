/**
 * Engine outputs as vLLM writes them on /v1/chat/completions; pure text, no sockets.
 *
 * A stream is: the role chunk, one chunk per engine output (the last one has `finish_reason` and `stop_reason`, and
 * carries the last token), if asked a chunk with the usage and no choices, `data: [DONE]`. The role chunk belongs to
 * the first output: it is not sent when the request is accepted.
 *
 * Keys follow vLLM's serialisation, which leaves out what was never set but writes null for what was set to null:
 * `logprobs`, `finish_reason` and `token_ids` are null on a delta, `prompt_token_ids` and `prompt_text` are null on the
 * role chunk only, `system_fingerprint` is absent.
 */
import type { ChatRequest } from "./ChatRequest.ts"
import type { EngineOutput } from "./EngineLoop.ts"
import { tokenId, tokenize } from "./Tokenizer.ts"

/** What all chunks of one answer share. */
export interface AnswerHead {
  readonly id: string
  /** Unix time in seconds. */
  readonly created: number
  readonly model: string
}

const usageOf = (promptTokens: number, completionTokens: number) => ({
  prompt_tokens: promptTokens,
  total_tokens: promptTokens + completionTokens,
  completion_tokens: completionTokens
})

const idsOf = (tokens: ReadonlyArray<string>) => tokens.map(tokenId)

/** Encodes the outputs of one streamed request; state: whether the role chunk was written. */
export interface StreamEncoder {
  /** The events for these outputs, to be sent in one write; the last output brings everything up to `[DONE]`. */
  readonly encode: (outputs: ReadonlyArray<EngineOutput>) => string
}

/** An encoder for one streamed answer. */
export const makeStreamEncoder = (head: AnswerHead, request: ChatRequest): StreamEncoder => {
  const promptTokens = tokenize(request.prompt)
  const usage = (completionTokens: number) => usageOf(promptTokens.length, completionTokens)
  const event = (choices: ReadonlyArray<object>, rest: object) =>
    `data: ${
      JSON.stringify({
        id: head.id,
        object: "chat.completion.chunk",
        created: head.created,
        model: head.model,
        choices,
        ...rest
      })
    }\n\n`
  const continuousUsage = (completionTokens: number) =>
    request.continuousUsage ? { usage: usage(completionTokens) } : {}

  const role = () =>
    event(
      [{ index: 0, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null }],
      {
        ...continuousUsage(0),
        prompt_token_ids: request.returnTokenIds ? idsOf(promptTokens) : null,
        prompt_text: null
      }
    )
  const delta = (output: EngineOutput) =>
    event(
      [{
        index: 0,
        delta: { content: output.tokens.join("") },
        logprobs: null,
        finish_reason: output.finishReason ?? null,
        ...(output.finishReason === undefined ? {} : { stop_reason: null }),
        token_ids: request.returnTokenIds ? idsOf(output.tokens) : null
      }],
      continuousUsage(output.generated)
    )
  const end = (completionTokens: number) =>
    (request.includeUsage ? event([], { usage: usage(completionTokens) }) : "") + "data: [DONE]\n\n"

  let begun = false
  return {
    encode: (outputs) => {
      let text = ""
      for (const output of outputs) {
        if (!begun) text += role()
        begun = true
        text += delta(output)
        if (output.finishReason !== undefined) text += end(output.generated)
      }
      return text
    }
  }
}

/** The whole answer as one JSON object, for requests that do not stream. */
export const completion = (head: AnswerHead, request: ChatRequest, outputs: ReadonlyArray<EngineOutput>): object => {
  const promptTokens = tokenize(request.prompt)
  const tokens = outputs.flatMap((output) => output.tokens)
  return {
    id: head.id,
    object: "chat.completion",
    created: head.created,
    model: head.model,
    choices: [{
      index: 0,
      message: {
        role: "assistant",
        content: tokens.join(""),
        refusal: null,
        annotations: null,
        audio: null,
        function_call: null,
        reasoning: null
      },
      logprobs: null,
      finish_reason: outputs.at(-1)?.finishReason ?? null,
      stop_reason: null,
      token_ids: request.returnTokenIds ? idsOf(tokens) : null
    }],
    service_tier: null,
    usage: { ...usageOf(promptTokens.length, tokens.length), prompt_tokens_details: null },
    prompt_logprobs: null,
    prompt_token_ids: request.returnTokenIds ? idsOf(promptTokens) : null,
    prompt_text: null,
    kv_transfer_params: null
  }
}
