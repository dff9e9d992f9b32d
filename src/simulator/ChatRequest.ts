/**
 * What a client may ask of /v1/chat/completions.
 *
 * The prompt is the texts of all messages, joined by line breaks. Roles are checked as a chat template checks them: after
 * the model's name, in the template's words. Sampling settings are checked and have no effect on the simulated model.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as GenerationRequest from "./GenerationRequest.ts"
import { badRequest, type ErrorBody, optional } from "./GenerationRequest.ts"
import { countTokens, tokenId, tokenize } from "./Tokenizer.ts"

const ContentPart = Schema.Struct({ type: Schema.String, text: optional(Schema.String) })

const Message = Schema.Struct({
  role: Schema.String,
  content: optional(Schema.Union([Schema.String, Schema.Array(ContentPart)]))
})

const Body = Schema.Struct({
  ...GenerationRequest.commonFields,
  messages: Schema.Array(Message),
  max_completion_tokens: optional(Schema.Int),
  include_reasoning: optional(Schema.Boolean),
  tools: optional(Schema.Array(Schema.Unknown)),
  tool_choice: optional(Schema.Unknown)
})

export interface ChatRequest extends GenerationRequest.GenerationRequest {
  readonly includeReasoning: boolean
  /** The request has tools and allows their use. */
  readonly mayCallTools: boolean
}

const decodeBody = Schema.decodeUnknownResult(Body)

const roles = ["system", "developer", "user", "assistant", "tool", "function"]

const textOf = (message: typeof Message.Type): string => {
  const content = message.content ?? ""
  return typeof content === "string" ? content : content.map((part) => part.text ?? "").join("\n")
}

/** Reads the body of a request. The failure is the body of the answer; its `error.code` is the status. */
export const parse = (
  served: GenerationRequest.Served,
  contentType: string | undefined,
  text: string
): Result.Result<ChatRequest, ErrorBody> => {
  const read = GenerationRequest.readBody({ served, contentType, text, required: "messages", decode: decodeBody })
  if (Result.isFailure(read)) return Result.fail(read.failure)
  const body = read.success
  if (body.messages.length === 0) return Result.fail(badRequest("messages must not be empty", "messages"))
  if (!body.messages.every(({ role }) => roles.includes(role))) {
    return Result.fail(badRequest("Unexpected message role."))
  }
  const prompt = body.messages.map(textOf).join("\n")
  return Result.map(
    GenerationRequest.make(
      served,
      body,
      {
        text: prompt,
        tokens: countTokens(prompt, served.maxModelLength),
        tokenIds: () => tokenize(prompt).map(tokenId)
      },
      body.max_completion_tokens ?? body.max_tokens ?? undefined
    ),
    (request) => ({
      ...request,
      includeReasoning: body.include_reasoning ?? true,
      mayCallTools: (body.tools ?? []).length > 0 && body.tool_choice !== "none"
    })
  )
}
