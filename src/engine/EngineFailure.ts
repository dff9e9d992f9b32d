/**
 * From what an engine's server answers, and what undici and the openai SDK throw, to a `FailReason`.
 *
 * The SDK throws `APIError` with a status; undici throws errors of sockets and of its own. Why a connection failed is
 * told only by the chain of causes.
 */
import * as Result from "effect/Result"
import { APIConnectionError, APIConnectionTimeoutError, APIError } from "openai"
import { FailReason, reasonOfStatus } from "../liveness/Failed.ts"

const { ConnectError, ConnectionLost, Malformed, MidStreamError, Rejected } = FailReason.cases

/** Codes of system and undici errors that mean that no connection was made. */
export const CONNECT_CODES: ReadonlySet<string> = new Set([
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
      : fromStatus(error.status, detail, retryAfterMillis(error.headers?.get("retry-after")))
  }
  if (error instanceof SyntaxError) return Malformed.make({ detail: error.message })
  return fromTransport(url, error)
}

/** The reason behind an HTTP error status; the delay that was asked for in milliseconds. */
export const fromStatus: (status: number, detail: string, retryAfter: number | null) => FailReason = reasonOfStatus

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

const apiMessage = (error: APIError): string => messageIn(error.error) ?? error.message

/** What a server says in an error object, as OpenAI and vLLM write it. */
const messageIn = (error: unknown): string | undefined =>
  typeof error === "string" && error !== ""
    ? error
    : typeof error === "object" && error !== null && "message" in error && typeof error.message === "string"
    ? error.message
    : undefined

/** What the body of a refusal says: its error's message if it is one, otherwise its text. */
export const detailOf = (status: number, body: string): string => {
  const json = Result.getOrUndefined(parseJson(body))
  const error = typeof json === "object" && json !== null && "error" in json ? json.error : json
  return messageIn(error) ?? `${status} ${body.trim() === "" ? "without a body" : body.trim().slice(0, 500)}`
}

/** The JSON of an event, or the failure that it tells of or is. `isError`: the event is named so. */
export const parseEvent = (data: string, isError: boolean): Result.Result<unknown, FailReason> => {
  const json = parseJson(data)
  if (Result.isFailure(json)) return Result.fail(Malformed.make({ detail: json.failure.message }))
  const event = json.success
  const said = typeof event === "object" && event !== null && "error" in event ? event.error : undefined
  const error: unknown = said || (isError ? event : undefined)
  if (!error) return Result.succeed(event)
  const code = typeof error === "object" && "code" in error ? integerOf(error.code) : null
  return Result.fail(MidStreamError.make({ code, detail: messageIn(error) ?? JSON.stringify(error) }))
}

const parseJson = (text: string): Result.Result<unknown, SyntaxError> =>
  Result.try({ try: () => JSON.parse(text) as unknown, catch: (error) => error as SyntaxError })

const integerOf = (code: unknown): number | null => {
  const number = typeof code === "string" || typeof code === "number" ? Number(code) : Number.NaN
  return Number.isInteger(number) ? number : null
}

/** The delay that a `Retry-After` asks for, in milliseconds. Dates are not read: servers of engines send seconds. */
export const retryAfterMillis = (retryAfter: string | null | undefined): number | null => {
  const seconds = typeof retryAfter === "string" ? Number(retryAfter) : Number.NaN
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null
}
