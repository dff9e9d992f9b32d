/**
 * One JSON-RPC call of A2A 1.0 or 0.3 through the SDK's transport handlers (adapter).
 *
 * A call that fails before its first event is a plain JSON answer; a stream begins only with its first event. The one
 * exception is `tasks/resubscribe` of 0.3, whose errors the conformance kit expects inside a stream.
 */
import { A2A_VERSION_HEADER, type AgentCard, Extensions, HTTP_EXTENSION_HEADER } from "@a2a-js/sdk"
import { LEGACY_HTTP_EXTENSION_HEADER, LEGACY_METHOD_TASKS_RESUBSCRIBE } from "@a2a-js/sdk/compat/v0_3"
import { LegacyJsonRpcTransportHandler } from "@a2a-js/sdk/compat/v0_3/server"
import {
  type A2ARequestHandler,
  defaultServerCallContextBuilder,
  JsonRpcTransportHandler,
  UnauthenticatedUser,
  validateVersion
} from "@a2a-js/sdk/server"
import { provideAbortSignal, wantsExact } from "./RelayRequestHandler.ts"
import { TOKEN_EXTENSION_URI } from "./TokenExtension.ts"

export interface JsonRpcCall {
  readonly body: string
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Ends the readers of this call. */
  readonly signal: AbortSignal
}

export type JsonRpcAnswer =
  | { readonly _tag: "Json"; readonly json: unknown; readonly headers: Readonly<Record<string, string>> }
  | {
    readonly _tag: "Events"
    /** JSON-RPC responses, one for each event. */
    readonly events: AsyncIterable<unknown>
    /** The JSON-RPC error response for what broke the stream. */
    readonly errorResponse: (error: unknown) => unknown
    readonly headers: Readonly<Record<string, string>>
  }

export type JsonRpcDispatch = (call: JsonRpcCall) => Promise<JsonRpcAnswer>

/** The dispatcher of one agent. It never rejects. */
export const make = (card: AgentCard, handler: A2ARequestHandler): JsonRpcDispatch => {
  const current = new JsonRpcTransportHandler(handler)
  const legacy = new LegacyJsonRpcTransportHandler(handler)

  return async ({ body, headers, signal }) => {
    const version = headers[A2A_VERSION_HEADER.toLowerCase()] || "0.3"
    const isLegacy = version === "0.3"
    const mapError = isLegacy
      ? LegacyJsonRpcTransportHandler.mapToLegacyJSONRPCError
      : JsonRpcTransportHandler.mapToJSONRPCError
    const extensionHeader = isLegacy && headers[LEGACY_HTTP_EXTENSION_HEADER.toLowerCase()] !== undefined
      ? LEGACY_HTTP_EXTENSION_HEADER
      : HTTP_EXTENSION_HEADER
    const envelope = envelopeOf(body)
    if ("error" in envelope) {
      return { _tag: "Json", json: { jsonrpc: "2.0", id: null, error: envelope.error }, headers: {} }
    }
    const { id, method } = envelope
    const errorResponse = (error: unknown) => ({ jsonrpc: "2.0", id, error: mapError(error) })

    try {
      const context = defaultServerCallContextBuilder({
        extensions: Extensions.parseServiceParameter(headers[extensionHeader.toLowerCase()]),
        user: new UnauthenticatedUser(),
        headers: { ...headers },
        requestedVersion: version
      })
      provideAbortSignal(context, signal)
      const echo: Record<string, string> = wantsExact(context) ? { [extensionHeader]: TOKEN_EXTENSION_URI } : {}
      validateVersion(version, card, "JSONRPC")
      const answer: unknown = await (isLegacy ? legacy : current).handle(body, context)
      if (!isAsyncIterable(answer)) return { _tag: "Json", json: answer, headers: echo }

      const iterator = answer[Symbol.asyncIterator]()
      if (method === LEGACY_METHOD_TASKS_RESUBSCRIBE) {
        return { _tag: "Events", events: { [Symbol.asyncIterator]: () => iterator }, errorResponse, headers: echo }
      }
      const first = await iterator.next()
      return { _tag: "Events", events: resumed(first, iterator), errorResponse, headers: echo }
    } catch (error) {
      return { _tag: "Json", json: errorResponse(error), headers: {} }
    }
  }
}

/** What an answer must echo, or the error of a body that is no request at all. */
const envelopeOf = (body: string) => {
  try {
    const request: unknown = JSON.parse(body)
    return typeof request === "object" && request !== null && "method" in request && typeof request.method === "string"
      ? { id: "id" in request ? request.id : null, method: request.method }
      : {
        error: {
          code: -32600,
          message: "Expected a JSON-RPC request: an object with \"jsonrpc\", \"method\" and \"id\"."
        }
      }
  } catch (error) {
    return {
      error: { code: -32700, message: `The body is not JSON: ${error instanceof Error ? error.message : error}` }
    }
  }
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.asyncIterator in value

/** The iterator again, with the result already taken from it in front. */
const resumed = <A>(first: IteratorResult<A>, iterator: AsyncIterator<A>): AsyncIterable<A> => {
  let taken = false
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        if (taken) return iterator.next()
        taken = true
        return Promise.resolve(first)
      },
      return: (value?: unknown) =>
        iterator.return?.(value) ?? Promise.resolve({ done: true as const, value: undefined })
    })
  }
}
