/**
 * What a foreign client library has thrown, as a failure of the retry table; nothing for what is no failure of the engine.
 *
 * Gotcha: a program's openai package is mostly another copy than ours, so its errors are known by their shape, never by
 * `instanceof`. A bug of the program, a `TypeError` say, is not explained away as a broken connection.
 */
import { FailReason } from "../liveness/Failed.ts"
import * as EngineFailure from "./EngineFailure.ts"

/** The shape of the errors of the openai package. */
interface ApiError extends Error {
  readonly status: number | undefined
  readonly error: unknown
  readonly code?: unknown
  readonly headers?: { readonly get?: (name: string) => string | null }
}

/** What it throws where the program itself has aborted the request: the engine has done nothing wrong. */
const ABORT_NAME = "APIUserAbortError"

/** Its errors about the connection have neither status nor headers, and the names of their classes. */
const connectionNames = new Set(["APIConnectionError", "APIConnectionTimeoutError"])

/** The reason behind what was thrown while `url` was asked or read; `undefined` if it is none of the engine's. */
export const thrownFailure = (url: string, thrown: unknown): FailReason | undefined => {
  if (!(thrown instanceof Error) || thrown.constructor.name === ABORT_NAME) return undefined
  if (connectionNames.has(thrown.constructor.name)) {
    return thrown.constructor.name === "APIConnectionTimeoutError"
      ? FailReason.cases.ConnectTimeout.make({ detail: "the client library has waited no longer (its timeout)" })
      : EngineFailure.fromTransport(url, thrown)
  }
  if (isApiError(thrown)) {
    const detail = saidIn(thrown.error) ?? thrown.message
    const retryAfter = EngineFailure.retryAfterMillis(thrown.headers?.get?.("retry-after"))
    return thrown.status === undefined
      ? FailReason.cases.MidStreamError.make({ code: codeOf(thrown), detail })
      : EngineFailure.fromStatus(thrown.status, detail, retryAfter)
  }
  if (thrown instanceof SyntaxError && /server-sent event/.test(thrown.message)) {
    return FailReason.cases.Malformed.make({ detail: thrown.message })
  }
  return isOfTransport(thrown) ? EngineFailure.fromTransport(url, thrown) : undefined
}

const isApiError = (thrown: Error): thrown is ApiError =>
  "status" in thrown && "error" in thrown && "headers" in thrown &&
  (thrown.status === undefined || Number.isInteger(thrown.status))

const saidIn = (error: unknown): string | undefined =>
  typeof error === "object" && error !== null && "message" in error && typeof error.message === "string"
    ? error.message
    : undefined

const codeOf = ({ code }: ApiError): number | null => {
  const number = typeof code === "string" || typeof code === "number" ? Number(code) : Number.NaN
  return Number.isInteger(number) ? number : null
}

/** Of system errors only those of sockets: a file that is not there has such a code, too, and so has a wrong argument. */
const TRANSPORT_CODE = new RegExp(
  "^(?:E(?:CONN|PIPE|TIMEDOUT|NOTFOUND|AI_|HOST|NET|ADDRNOTAVAIL|PROTO)\\w*|UND_ERR_(?!ABORTED|INVALID|NOT_SUPPORTED)\\w+" +
    "|ERR_(?:HTTP2_|SSL_|TLS_|STREAM_PREMATURE_CLOSE)\\w*)$"
)

/** Errors of sockets and of fetch have a code somewhere, or say one of its words. */
const isOfTransport = (thrown: Error): boolean => {
  let current: unknown = thrown
  for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
    if ("code" in current && typeof current.code === "string" && TRANSPORT_CODE.test(current.code)) {
      return true
    }
    if (/^(fetch failed|terminated|network error|premature close|socket hang up)$/i.test(current.message)) return true
    current = current.cause
  }
  return false
}
