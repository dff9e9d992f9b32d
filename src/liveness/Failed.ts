/**
 * A run that ended in an error somebody told us: which hop, which kind, and what it said.
 *
 * The reasons are the failure kinds of the retry table (RetryPolicy.ts), with what was said. Only `finish_reason` proves
 * a completion, so an end without it is a failure, with or without `[DONE]`. It is data as well as an error: it crosses
 * the A2A wire and enters the store by its schema, unchanged.
 *
 * `inputOf` is what a failure is to the reducer that watches the run, and `kindOf` the kind that the reducer then finds.
 */
import * as Schema from "effect/Schema"
import { TokenCount } from "../token/TokenEvent.ts"
import { type FailKind, ofStatus, ofStreamError } from "./FailKind.ts"
import { Hop } from "./Hop.ts"
import type { Ended, Frame, Rejected } from "./LivenessInput.ts"
import { Verdict } from "./Verdict.ts"

export const FailReason = Schema.TaggedUnion({
  /** No connection: refused, unresolved, unreachable. */
  ConnectError: { url: Schema.String, detail: Schema.String },
  /** A connection, and no answer to the request. */
  ConnectTimeout: { detail: Schema.String },
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
  /** `finish_reason` "error". */
  FinishError: {},
  /** Events that are not JSON, or not of the protocol. */
  Malformed: { detail: Schema.String },
  /** Tokens flowed but were worthless; only where the user asked for it. */
  Runaway: { detail: Schema.String },
  /** The agent cannot do what was asked of it, for example stream. */
  Unsupported: { detail: Schema.String },
  /** The agent ended its task without saying more than a state and a text. */
  AgentFailed: { state: Schema.String, detail: Schema.String }
})
export type FailReason = typeof FailReason.Type

/** A run that somebody said has failed: the error of a token stream. `reason` has what was said, by cases. */
export class Failed extends Schema.TaggedError<Failed>()("Failed", {
  /** Whose far end failed. */
  hop: Hop,
  /** What happened, with what was said about it. */
  reason: FailReason,
  /** Tokens received before the failure. */
  tokens: TokenCount,
  /** What was known when it failed; left out where nobody watched. */
  verdict: Schema.optionalKey(Verdict.cases.Failed)
}) {
  /**
   * The failure of a hop that has answered with this HTTP status, which is none of success; `retryAfterMillis` is what it
   * asked to wait.
   */
  static readonly fromStatus = (
    status: number,
    detail: string,
    { hop = "engine", retryAfterMillis = null }: { readonly hop?: Hop; readonly retryAfterMillis?: number | null } = {}
  ): Failed => new Failed({ hop, reason: reasonOfStatus(status, detail, retryAfterMillis), tokens: 0 })

  override get message(): string {
    return `${whose[this.hop]}: ${describe(this.reason)}${this.tokens === 0 ? "" : ` (after ${this.tokens} tokens)`}`
  }
}

/** The reason behind an HTTP error status. */
export const reasonOfStatus = (status: number, detail: string, retryAfterMillis: number | null): FailReason => {
  const { RateLimited, Rejected, ServerError, Unavailable } = FailReason.cases
  switch (ofStatus(status)) {
    case "rate-limited":
      return RateLimited.make({ status, retryAfterMillis, detail })
    case "unavailable":
      return Unavailable.make({ status, retryAfterMillis, detail })
    case "rejected":
      return Rejected.make({ status, detail })
    default:
      return ServerError.make({ status, detail })
  }
}

const kinds: Record<FailReason["_tag"], FailKind> = {
  ConnectError: "connect-error",
  ConnectTimeout: "connect-timeout",
  Rejected: "rejected",
  RateLimited: "rate-limited",
  Unavailable: "unavailable",
  ServerError: "server-error",
  MidStreamError: "mid-stream-error",
  ConnectionLost: "connection-lost",
  Truncated: "truncated",
  DoneWithoutFinish: "done-without-finish",
  AbortedByServer: "aborted-by-server",
  FinishError: "finish-error",
  Malformed: "malformed",
  Runaway: "runaway",
  Unsupported: "unsupported",
  AgentFailed: "agent-failed"
}

/** The kind of a failure: its row of the retry table. */
export const kindOf = ({ reason, tokens }: Pick<Failed, "reason" | "tokens">): FailKind =>
  reason._tag === "MidStreamError" ? ofStreamError(reason.code, tokens > 0) : kinds[reason._tag]

const frameOf = (finishReason: string, at: number): Frame => ({
  _tag: "Frame",
  at,
  tokens: 0,
  text: false,
  usage: null,
  channel: null,
  finishReason
})

/** What a failure that came at `at` is to the reducer. */
export const inputOf = (reason: FailReason, at: number): Ended | Rejected | Frame => {
  const ended = (how: Ended["how"], detail = ""): Ended => ({ _tag: "Ended", at, how, detail })
  switch (reason._tag) {
    case "RateLimited":
    case "Unavailable":
      return { ...reason, _tag: "Rejected", at }
    case "Rejected":
    case "ServerError":
      return { _tag: "Rejected", at, status: reason.status, retryAfterMillis: null, detail: reason.detail }
    case "MidStreamError":
      return { ...ended("error", reason.detail), code: reason.code }
    case "ConnectError":
      return ended("connect-error", reason.detail)
    case "ConnectTimeout":
      return ended("connect-timeout", reason.detail)
    case "ConnectionLost":
      return ended("reset", reason.detail)
    case "Truncated":
      return ended("eof")
    case "DoneWithoutFinish":
      return ended("done")
    case "AbortedByServer":
      return frameOf("abort", at)
    case "FinishError":
      return frameOf("error", at)
    case "Malformed":
      return ended("malformed", reason.detail)
    case "Runaway":
      return ended("runaway", reason.detail)
    case "Unsupported":
      return ended("unsupported", reason.detail)
    case "AgentFailed":
      return ended("agent-failed", reason.detail)
  }
}

/** The reason of a failure that the reducer found in what it was told, where nobody has told it to us in other words. */
export const reasonOf = (
  { code, detail, kind, retryAfterMillis, status }: Extract<Verdict, { readonly _tag: "Failed" }>
): FailReason => {
  const reasons = FailReason.cases
  switch (kind) {
    case "connect-error":
      return reasons.ConnectError.make({ url: "", detail })
    case "connect-timeout":
      return reasons.ConnectTimeout.make({ detail })
    case "connection-lost":
      return reasons.ConnectionLost.make({ detail })
    case "truncated":
      return reasons.Truncated.make({})
    case "done-without-finish":
      return reasons.DoneWithoutFinish.make({})
    case "server-error":
      return reasons.ServerError.make({ status: status ?? 500, detail })
    case "mid-stream-error":
      return reasons.MidStreamError.make({ code, detail })
    case "finish-error":
      return reasons.FinishError.make({})
    case "unavailable":
      return reasons.Unavailable.make({ status: status ?? code ?? 503, retryAfterMillis, detail })
    case "rate-limited":
      return reasons.RateLimited.make({ status: status ?? code ?? 429, retryAfterMillis, detail })
    case "aborted-by-server":
      return reasons.AbortedByServer.make({})
    case "malformed":
      return reasons.Malformed.make({ detail })
    case "rejected":
      return reasons.Rejected.make({ status: status ?? 400, detail })
    case "runaway":
      return reasons.Runaway.make({ detail })
    case "unsupported":
      return reasons.Unsupported.make({ detail })
    case "agent-failed":
      return reasons.AgentFailed.make({ state: "failed", detail })
  }
}

const whose: Record<Hop, string> = { engine: "engine", purple: "purple agent", green: "green agent" }

const describe = (reason: FailReason): string => {
  switch (reason._tag) {
    case "ConnectError":
      return `no connection to ${reason.url}: ${reason.detail}`
    case "ConnectTimeout":
      return reason.detail
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
    case "FinishError":
      return "the engine ended the answer with an error"
    case "Runaway":
      return `worthless answer: ${reason.detail}`
    case "Malformed":
      return `malformed answer: ${reason.detail}`
    case "Unsupported":
      return reason.detail
    case "AgentFailed":
      return `the task ended ${reason.state}: ${reason.detail}`
  }
}
