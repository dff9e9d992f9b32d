/**
 * What a client may ask of /v1/chat/completions.
 *
 * The prompt is the texts of all messages, joined by line breaks. Roles are checked as a chat template checks them: after
 * the model's name, in the template's words. Sampling settings are checked and have no effect on the simulated model.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { badParameter, badRequest, type ErrorBody } from "./ErrorBody.ts"
import * as GenerationRequest from "./GenerationRequest.ts"
import { optional } from "./GenerationRequest.ts"
import { isObject } from "./RequestFields.ts"
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
  /** The name of the first tool. */
  readonly firstTool: string | undefined
  /** The request names the one tool to be called; such an answer does not finish with "tool_calls". */
  readonly mustCallTool: boolean
}

const types = {
  messages: "list",
  model: "string",
  max_completion_tokens: "integer",
  ...GenerationRequest.commonTypes,
  tools: "list",
  include_reasoning: "boolean"
} as const

/** What `tools` and `tool_choice` say of each other. */
const checkTools: GenerationRequest.Precheck = ({ tool_choice: choice, tools }) => {
  if (Array.isArray(tools) && tools.length === 0) {
    return Option.some(badParameter(
      "tools",
      "`tools` must not be an empty array. Either provide at least one tool or omit the field entirely."
    ))
  }
  return (choice ?? "none") === "none" || (tools ?? null) !== null
    ? Option.none()
    : Option.some(badParameter("tool_choice", "When using `tool_choice`, `tools` must be set."))
}

const nameOf = Schema.decodeUnknownOption(Schema.Struct({ function: Schema.Struct({ name: Schema.String }) }))

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
  const read = GenerationRequest.readBody({
    served,
    contentType,
    text,
    precheck: checkTools,
    types,
    required: ["messages"],
    decode: decodeBody
  })
  if (Result.isFailure(read)) return Result.fail(read.failure)
  const body = read.success
  // As a chat template says it that looks at the first message.
  if (body.messages.length === 0) return Result.fail(badRequest("list object has no element 0"))
  if (!body.messages.every(({ role }) => roles.includes(role))) {
    return Result.fail(badRequest("Unexpected message role."))
  }
  const prompt = body.messages.map(textOf).join("\n")
  const limited = (body.max_completion_tokens ?? null) === null
    ? { tokens: body.max_tokens ?? undefined, parameter: "max_tokens" } as const
    : { tokens: body.max_completion_tokens ?? undefined, parameter: "max_completion_tokens" } as const
  return Result.map(
    GenerationRequest.make(
      served,
      body,
      {
        text: prompt,
        isText: true,
        tokens: countTokens(prompt, served.maxModelLength),
        tokenIds: () => tokenize(prompt).map(tokenId)
      },
      limited
    ),
    (request) => ({
      ...request,
      includeReasoning: body.include_reasoning ?? true,
      firstTool: Option.getOrUndefined(nameOf(body.tools?.[0]))?.function.name,
      mayCallTools: (body.tools ?? []).length > 0 && body.tool_choice !== "none",
      mustCallTool: isObject(body.tool_choice)
    })
  )
}
