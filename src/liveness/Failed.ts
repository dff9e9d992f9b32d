/**
 * A run that ended in an error somebody told us: which hop, which kind, and what it said.
 *
 * The reasons are the failure kinds of the retry table: what may be tried again, when, and what would only fail the
 * same way. `isRetryable` is that table's first column. Only `finish_reason` proves a completion, so an end without it
 * is a failure, with or without `[DONE]`.
 *
 * Gotcha: a mid-stream error of code 400 is not proof of our fault; vLLM turns inner ValueErrors into 400.
 */
import * as Schema from "effect/Schema"
import { TokenCount } from "../token/TokenEvent.ts"
import { Hop } from "./Stalled.ts"

export const FailReason = Schema.TaggedUnion({
  /** No connection: refused, unresolved, unreachable. */
  ConnectError: { url: Schema.String, detail: Schema.String },
  /** 400, 401, 403, 404, 413, 422: the same request gives the same answer. */
  Rejected: { status: Schema.Int, detail: Schema.String },
  /** 429. `retryAfterMillis` is what the server asked for. */
  RateLimited: { status: Schema.Int, retryAfterMillis: Schema.NullOr(Schema.Finite), detail: Schema.String },
  /** 503. */
  Unavailable: { status: Schema.Int, retryAfterMillis: Schema.NullOr(Schema.Finite), detail: Schema.String },
  /** Any other 5xx, or an answer that is not a token stream. */
  ServerError: { status: Schema.Int, detail: Schema.String },
  /** An error event inside a stream that had begun. */
  MidStreamError: { code: Schema.NullOr(Schema.Int), detail: Schema.String },
  /** The connection broke while tokens were expected. */
  ConnectionLost: { detail: Schema.String },
  /** The body ended cleanly without a `finish_reason`. */
  Truncated: {},
  /** `[DONE]` came without a `finish_reason`. */
  DoneWithoutFinish: {},
  /** `finish_reason` "abort": the engine was paused, put to sleep or updated. */
  AbortedByServer: {},
  /** Events that are not JSON, or not of the protocol. */
  Malformed: { detail: Schema.String },
  /** The agent cannot do what was asked of it, for example stream. */
  Unsupported: { detail: Schema.String },
  /** The agent ended its task without saying more than a state and a text. */
  AgentFailed: { state: Schema.String, detail: Schema.String }
})
export type FailReason = typeof FailReason.Type

export class Failed extends Schema.TaggedError<Failed>()("Failed", {
  hop: Hop,
  reason: FailReason,
  /** Tokens received before the failure. */
  tokens: TokenCount
}) {
  override get message(): string {
    return `${whose[this.hop]}: ${describe(this.reason)}${this.tokens === 0 ? "" : ` (after ${this.tokens} tokens)`}`
  }
}

/** Whether another attempt can end differently. */
export const isRetryable = (reason: FailReason): boolean => {
  switch (reason._tag) {
    case "Rejected":
    case "Unsupported":
    case "AgentFailed":
      return false
    default:
      return true
  }
}

const whose: Record<Hop, string> = { engine: "engine", purple: "purple agent", green: "green agent" }

const describe = (reason: FailReason): string => {
  switch (reason._tag) {
    case "ConnectError":
      return `no connection to ${reason.url}: ${reason.detail}`
    case "Rejected":
      return `rejected the request (${reason.status}): ${reason.detail}`
    case "RateLimited":
      return `too many requests (${reason.status}): ${reason.detail}`
    case "Unavailable":
      return `not available (${reason.status}): ${reason.detail}`
    case "ServerError":
      return `answered ${reason.status}: ${reason.detail}`
    case "MidStreamError":
      return `error inside the stream${reason.code === null ? "" : ` (${reason.code})`}: ${reason.detail}`
    case "ConnectionLost":
      return `connection lost: ${reason.detail}`
    case "Truncated":
      return "the stream ended without a finish reason"
    case "DoneWithoutFinish":
      return "the stream said [DONE] without a finish reason"
    case "AbortedByServer":
      return "the engine aborted the request (paused, asleep or updated)"
    case "Malformed":
      return `malformed answer: ${reason.detail}`
    case "Unsupported":
      return reason.detail
    case "AgentFailed":
      return `the task ended ${reason.state}: ${reason.detail}`
  }
}
