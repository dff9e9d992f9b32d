/**
 * Engine outputs as vLLM writes them on /v1/completions; pure text, no sockets.
 *
 * A stream is one chunk per engine output, if asked a chunk with the usage and no choices, `data: [DONE]`. There is no
 * role chunk, and no parser: reasoning and tool calls are plain text, and usage does not tell them apart. All keys of a
 * choice are always there; `usage` and `system_fingerprint` are as on the chat route.
 *
 * Gotcha: with `echo` the prompt is the beginning of the first chunk's text, but not if ids are asked for as well.
 */
import { type AnswerHead, eventOf, idsOf, type StreamEncoder, systemFingerprint, usageOf } from "./ChatWire.ts"
import type { CompletionRequest } from "./CompletionRequest.ts"
import type { EngineOutput } from "./EngineLoop.ts"
import { comment } from "./EventStream.ts"
import * as OutputParser from "./OutputParser.ts"
import type { ChunkOptions } from "./WireOptions.ts"

/** The text that is echoed before, or instead of, the answer. */
const echoOf = ({ echo, prompt, returnTokenIds }: CompletionRequest) => echo === "no" || returnTokenIds ? "" : prompt

/** An encoder for one streamed completion. */
export const makeStreamEncoder = (
  head: AnswerHead,
  request: CompletionRequest,
  options: ChunkOptions
): StreamEncoder => {
  const { holdBackEvery } = options
  const parser = OutputParser.make({ reasoning: false, toolCalls: "none", holdBackEvery, requestId: head.id })
  const usage = (completionTokens: number) => usageOf(request.promptTokens, completionTokens)
  const event = eventOf({ id: head.id, object: "text_completion", created: head.created, model: head.model })
  let begun = false
  const chunk = (
    text: string,
    tokens: ReadonlyArray<string>,
    { finishReason, generated }: Pick<EngineOutput, "finishReason" | "generated">
  ) => {
    const promptTokenIds = begun ? null : request.echoedTokenIds ?? request.promptTokenIds
    const echoed = begun ? "" : echoOf(request)
    begun = true
    return event(
      JSON.stringify([{
        index: 0,
        text: request.echo === "alone" ? echoed : echoed + text,
        logprobs: null,
        finish_reason: finishReason ?? null,
        stop_reason: null,
        prompt_token_ids: promptTokenIds,
        token_ids: request.returnTokenIds ? idsOf(tokens) : null,
        weight_versions: null
      }]),
      {
        ...(request.continuousUsage ? { usage: usage(generated) } : {}),
        ...(finishReason === undefined || request.includeUsage ? {} : { system_fingerprint: systemFingerprint }),
        kv_transfer_params: null
      }
    )
  }
  const outputChunks = (output: EngineOutput) => {
    const { finishReason, generated, tokens } = output
    const text = parser.parse(tokens, finishReason !== undefined).delta?.content ?? ""
    return finishReason === "stop" && !options.finishCarriesText && tokens.length > 0
      ? chunk(text, tokens, { generated, finishReason: undefined }) + chunk("", [], output)
      : chunk(text, tokens, output)
  }
  const end = (completionTokens: number) =>
    (request.includeUsage
      ? event("[]", { usage: usage(completionTokens), system_fingerprint: systemFingerprint })
      : "") + "data: [DONE]\n\n"

  let told = 0
  return {
    begin: () => "",
    noise: (frame) => {
      if (frame === "comment") return comment
      return frame === "usage"
        ? event("[]", { usage: usage(told) })
        : chunk("", [], { generated: told, finishReason: undefined })
    },
    encode: (outputs) => {
      let text = ""
      for (const output of outputs) {
        text += outputChunks(output)
        told = output.generated
        if (output.finishReason !== undefined) text += end(output.generated)
      }
      return text
    }
  }
}

/** The whole completion as one JSON object, for requests that do not stream. */
export const completion = (
  head: AnswerHead,
  request: CompletionRequest,
  _options: ChunkOptions,
  outputs: ReadonlyArray<EngineOutput>
): object => {
  const tokens = outputs.flatMap((output) => output.tokens)
  return {
    id: head.id,
    object: "text_completion",
    created: head.created,
    model: head.model,
    choices: [{
      index: 0,
      text: echoOf(request) + (request.echo === "alone" ? "" : tokens.join("")),
      logprobs: null,
      finish_reason: outputs.at(-1)?.finishReason ?? null,
      stop_reason: null,
      token_ids: request.returnTokenIds ? idsOf(tokens) : null,
      prompt_logprobs: null,
      prompt_token_ids: request.promptTokenIds,
      routed_experts: null,
      weight_versions: null
    }],
    service_tier: null,
    system_fingerprint: systemFingerprint,
    usage: {
      ...usageOf(request.promptTokens, tokens.length),
      prompt_tokens_details: null,
      completion_tokens_details: null
    },
    kv_transfer_params: null,
    ec_transfer_params: null,
    metrics: null
  }
}
