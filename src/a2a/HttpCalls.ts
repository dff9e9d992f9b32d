/**
 * From an HTTP request to the binding that it is for: JSON-RPC at the root, HTTP+JSON below it.
 *
 * What is checked before a binding sees a request, in this order: who calls, whether the body says that it is JSON, and
 * how large it is. Each refusal is in the words of the binding.
 */
import { ContentTypeNotSupportedError } from "@a2a-js/sdk/errors"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Spans from "../telemetry/Spans.ts"
import type { Authenticator } from "./Authenticator.ts"
import type { HttpAnswer } from "./HttpAnswer.ts"
import * as HttpRefusal from "./HttpRefusal.ts"
import type { JsonRpcDispatch } from "./JsonRpcDispatch.ts"
import { isJson, JSON_TYPES } from "./MediaType.ts"
import type { RestDispatch } from "./RestDispatch.ts"
import { unauthorizedAnswer } from "./unauthorizedAnswer.ts"

export interface HttpCallsOptions {
  readonly authenticator: Authenticator
  readonly jsonRpc: JsonRpcDispatch
  readonly rest: RestDispatch
  readonly mostBodyBytes: number
}

/** What answers a request. It never fails. */
export const make = ({ authenticator, jsonRpc, mostBodyBytes, rest }: HttpCallsOptions) =>
  Effect.fnUntraced(
    function*(request: HttpServerRequest.HttpServerRequest): Effect.fn.Return<HttpAnswer, never, Scope.Scope> {
      const { headers, method } = request
      const { path, query } = targetOf(request.url)
      const binding: HttpRefusal.Binding = path === "/" ? "JSONRPC" : "HTTP+JSON"
      const user = yield* Effect.result(authenticator.authenticate({ headers, method, path }))
      if (Result.isFailure(user)) return unauthorizedAnswer(user.failure, binding)
      if (binding === "JSONRPC" && method !== "POST") {
        const message = "This agent takes JSON-RPC by POST; its card is at /.well-known/agent-card.json."
        return HttpRefusal.ofStatus(binding, { status: 405, name: "UNIMPLEMENTED", message }, { allow: "POST" })
      }
      const contentType = headers["content-type"]
      if (contentType !== undefined && hasBody(headers) && !isJson(contentType)) {
        const message = `The body is ${contentType}; send ${JSON_TYPES.join(" or ")}.`
        return HttpRefusal.ofError(binding, 415, new ContentTypeNotSupportedError({ message }))
      }
      const tooLarge = {
        status: 413,
        name: "RESOURCE_EXHAUSTED",
        message: `The body cannot be read, or has more than ${mostBodyBytes} bytes.`
      }
      // Refused before it comes: a client that announces much need not be waited for.
      if (Number(headers["content-length"] ?? 0) > mostBodyBytes) return HttpRefusal.ofStatus(binding, tooLarge)
      const body = yield* request.text.pipe(
        Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.fromInputUnsafe(mostBodyBytes)),
        Effect.result
      )
      if (Result.isFailure(body)) return HttpRefusal.ofStatus(binding, tooLarge)
      // Aborts when the request is over: its response sent to the end, or its client gone.
      const signal = yield* Effect.abortSignal
      const parent = yield* Spans.parentOf(headers)
      const call = { headers, query, body: body.success, user: user.success, signal, parent }
      return yield* Effect.promise(() => binding === "JSONRPC" ? jsonRpc(call) : rest({ ...call, method, path }))
    }
  )

/**
 * The path and the query of a request target: a path, or a whole address where a proxy is spoken to. A path that begins
 * with two slashes is still a path, and would be a host to `URL`.
 */
const targetOf = (target: string): { readonly path: string; readonly query: URLSearchParams } => {
  const url = URL.parse(target.startsWith("/") ? `http://localhost${target}` : target, "http://localhost")
  return { path: url?.pathname ?? target, query: url?.searchParams ?? new URLSearchParams() }
}

const hasBody = (headers: Headers.Headers): boolean =>
  (headers["content-length"] ?? "0") !== "0" || headers["transfer-encoding"] !== undefined
