/**
 * What vLLM writes only where an answer is whole: it leaves out of a chunk what was never set, and writes it as `null` in
 * an answer (the fields of its ChatCompletionResponse and CompletionResponse). Pure.
 *
 * It is known by `stop_reason`, which no other server puts beside a finish reason. Which release it is, by the fields of
 * its last chunk: `weight_versions` came with the ones that answer `routed_experts`, `metrics` and `prompt_text` as well.
 */
import { type Fields, isFields } from "./joinFields.ts"

/** Whether a choice was told by vLLM. */
export const isOfVllm = (choice: Fields): boolean => "stop_reason" in choice

/** The answer with everything that vLLM would have said of it. */
export const vllmAnswer = (api: "chat" | "completion", answer: Fields): Fields => {
  const { choices: told, usage, ...rest } = answer
  const choices = told as ReadonlyArray<Fields>
  const isNew = choices.some((choice) => "weight_versions" in choice)
  const { created, id, model, object, system_fingerprint: fingerprint = null, ...more } = rest
  const promptIds = choices.find((choice) => "prompt_token_ids" in choice)?.["prompt_token_ids"] ?? null
  return {
    id,
    object,
    created,
    model,
    choices: choices.map((choice) => api === "chat" ? chatChoice(choice, isNew) : completionChoice(choice, isNew)),
    service_tier: null,
    system_fingerprint: fingerprint,
    ...(isFields(usage) ? { usage: usageOf(usage, api, isNew) } : {}),
    ...(api === "chat" ? { prompt_logprobs: null, prompt_token_ids: promptIds } : {}),
    ...(api === "chat" && isNew ? { prompt_text: null } : {}),
    kv_transfer_params: null,
    ...(isNew ? { ec_transfer_params: null, metrics: null } : {}),
    ...more
  }
}

const usageOf = (usage: Fields, api: "chat" | "completion", isNew: boolean): Fields => ({
  ...usage,
  prompt_tokens_details: usage["prompt_tokens_details"] ?? null,
  ...(isNew && api === "completion"
    ? { completion_tokens_details: usage["completion_tokens_details"] ?? null }
    : {})
})

const ofNewChoice = (choice: Fields, isNew: boolean): Fields =>
  isNew ? { routed_experts: null, weight_versions: choice["weight_versions"] ?? null } : {}

const chatChoice = (choice: Fields, isNew: boolean): Fields => {
  const { message, ...rest } = choice
  const { content, role, ...more } = message as Fields
  const reasoning = isNew ? "reasoning" : "reasoning_content"
  return {
    ...rest,
    message: {
      role,
      content,
      refusal: null,
      annotations: null,
      audio: null,
      function_call: null,
      ...(isNew ? {} : { tool_calls: [] }),
      ...("reasoning" in more || "reasoning_content" in more ? {} : { [reasoning]: null }),
      ...more
    },
    ...ofNewChoice(choice, isNew)
  }
}

const completionChoice = (choice: Fields, isNew: boolean): Fields => ({
  ...choice,
  prompt_logprobs: null,
  prompt_token_ids: choice["prompt_token_ids"] ?? null,
  ...ofNewChoice(choice, isNew)
})
