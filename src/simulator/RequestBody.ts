/**
 * The bytes of a request's body as text, or why there is none: too many, not UTF-8, or cut off.
 *
 * vLLM itself takes a body of any size; proxies in front of it do not, and answer 413. Here the limit is 32 MiB, some
 * times what the longest context takes, so that no client can make the server hold more than that per connection.
 *
 * Bytes that are no UTF-8 are refused as vLLM's web framework refuses them; a decoder that replaces them would make
 * another prompt of them in silence. A byte order mark is skipped.
 */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import type * as HttpServerError from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Result from "effect/Result"
import { badRequest, type ErrorBody, errorBody } from "./ErrorBody.ts"

const mebibytes = 32

const tooLarge = errorBody(413, "RequestEntityTooLargeError", `The request body exceeds ${mebibytes} MiB.`)
const unreadable = badRequest("There was an error parsing the body")

const refusal = ({ reason }: HttpServerError.HttpServerError): ErrorBody =>
  reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge" ? tooLarge : unreadable

const decode = (bytes: ArrayBuffer): Result.Result<string, ErrorBody> =>
  Result.try({ try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes), catch: () => unreadable })

/** Reads the body to its end. The failure is the body of the answer; its `error.code` is the status. */
export const readText = (request: HttpServerRequest): Effect.Effect<Result.Result<string, ErrorBody>> =>
  request.arrayBuffer.pipe(
    Effect.map(decode),
    Effect.catch((error) => Effect.succeed(Result.fail(refusal(error)))),
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.mebibytes(mebibytes))
  )
