/**
 * The answer to a request that its authenticator refuses, in the words of the binding that it is for: 401 with a challenge
 * (RFC 9110, section 15.5.2), and an error that the binding's clients can read.
 */
import type { Unauthorized } from "./Authenticator.ts"
import type { JsonAnswer } from "./HttpAnswer.ts"

/** The error that stands for "unauthorized" in JSON-RPC, which A2A leaves to servers (specification 3.3.2). */
const JSON_RPC_UNAUTHORIZED = -32000

/** The answer to a request that is refused, in the words of the binding that it is for. */
export const unauthorizedAnswer = (error: Unauthorized, binding: "JSONRPC" | "HTTP+JSON"): JsonAnswer => ({
  _tag: "Json",
  status: 401,
  headers: { "www-authenticate": error.challenge },
  ...(binding === "JSONRPC"
    ? {
      contentType: "application/json",
      json: { jsonrpc: "2.0", id: null, error: { code: JSON_RPC_UNAUTHORIZED, message: error.message } }
    }
    : {
      contentType: "application/a2a+json",
      json: { error: { code: 401, status: "UNAUTHENTICATED", message: error.message, details: [] } }
    })
})
