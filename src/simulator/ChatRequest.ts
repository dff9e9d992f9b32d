/**
 * What a client may ask of /v1/chat/completions, and what it is told when it asks wrongly.
 *
 * Read leniently, as vLLM does: unknown keys are ignored, null stands for "not given". Sampling settings
 * (temperature, stop, ...) are accepted and have no effect on the simulated model.
 *
 * The order of the checks is vLLM's: content type, JSON, shape, then the model's name. Gotcha: vLLM has two spellings
 * of the 400's type ("Bad Request" from the request parser, "BadRequestError" from everywhere else, older and newer
 * versions differ in which is used where); here it is always "BadRequestError".
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const ContentPart = Schema.Struct({ type: Schema.String, text: optional(Schema.String) })

const Message = Schema.Struct({
  role: Schema.String,
  content: optional(Schema.Union([Schema.String, Schema.Array(ContentPart)]))
})

const Body = Schema.Struct({
  messages: Schema.Array(Message),
  model: optional(Schema.String),
  stream: optional(Schema.Boolean),
  stream_options: optional(Schema.Struct({
    include_usage: optional(Schema.Boolean),
    continuous_usage_stats: optional(Schema.Boolean)
  })),
  max_tokens: optional(Schema.Int),
  max_completion_tokens: optional(Schema.Int),
  n: optional(Schema.Int),
  seed: optional(Schema.Int),
  return_token_ids: optional(Schema.Boolean),
  include_reasoning: optional(Schema.Boolean),
  tools: optional(Schema.Array(Schema.Unknown)),
  tool_choice: optional(Schema.Unknown)
})

/** A request as the rest of the simulator sees it. */
export interface ChatRequest {
  /** The texts of all messages, joined by line breaks. */
  readonly prompt: string
  readonly stream: boolean
  readonly includeUsage: boolean
  /** Usage on every chunk; only together with `includeUsage`, as in vLLM. */
  readonly continuousUsage: boolean
  readonly returnTokenIds: boolean
  readonly includeReasoning: boolean
  /** The request has tools and allows their use. */
  readonly mayCallTools: boolean
  /** `Infinity` when not given. */
  readonly maxTokens: number
  readonly seed: Option.Option<number>
}

/** The body of vLLM's error answers. */
export interface ErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: number
  }
}

const errorBody = (code: number, type: string, message: string, param: string | null): ErrorBody => ({
  error: { message, type, param, code }
})

const badRequest = (message: string, param: string | null = null) =>
  Result.fail(errorBody(400, "BadRequestError", message, param))

const decodeJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))
const isObject = Schema.is(Schema.Record(Schema.String, Schema.Unknown))
const decodeBody = Schema.decodeUnknownResult(Body)

const textOf = (message: typeof Message.Type): string => {
  const content = message.content ?? ""
  return typeof content === "string" ? content : content.map((part) => part.text ?? "").join("\n")
}

/**
 * Reads the body of a request for a server that serves `servedModel`. The failure is the body of the answer; its
 * `error.code` is the status.
 */
export const parse = (
  servedModel: string,
  contentType: string | undefined,
  text: string
): Result.Result<ChatRequest, ErrorBody> => {
  const mediaType = (contentType ?? "").split(";")[0]!.trim().toLowerCase()
  if (mediaType !== "application/json") {
    return badRequest("Unsupported Media Type: Only 'application/json' is allowed")
  }
  const json = decodeJson(text)
  if (Result.isFailure(json)) {
    return badRequest("[{'type': 'json_invalid', 'loc': ('body', 0), 'msg': 'JSON decode error'}]")
  }
  if (isObject(json.success) && json.success["messages"] === undefined) {
    return badRequest("[{'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required'}]")
  }
  const decoded = decodeBody(json.success)
  if (Result.isFailure(decoded)) return badRequest(decoded.failure.message.replaceAll(/\s*\n\s*/g, " "))
  const body = decoded.success
  const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? Infinity
  if (body.messages.length === 0) return badRequest("messages must not be empty", "messages")
  if (maxTokens < 1) return badRequest(`max_tokens must be at least 1, got ${maxTokens}.`, "max_tokens")
  if ((body.n ?? 1) !== 1) return badRequest(`The simulated engine answers with one choice only, got n=${body.n}.`, "n")
  const streamOptions = body.stream_options ?? undefined
  if (streamOptions !== undefined && body.stream !== true) {
    return badRequest("Stream options can only be defined when `stream=True`.", "stream_options")
  }
  if (body.model !== undefined && body.model !== null && body.model !== servedModel) {
    return Result.fail(errorBody(404, "NotFoundError", `The model \`${body.model}\` does not exist.`, "model"))
  }
  const includeUsage = streamOptions?.include_usage ?? false
  return Result.succeed({
    prompt: body.messages.map(textOf).join("\n"),
    stream: body.stream ?? false,
    includeUsage,
    continuousUsage: includeUsage && (streamOptions?.continuous_usage_stats ?? false),
    returnTokenIds: body.return_token_ids ?? false,
    includeReasoning: body.include_reasoning ?? true,
    mayCallTools: (body.tools ?? []).length > 0 && body.tool_choice !== "none",
    maxTokens,
    seed: Option.fromNullishOr(body.seed)
  })
}
