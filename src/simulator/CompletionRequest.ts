/**
 * What a client may ask of /v1/completions.
 *
 * The prompt is a text or token ids; a list of one prompt is that prompt. Gotchas: vLLM's default of `max_tokens` is 16
 * here, not "what fits"; a text prompt is looked up in the answers like a chat's, token ids are a text of their numbers.
 * `echo`, `suffix` and `logprobs` are ignored.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as GenerationRequest from "./GenerationRequest.ts"
import { badRequest, type ErrorBody } from "./GenerationRequest.ts"
import { countTokens, tokenId, tokenize } from "./Tokenizer.ts"

const TokenIds = Schema.Array(Schema.Int)
const Prompt = Schema.Union([Schema.String, TokenIds, Schema.Array(Schema.String), Schema.Array(TokenIds)])
const Body = Schema.Struct({ ...GenerationRequest.commonFields, prompt: Prompt })

export type CompletionRequest = GenerationRequest.GenerationRequest

const decodeBody = Schema.decodeUnknownResult(Body)
const isTokenIds = Schema.is(TokenIds)

const defaultMaxTokens = 16

const single = (prompt: typeof Prompt.Type): Result.Result<string | typeof TokenIds.Type, ErrorBody> => {
  if (typeof prompt === "string") return Result.succeed(prompt)
  const [first, second] = prompt
  if (first === undefined) return Result.fail(badRequest("please provide at least one prompt", "prompt"))
  if (isTokenIds(prompt)) return Result.succeed(prompt)
  if (second !== undefined || typeof first === "number") {
    return Result.fail(badRequest("The simulated engine answers one prompt per request.", "prompt"))
  }
  return Result.succeed(first)
}

/** Reads the body of a request. The failure is the body of the answer; its `error.code` is the status. */
export const parse = (
  served: GenerationRequest.Served,
  contentType: string | undefined,
  text: string
): Result.Result<CompletionRequest, ErrorBody> => {
  const read = GenerationRequest.readBody({ served, contentType, text, required: "prompt", decode: decodeBody })
  if (Result.isFailure(read)) return Result.fail(read.failure)
  const body = read.success
  return Result.flatMap(single(body.prompt), (prompt) =>
    GenerationRequest.make(
      served,
      body,
      typeof prompt === "string"
        ? {
          text: prompt,
          tokens: countTokens(prompt, served.maxModelLength),
          tokenIds: () => tokenize(prompt).map(tokenId)
        }
        : { text: prompt.join(" "), tokens: prompt.length, tokenIds: () => prompt },
      body.max_tokens ?? defaultMaxTokens
    ))
}
