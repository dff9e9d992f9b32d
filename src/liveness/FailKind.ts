/**
 * Why a run failed, as somebody told us: the kinds of the verdict `Failed`, the rows of the retry table.
 *
 * `ofStatus` and `ofStreamError` are the two places where a number becomes a kind.
 *
 * Gotchas: vLLM turns inner ValueErrors into 400, so a 400 inside a stream is not proof of our fault. It refuses some
 * requests (paused, queue full at the second look) with 200 and an error of code 503 as the first event.
 */
import * as Schema from "effect/Schema"

/** The kind of a failure, a row of the retry table. */
export const FailKind = Schema.Literals([
  "connect-error",
  /** A connection, and no answer to the request. */
  "connect-timeout",
  /** The connection broke while tokens were expected. */
  "connection-lost",
  /** The body ended cleanly without a finish reason. */
  "truncated",
  "done-without-finish",
  /** Any 5xx but 503, or a status that is neither success nor refusal. */
  "server-error",
  /** An error event inside a stream; its code tells how often to try again. */
  "mid-stream-error",
  /** `finish_reason` "error". */
  "finish-error",
  /** 503, also as the first event of a stream. */
  "unavailable",
  /** 429, also as the first event of a stream. */
  "rate-limited",
  /** `finish_reason` "abort": the engine was paused, put to sleep or updated. */
  "aborted-by-server",
  /** Events that are not JSON, or not of the protocol. */
  "malformed",
  /** Any other 4xx: the same request gives the same answer. */
  "rejected",
  /** Tokens flow but are worthless; only where the user asked for it. */
  "runaway",
  /** The agent cannot do what was asked of it, for example stream. */
  "unsupported",
  /** The agent ended its task without an answer. */
  "agent-failed"
])
export type FailKind = typeof FailKind.Type

/** The kind of an HTTP error status. */
export const ofStatus = (status: number): FailKind => {
  if (status === 429) return "rate-limited"
  if (status === 503) return "unavailable"
  return status >= 400 && status < 500 && status !== 408 && status !== 409 ? "rejected" : "server-error"
}

/** The kind of an error event; `begun` tells whether a token had come before it. */
export const ofStreamError = (code: number | null | undefined, begun: boolean): FailKind =>
  !begun && (code === 429 || code === 503) ? ofStatus(code) : "mid-stream-error"
