/**
 * What a client may ask of /v1/completions.
 *
 * The prompt is a text or token ids; a list of one prompt is that prompt. Gotchas: vLLM's default of `max_tokens` is 16
 * here, not "what fits"; a text prompt is looked up in the answers like a chat's, token ids are a text of their numbers,
 * and are echoed as that. With `echo`, `max_tokens: 0` asks for the prompt alone; vLLM makes a token all the same, and
 * counts it. `logprobs` is ignored.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { badParameter, badRequest, type ErrorBody } from "./ErrorBody.ts"
import * as GenerationRequest from "./GenerationRequest.ts"
import { optional } from "./GenerationRequest.ts"
import { countTokens, tokenId, tokenize } from "./Tokenizer.ts"

const TokenIds = Schema.Array(Schema.Int)
const Prompt = Schema.Union([Schema.String, TokenIds, Schema.Array(Schema.String), Schema.Array(TokenIds)])
const Body = Schema.Struct({
  ...GenerationRequest.commonFields,
  prompt: Prompt,
  echo: optional(Schema.Boolean),
  suffix: optional(Schema.String)
})

const types = {
  model: "string",
  prompt: "prompt",
  echo: "boolean",
  ...GenerationRequest.commonTypes,
  suffix: "string"
} as const

export interface CompletionRequest extends GenerationRequest.GenerationRequest {
  /** Whether the prompt is sent before the answer, or instead of it. */
  readonly echo: "no" | "before" | "alone"
  /** With an echo the prompt's ids are streamed even to who did not ask for ids; null without one. */
  readonly echoedTokenIds: ReadonlyArray<number> | null
}

const decodeBody = Schema.decodeUnknownResult(Body)
const isTokenIds = Schema.is(TokenIds)

const defaultMaxTokens = 16

const checkPrompt: GenerationRequest.Precheck = ({ prompt }) =>
  (prompt ?? "") === ""
    ? Option.some(badParameter("prompt", "Either prompt or prompt_embeds must be provided and non-empty."))
    : Option.none()

const single = (prompt: typeof Prompt.Type): Result.Result<string | typeof TokenIds.Type, ErrorBody> => {
  if (typeof prompt === "string") return Result.succeed(prompt)
  const [first, second] = prompt
  if (first === undefined) return Result.fail(badParameter("prompt", "You must pass at least one prompt"))
  if (isTokenIds(prompt)) return Result.succeed(prompt)
  if (second !== undefined || typeof first === "number") {
    return Result.fail(badRequest("The simulated engine answers one prompt per request.", "prompt"))
  }
  return Result.succeed(first)
}

/** As a server says it whose model cannot fill in the middle. */
const checkSuffix = ({ echo, suffix }: typeof Body.Type): Result.Result<void, ErrorBody> => {
  if ((suffix ?? null) === null) return Result.succeed(undefined)
  return Result.fail(badRequest(
    echo === true
      ? "Echo is unsupported with suffix."
      : "suffix is only supported for models with FIM completion rendering",
    "suffix"
  ))
}

/** Reads the body of a request. The failure is the body of the answer; its `error.code` is the status. */
export const parse = (
  served: GenerationRequest.Served,
  contentType: string | undefined,
  text: string
): Result.Result<CompletionRequest, ErrorBody> =>
  Result.gen(function*() {
    const body = yield* GenerationRequest.readBody({
      served,
      contentType,
      text,
      precheck: checkPrompt,
      types,
      decode: decodeBody
    })
    yield* checkSuffix(body)
    const prompt = yield* single(body.prompt)
    const asked = body.max_tokens ?? defaultMaxTokens
    const echo = body.echo !== true ? "no" as const : asked === 0 ? "alone" as const : "before" as const
    const isText = typeof prompt === "string"
    const tokenIds = () => isText ? tokenize(prompt).map(tokenId) : prompt
    const request = yield* GenerationRequest.make(
      served,
      body,
      {
        text: isText ? prompt : prompt.join(" "),
        isText,
        tokens: isText ? countTokens(prompt, served.maxModelLength) : prompt.length,
        tokenIds
      },
      { tokens: echo === "alone" ? 1 : asked, parameter: "max_tokens" }
    )
    return { ...request, echo, echoedTokenIds: echo === "no" ? null : tokenIds() }
  })
