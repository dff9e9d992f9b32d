/**
 * One JSON-RPC call of A2A 1.0 or 0.3 through the SDK's transport handlers (adapter).
 *
 * What is wrong with the envelope is found here, because the SDK's handlers word it otherwise than JSON-RPC does. A call
 * that fails before its first event is a plain JSON answer; a stream begins only with its first event. The one exception
 * is `tasks/resubscribe` of 0.3, whose errors the conformance kit expects inside a stream.
 */
import { A2A_VERSION_HEADER, type AgentCard } from "@a2a-js/sdk"
import { isLegacyJsonRpcMethod, isV1JsonRpcMethod, LEGACY_METHOD_TASKS_RESUBSCRIBE } from "@a2a-js/sdk/compat/v0_3"
import { LegacyJsonRpcTransportHandler } from "@a2a-js/sdk/compat/v0_3/server"
import { type A2ARequestHandler, JsonRpcTransportHandler } from "@a2a-js/sdk/server"
import * as CallContext from "./CallContext.ts"
import { requireCapability } from "./Capabilities.ts"
import type { Dialect, HttpAnswer, JsonAnswer } from "./HttpAnswer.ts"
import { refusalOf } from "./RelayRequestHandler.ts"
import { isObject } from "./RequestFields.ts"
import * as RequestValidation from "./RequestValidation.ts"

export interface JsonRpcCall extends CallContext.Caller {
  readonly body: string
}

export type JsonRpcDispatch = (call: JsonRpcCall) => Promise<HttpAnswer>

/** The dispatcher of one agent. It never rejects. */
export const make = (card: AgentCard, handler: A2ARequestHandler): JsonRpcDispatch => {
  const current = new JsonRpcTransportHandler(handler)
  const legacy = new LegacyJsonRpcTransportHandler(handler)

  return async (call) => {
    const request = parse(call.body)
    if ("error" in request) return json({ jsonrpc: "2.0", id: request.id, error: request.error })
    const { id, method, params } = request
    const version = CallContext.requestedVersion(call)
    const dialect: Dialect = version === "0.3" ? "0.3" : "1.0"
    const mapError = dialect === "0.3"
      ? LegacyJsonRpcTransportHandler.mapToLegacyJSONRPCError
      : JsonRpcTransportHandler.mapToJSONRPCError
    const failed = (error: unknown): unknown => ({ jsonrpc: "2.0", id, error })

    try {
      CallContext.requireVersion(card, "JSONRPC", version)
      if (!(dialect === "0.3" ? isLegacyJsonRpcMethod(method) : isV1JsonRpcMethod(method))) {
        return json(failed({ code: -32601, message: noMethod(method, dialect) }))
      }
      requireCapability(card, method)
      const violations = RequestValidation.violationsOf(method, params)
      if (violations.length > 0) return json(failed(invalidParams(violations)))
      const { context, echo } = CallContext.make(card, call)
      const asked = { jsonrpc: "2.0", id, method, params: dialect === "0.3" ? waitingUnlessTold(params) : params }
      const answer: unknown = await (dialect === "0.3" ? legacy : current).handle(asked, context)
      const events = {
        dialect,
        context,
        headers: echo,
        envelope: (event: unknown) => ({ jsonrpc: "2.0", id, result: event })
      }
      if (!isAsyncIterable(answer)) return json(answer, echo, refusalOf(context) !== undefined)
      try {
        const first = await answer[Symbol.asyncIterator]().next()
        return { _tag: "Events", ...events, first: first.value }
      } catch (error) {
        if (method !== LEGACY_METHOD_TASKS_RESUBSCRIBE) {
          return json(failed(mapError(error)), {}, refusalOf(context) !== undefined)
        }
        return { _tag: "Events", ...events, first: failed(mapError(error)) }
      }
    } catch (error) {
      return json(failed(mapError(error)))
    }
  }
}

/** JSON-RPC answers errors with 200; only what no call can be made of at the moment is said to HTTP as well. */
const json = (answer: unknown, headers: Readonly<Record<string, string>> = {}, refused = false): JsonAnswer => ({
  _tag: "Json",
  status: refused ? 503 : 200,
  contentType: "application/json",
  json: answer,
  headers: refused ? { ...headers, "retry-after": "1" } : headers
})

interface Envelope {
  readonly id: string | number | null
  readonly method: string
  readonly params: unknown
}

/** What a body asks for, or why it is no request. */
const parse = (body: string): Envelope | { readonly id: Envelope["id"]; readonly error: unknown } => {
  let request: unknown
  try {
    request = JSON.parse(body)
  } catch (error) {
    return { id: null, error: { code: -32700, message: `The body is not JSON: ${(error as SyntaxError).message}` } }
  }
  const fields: { readonly [Name in "jsonrpc" | "id" | "method" | "params"]?: unknown } =
    typeof request === "object" && request !== null ? request : {}
  const { id = null, jsonrpc, method, params } = fields
  const knownId = typeof id === "string" || Number.isInteger(id) ? id as string | number : null
  if (jsonrpc === "2.0" && typeof method === "string" && method !== "" && (knownId !== null || id === null)) {
    return { id: knownId, method, params }
  }
  const message = "Expected a JSON-RPC request: an object with \"jsonrpc\": \"2.0\", a \"method\" and an \"id\"."
  return { id: knownId, error: { code: -32600, message } }
}

const invalidParams = (violations: ReadonlyArray<RequestValidation.FieldViolation>) => ({
  code: -32602,
  message: RequestValidation.describe(violations),
  data: [RequestValidation.badRequest(violations)]
})

const noMethod = (method: string, dialect: Dialect): string => {
  if (dialect === "0.3" && isV1JsonRpcMethod(method)) {
    return `${method} is a method of A2A 1.0; send the header ${A2A_VERSION_HEADER}: 1.0 with it.`
  }
  if (dialect === "1.0" && isLegacyJsonRpcMethod(method)) {
    return `${method} is a method of A2A 0.3; send it without the header ${A2A_VERSION_HEADER}.`
  }
  return `Method not found: ${method}`
}

/**
 * A message of 0.3 waits for the answer unless it says otherwise, as the servers of that age do. The SDK takes a
 * configuration that says nothing for one that says not to wait.
 */
const waitingUnlessTold = (params: unknown): unknown => {
  if (!isObject(params) || !isObject(params.configuration) || params.configuration.blocking !== undefined) return params
  return { ...params, configuration: { ...params.configuration, blocking: true } }
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.asyncIterator in value
