/**
 * What requests for chat completions and completions have in common, and what a client is told when it asks wrongly.
 *
 * The order of the checks is vLLM's: content type, JSON, what one key says of another, types, the model's name, the
 * length of the prompt, the sampling settings. Unknown keys are ignored, null stands for "not given".
 *
 * Gotchas: a prompt must fit in the model by itself; `max_tokens` may then be more than what is left, and is cut to
 * that, but may not be more than the whole model holds. Numbers in messages are written as Python does.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { badParameter, badRequest, type ErrorBody, errorBody, wrongContentType, wrongShape } from "./ErrorBody.ts"
import * as RequestFields from "./RequestFields.ts"

export { badRequest, type ErrorBody, errorBody } from "./ErrorBody.ts"

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

/** Their types, as far as both kinds say them alike; in the order of vLLM's models. */
export const commonTypes = {
  max_tokens: "integer",
  n: "integer",
  seed: "integer",
  stream: "boolean",
  stream_options: "object",
  temperature: "number",
  top_p: "number",
  return_token_ids: "boolean"
} as const satisfies RequestFields.FieldTypes

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

const python = (value: number) =>
  !Number.isFinite(value) ? `${value < 0 ? "-" : ""}inf` : Number.isInteger(value) ? `${value}.0` : String(value)

/** What Python's JSON reader says where Node's says something else. */
const jsonErrors = [
  [/Expected ':'/, "Expecting ':' delimiter"],
  [/Expected ','/, "Expecting ',' delimiter"],
  [/property name/, "Expecting property name enclosed in double quotes"],
  [/Unterminated/, "Unterminated string starting at"],
  [/after JSON/, "Extra data"]
] as const

/** The body as JSON. */
const readJson = (contentType: string | undefined, text: string): Result.Result<unknown, ErrorBody> => {
  if ((contentType ?? "").split(";")[0]!.toLowerCase() !== "application/json") return Result.fail(wrongContentType)
  if (text === "") {
    const missing = { type: "missing", location: "body", message: "Field required", input: null }
    return Result.fail(wrongShape([missing]))
  }
  return Result.mapError(
    Result.try({ try: () => JSON.parse(text) as unknown, catch: String }),
    (error) => {
      const position = /at position (\d+)/.exec(error)?.[1] ?? text.length
      const reason = jsonErrors.find(([expression]) => expression.test(error))?.[1] ?? "Expecting value"
      const location = `body.${position}`
      return wrongShape([{ type: "json_invalid", location, message: "JSON decode error", input: {}, reason }])
    }
  )
}

/** A refusal of what one key says of another; seen before types are. */
export type Precheck = (body: Readonly<Record<string, unknown>>) => Option.Option<ErrorBody>

const checkStreamOptions: Precheck = ({ stream, stream_options: options }) =>
  RequestFields.isObject(options) && Object.keys(options).length > 0 && !stream
    ? Option.some(badParameter("stream_options", "Stream options can only be defined when `stream=True`."))
    : Option.none()

const checkModel = (served: Served, model: string): Option.Option<ErrorBody> =>
  model === "" || model === served.model
    ? Option.none()
    : Option.some(
      errorBody(
        404,
        "NotFoundError",
        `The model \`${model}\` does not exist. Valid aliases: ${served.model}.`,
        "model"
      )
    )

/** A body of the right shape, for the model that is served. */
export const readBody = <Body extends typeof Common.Type>(options: {
  readonly served: Served
  readonly contentType: string | undefined
  readonly text: string
  readonly precheck: Precheck
  readonly types: RequestFields.FieldTypes
  readonly required?: ReadonlyArray<string>
  readonly decode: (json: unknown) => Result.Result<Body, { readonly message: string }>
}): Result.Result<Body, ErrorBody> =>
  Result.gen(function*() {
    const json = yield* readJson(options.contentType, options.text)
    if (RequestFields.isObject(json)) {
      const refusal = Option.orElse(checkStreamOptions(json), () => options.precheck(json))
      if (Option.isSome(refusal)) return yield* Result.fail(refusal.value)
    }
    const converted = yield* Result.mapError(
      RequestFields.convert(json, options.types, options.required),
      wrongShape
    )
    const body = yield* Result.mapError(options.decode(converted), (error) => {
      const message = error.message.replaceAll(/\s*\n\s*/g, " ")
      return wrongShape([{ type: "value_error", location: "body", message, input: json }])
    })
    const refusal = checkModel(options.served, body.model ?? "")
    return Option.isSome(refusal) ? yield* Result.fail(refusal.value) : body
  })

/** How many tokens an answer may have, and what the key is called in which the client said it. */
export interface TokenLimit {
  /** As asked for; undefined if not. */
  readonly tokens: number | undefined
  readonly parameter: "max_tokens" | "max_completion_tokens"
}

/** Whether the prompt fits in the model, and the answer into the model without the prompt. */
const checkLength = (
  limit: number,
  prompt: { readonly tokens: number; readonly isText: boolean },
  { parameter, tokens = 0 }: TokenLimit
): Option.Option<ErrorBody> => {
  if (tokens > limit) {
    return Option.some(badParameter(
      parameter,
      `${parameter}=${tokens} cannot be greater than max_model_len=${limit}. Please request fewer output tokens.`,
      tokens
    ))
  }
  if (prompt.tokens <= limit) return Option.none()
  // The tokenizer stops one token behind the limit; a prompt of token ids is counted to its end.
  const counted = prompt.isText ? limit + 1 : prompt.tokens
  return Option.some(badParameter(
    "input_tokens",
    `This model's maximum context length is ${limit} tokens. However, your prompt contains ` +
      `${counted === limit + 1 ? "at least " : ""}${counted} input tokens, which exceeds this limit even without any ` +
      "output tokens. Please reduce the length of the input prompt.",
    counted
  ))
}

const wrong = (parameter: string, value: number | string, message: string) =>
  Option.some(badParameter(parameter, message, value))

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

/** The last checks, and the request if they hold. */
export const make = (
  served: Served,
  body: typeof Common.Type,
  prompt: {
    readonly text: string
    readonly tokenIds: () => ReadonlyArray<number>
    readonly tokens: number
    readonly isText: boolean
  },
  limit: TokenLimit
): Result.Result<GenerationRequest, ErrorBody> => {
  const longest = served.maxModelLength ?? Infinity
  const most = Math.min(limit.tokens ?? Infinity, longest - prompt.tokens)
  const wrongs = Option.orElse(
    checkLength(longest, prompt, limit),
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
