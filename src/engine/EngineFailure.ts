/**
 * From what the openai SDK throws to a `FailReason`.
 *
 * The SDK throws `APIError` with a status before the stream and without one for an error event inside it, plain
 * `TypeError: terminated` when the connection breaks, and `SyntaxError` for broken JSON. Why a connection failed is
 * told only by the chain of causes.
 */
import { APIConnectionError, APIConnectionTimeoutError, APIError } from "openai"
import { FailReason } from "../liveness/Failed.ts"

const { ConnectError, ConnectionLost, Malformed, MidStreamError, RateLimited, Rejected, ServerError, Unavailable } =
  FailReason.cases

/** Codes of system and undici errors that mean that no connection was made. */
const CONNECT_CODES = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT"
])

/** The reason behind anything thrown while requesting or reading a completion from `url`. */
export const fromUnknown = (url: string, error: unknown): FailReason => {
  if (error instanceof APIConnectionTimeoutError) return ConnectError.make({ url, detail: "no answer in time" })
  if (error instanceof APIConnectionError) return fromTransport(url, error)
  if (error instanceof APIError) {
    const detail = apiMessage(error)
    return error.status === undefined
      ? MidStreamError.make({ code: integerOf(error.code), detail })
      : fromStatus(error.status, detail, retryAfterMillis(error.headers))
  }
  if (error instanceof SyntaxError) return Malformed.make({ detail: error.message })
  return fromTransport(url, error)
}

/** The reason behind an HTTP error status. */
export const fromStatus = (status: number, detail: string, retryAfter: number | null): FailReason => {
  if (status === 429) return RateLimited.make({ status, retryAfterMillis: retryAfter, detail })
  if (status === 503) return Unavailable.make({ status, retryAfterMillis: retryAfter, detail })
  if (status >= 400 && status < 500 && status !== 408 && status !== 409) return Rejected.make({ status, detail })
  return ServerError.make({ status, detail })
}

/** The reason behind an error of `fetch` or of reading a body, from its innermost cause. */
export const fromTransport = (url: string, error: unknown): FailReason => {
  const causes = causesOf(error)
  const inner = causes.at(-1)
  const code = causes.map(codeOf).findLast((code) => code !== undefined)
  const text = inner instanceof Error ? inner.message : String(inner)
  const detail = code === undefined || text.includes(code) ? text : `${text} (${code})`
  if (causes.some((cause) => cause instanceof TypeError && cause.message.includes("URL"))) {
    return Rejected.make({ status: 400, detail: `${url} is not a URL that can be requested` })
  }
  // fetch's own word for a port that it never connects to, such as 1 or 25.
  return text === "bad port" || (code !== undefined && CONNECT_CODES.has(code))
    ? ConnectError.make({ url, detail })
    : ConnectionLost.make({ detail })
}

/** From the outermost error to the innermost; a failed attempt at several addresses goes on with the first of them. */
const causesOf = (error: unknown): ReadonlyArray<unknown> => {
  const causes: Array<unknown> = []
  let current = error
  while (current !== undefined && current !== null && causes.length < 8) {
    causes.push(current)
    current = current instanceof AggregateError && current.errors.length > 0
      ? current.errors[0]
      : current instanceof Error
      ? current.cause
      : undefined
  }
  return causes
}

const codeOf = (error: unknown): string | undefined =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined

const apiMessage = (error: APIError): string => {
  const body: unknown = error.error
  if (typeof body === "object" && body !== null && "message" in body && typeof body.message === "string") {
    return body.message
  }
  return error.message
}

const integerOf = (code: unknown): number | null => {
  const number = typeof code === "string" || typeof code === "number" ? Number(code) : Number.NaN
  return Number.isInteger(number) ? number : null
}

/** The delay a server asks for, in milliseconds. Dates are not read: servers of engines send seconds. */
export const retryAfterMillis = (headers: Headers | undefined): number | null => {
  const seconds = Number(headers?.get("retry-after") ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null
}
