/**
 * What requests for chat completions and completions have in common, and what a client is told when it asks wrongly.
 *
 * Read leniently, as vLLM does: unknown keys are ignored, null stands for "not given". The order of the checks is
 * vLLM's: content type, JSON, shape, the model's name, the prompt, the sampling settings.
 *
 * vLLM appends "(parameter=..., value=...)" to the errors that know their parameter, and writes numbers as Python does.
 * Gotcha: vLLM has two spellings of the 400's type ("Bad Request" from the request parser, "BadRequestError" from
 * everywhere else, older and newer versions differ in which is used where); here it is always "BadRequestError".
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** A key that may be absent or null. */
export const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** The keys that both kinds of requests have. */
export const commonFields = {
  model: optional(Schema.String),
  stream: optional(Schema.Boolean),
  stream_options: optional(Schema.Struct({
    include_usage: optional(Schema.Boolean),
    continuous_usage_stats: optional(Schema.Boolean)
  })),
  max_tokens: optional(Schema.Int),
  n: optional(Schema.Int),
  temperature: optional(Schema.Number),
  top_p: optional(Schema.Number),
  seed: optional(Schema.Int),
  return_token_ids: optional(Schema.Boolean),
  kv_transfer_params: optional(Schema.Record(Schema.String, Schema.Unknown))
}

const Common = Schema.Struct(commonFields)

/** A request as the rest of the simulator sees it. */
export interface GenerationRequest {
  /** The whole prompt as one text; answers are chosen by it. */
  readonly prompt: string
  readonly promptTokens: number
  /** Null unless asked for. */
  readonly promptTokenIds: ReadonlyArray<number> | null
  readonly stream: boolean
  readonly includeUsage: boolean
  /** Usage on every chunk; only together with `includeUsage`, as in vLLM. */
  readonly continuousUsage: boolean
  readonly returnTokenIds: boolean
  /** What fits behind the prompt when not given; `Infinity` if the model has no limit. */
  readonly maxTokens: number
  readonly seed: Option.Option<number>
  /** The prompt was computed elsewhere: its KV cache comes by a transfer. */
  readonly remotePrefill: boolean
}

/** The model that is served; `maxModelLength`: tokens of prompt and answer together. */
export interface Served {
  readonly model: string
  readonly maxModelLength?: number | undefined
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

export const errorBody = (code: number, type: string, message: string, param: string | null = null): ErrorBody => ({
  error: { message, type, param, code }
})

/** Status 400. */
export const badRequest = (message: string, param: string | null = null) =>
  errorBody(400, "BadRequestError", message, param)

const python = (value: number) =>
  !Number.isFinite(value) ? `${value < 0 ? "-" : ""}inf` : Number.isInteger(value) ? `${value}.0` : String(value)

const wrong = (parameter: string, value: number | string, message: string) =>
  Option.some(badRequest(`${message} (parameter=${parameter}, value=${value})`, parameter))

const decodeJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))
const isObject = Schema.is(Schema.Record(Schema.String, Schema.Unknown))

/** The body as JSON, with `required` among its keys. */
const readJson = (
  contentType: string | undefined,
  text: string,
  required: string
): Result.Result<unknown, ErrorBody> => {
  const mediaType = (contentType ?? "").split(";")[0]!.trim().toLowerCase()
  if (mediaType !== "application/json") {
    return Result.fail(badRequest("Unsupported Media Type: Only 'application/json' is allowed"))
  }
  const json = decodeJson(text)
  if (Result.isFailure(json)) {
    return Result.fail(badRequest("[{'type': 'json_invalid', 'loc': ('body', 0), 'msg': 'JSON decode error'}]"))
  }
  if (isObject(json.success) && json.success[required] === undefined) {
    return Result.fail(badRequest(`[{'type': 'missing', 'loc': ('body', '${required}'), 'msg': 'Field required'}]`))
  }
  return Result.succeed(json.success)
}

/** A schema's complaint in one line. */
const wrongShape = (error: { readonly message: string }) => badRequest(error.message.replaceAll(/\s*\n\s*/g, " "))

/** What is wrong before the prompt is looked at. */
const checkModel = (served: Served, body: typeof Common.Type): Option.Option<ErrorBody> => {
  if ((body.stream_options ?? null) !== null && body.stream !== true) {
    return Option.some(badRequest("Stream options can only be defined when `stream=True`.", "stream_options"))
  }
  if ((body.model ?? served.model) !== served.model) {
    return Option.some(errorBody(404, "NotFoundError", `The model \`${body.model}\` does not exist.`, "model"))
  }
  return Option.none()
}

/** A body of the right shape, for the model that is served, with `required` among its keys. */
export const readBody = <Body extends typeof Common.Type>(options: {
  readonly served: Served
  readonly contentType: string | undefined
  readonly text: string
  readonly required: string
  readonly decode: (json: unknown) => Result.Result<Body, { readonly message: string }>
}): Result.Result<Body, ErrorBody> => {
  const json = readJson(options.contentType, options.text, options.required)
  if (Result.isFailure(json)) return Result.fail(json.failure)
  const decoded = options.decode(json.success)
  if (Result.isFailure(decoded)) return Result.fail(wrongShape(decoded.failure))
  const wrong = checkModel(options.served, decoded.success)
  return Option.isSome(wrong) ? Result.fail(wrong.value) : Result.succeed(decoded.success)
}

/** Whether the prompt and as many tokens as were asked for fit in the model. */
const checkLength = (limit: number, promptTokens: number, requested: number): Option.Option<ErrorBody> => {
  const longest = limit - requested
  if (promptTokens <= longest) return Option.none()
  // vLLM stops to count one token behind the limit.
  const counted = Math.max(longest + 1, 0)
  return wrong(
    "input_tokens",
    counted,
    `This model's maximum context length is ${limit} tokens. However, you requested ${requested} output tokens and ` +
      `your prompt contains at least ${counted} input tokens, for a total of at least ${counted + requested} tokens. ` +
      "Please reduce the length of the input prompt or the number of requested output tokens."
  )
}

const checkSampling = (body: typeof Common.Type, maxTokens: number): Option.Option<ErrorBody> => {
  const n = body.n ?? 1
  const temperature = body.temperature ?? 1
  const topP = body.top_p ?? 1
  const got = `got ${python(temperature)}.`
  if (n < 1) return Option.some(badRequest(`n must be at least 1, got ${n}.`))
  if (!Number.isFinite(temperature)) {
    return wrong("temperature", python(temperature), `temperature must be a finite number, ${got}`)
  }
  if (temperature < 0) return wrong("temperature", python(temperature), `temperature must be non-negative, ${got}`)
  if (temperature > 2) return wrong("temperature", python(temperature), `temperature must be in [0, 2], ${got}`)
  if (topP <= 0 || topP > 1) return wrong("top_p", python(topP), `top_p must be in (0, 1], got ${python(topP)}.`)
  if (maxTokens < 1) return wrong("max_tokens", maxTokens, `max_tokens must be at least 1, got ${maxTokens}.`)
  if (n > 1 && temperature === 0) {
    return Option.some(badRequest(`n must be 1 when using greedy sampling, got ${n}.`))
  }
  // vLLM would answer this one.
  if (n > 1) return Option.some(badRequest(`The simulated engine answers with one choice only, got n=${n}.`, "n"))
  return Option.none()
}

/** The last checks, and the request if they hold. `maxTokens`: as asked for, undefined if not. */
export const make = (
  served: Served,
  body: typeof Common.Type,
  prompt: { readonly text: string; readonly tokenIds: () => ReadonlyArray<number>; readonly tokens: number },
  maxTokens: number | undefined
): Result.Result<GenerationRequest, ErrorBody> => {
  const limit = served.maxModelLength ?? Infinity
  const most = maxTokens ?? limit - prompt.tokens
  const wrongs = Option.orElse(
    checkLength(limit, prompt.tokens, Math.max(maxTokens ?? 0, 0)),
    () => checkSampling(body, most)
  )
  if (Option.isSome(wrongs)) return Result.fail(wrongs.value)
  const includeUsage = body.stream_options?.include_usage ?? false
  const returnTokenIds = body.return_token_ids ?? false
  return Result.succeed({
    prompt: prompt.text,
    promptTokens: prompt.tokens,
    promptTokenIds: returnTokenIds ? prompt.tokenIds() : null,
    stream: body.stream ?? false,
    includeUsage,
    continuousUsage: includeUsage && (body.stream_options?.continuous_usage_stats ?? false),
    returnTokenIds,
    maxTokens: most,
    seed: Option.fromNullishOr(body.seed),
    remotePrefill: body.kv_transfer_params?.["do_remote_prefill"] === true
  })
}
