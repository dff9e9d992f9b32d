/** The answer to a request that no binding gets to see, in the words of the binding that it is for. */
import { A2A_ERROR_CODE, type A2AError, toJsonRpcError, toRestErrorBody } from "@a2a-js/sdk/errors"
import type { JsonAnswer } from "./HttpAnswer.ts"

export type Binding = "JSONRPC" | "HTTP+JSON"

/** A refusal that A2A has an error for. */
export const ofError = (binding: Binding, status: number, error: A2AError): JsonAnswer =>
  binding === "JSONRPC"
    ? answer(status, { jsonrpc: "2.0", id: null, error: toJsonRpcError(error) })
    : answer(status, toRestErrorBody(error, status))

/** A refusal that only HTTP has a word for; `name` is that of `google.rpc.Code`. */
export const ofStatus = (
  binding: Binding,
  refusal: { readonly status: number; readonly name: string; readonly message: string },
  headers: Readonly<Record<string, string>> = {}
): JsonAnswer => {
  const { message, name, status } = refusal
  return answer(
    status,
    binding === "JSONRPC"
      ? { jsonrpc: "2.0", id: null, error: { code: A2A_ERROR_CODE.INVALID_REQUEST, message } }
      : { error: { code: status, status: name, message, details: [] } },
    headers
  )
}

const answer = (
  status: number,
  json: unknown,
  headers: Readonly<Record<string, string>> = {}
): JsonAnswer => ({
  _tag: "Json",
  status,
  contentType: "application/json",
  json,
  headers
})
