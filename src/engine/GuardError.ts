/**
 * What a guarded stream of a plain program fails with: errors as classes, with what is known in plain fields.
 *
 * `StalledError`: it was given up as hung, proved or inferred. `SlowError`: it lived, and its hard cap is used up.
 * `FailedError`: somebody said so, the engine, the network or the client library; what the library has thrown is its
 * `cause`. All are `GuardError`s. Messages are one line; times are milliseconds.
 *
 * `isRetryable` and `retryDelayMillis` are the word of the retry table (RetryTable.ts); trying again is the caller's.
 */
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import { Failed, kindOf } from "../liveness/Failed.ts"
import type { FailKind } from "../liveness/FailKind.ts"
import type { LimitInForce } from "../liveness/LimitInForce.ts"
import type { Phase } from "../liveness/Phase.ts"
import { planOf } from "../liveness/RetryPolicy.ts"
import { rowOf } from "../liveness/RetryTable.ts"
import type { RunError } from "../liveness/RunError.ts"
import { Slow } from "../liveness/Slow.ts"
import type { SlowReason } from "../liveness/SlowReason.ts"
import { Stalled } from "../liveness/Stalled.ts"
import type { Confidence, StallKind } from "../liveness/StallKind.ts"
import type { Circumstances } from "../liveness/Verdict.ts"

/** The error of the watch behind each of ours. */
const runErrors = new WeakMap<GuardError, RunError>()

/** A guarded stream has ended without its answer. */
export abstract class GuardError extends Error {
  /** Tokens that had come. */
  readonly tokens: number
  /** Where the request stood. */
  readonly phase: Phase
  /** How long no token had come, in milliseconds. */
  readonly silenceMillis: number
  readonly #circumstances: Circumstances | undefined

  constructor(message: string, facts: GuardFacts, options?: { readonly cause: unknown }) {
    super(message, options)
    this.tokens = facts.tokens
    this.phase = facts.phase
    this.silenceMillis = Math.round(facts.silenceMillis)
    this.#circumstances = facts.circumstances
  }

  /** All that was known when it ended: gaps, limits, the engine's last metrics; undefined where nobody watched. */
  get circumstances(): Circumstances | undefined {
    return this.#circumstances
  }
}

/** What is known of every stream that has ended without its answer. */
export interface GuardFacts {
  readonly tokens: number
  readonly phase: Phase
  readonly silenceMillis: number
  readonly circumstances: Circumstances | undefined
}

export interface StalledFacts extends GuardFacts {
  readonly kind: StallKind
  readonly confidence: Confidence
  readonly limit: LimitInForce
  readonly proof: string | undefined
  readonly dropped: boolean
}

/** The stream was given up as hung, and its connection closed. */
export class StalledError extends GuardError {
  override readonly name = "StalledError"
  /** What hangs, such as "engine-hung", or "silent" where only silence tells. */
  readonly kind: StallKind
  /** Whether the engine's own metrics prove it. */
  readonly confidence: Confidence
  /** The limit that decided, in milliseconds, and where it comes from. */
  readonly limit: LimitInForce
  /** What the engine's metrics showed, as a clause; undefined where it is inferred. */
  readonly proof: string | undefined
  /** Whether the engine was seen to drop the request; else it may still generate for nobody. */
  readonly dropped: boolean

  constructor(message: string, facts: StalledFacts) {
    super(message, facts)
    this.kind = facts.kind
    this.confidence = facts.confidence
    this.limit = facts.limit
    this.proof = facts.proof
    this.dropped = facts.dropped
  }
}

export interface SlowFacts extends GuardFacts {
  readonly reason: SlowReason | null
  readonly limit: LimitInForce
}

/** The stream lived, and the hard cap of its policy is used up. Without a hard cap there is no such error. */
export class SlowError extends GuardError {
  override readonly name = "SlowError"
  /** What it waited for; `null` where tokens came as fast as ever. */
  readonly reason: SlowReason | null
  /** The hard cap, in milliseconds. */
  readonly limit: LimitInForce

  constructor(message: string, facts: SlowFacts) {
    super(message, facts)
    this.reason = facts.reason
    this.limit = facts.limit
  }
}

export interface FailedFacts extends GuardFacts {
  readonly kind: FailKind
  readonly status: number | null
  readonly retryAfterMillis: number | null
}

/** The stream has failed: the engine, the network or the client library says so, or it ended without a finish. */
export class FailedError extends GuardError {
  override readonly name = "FailedError"
  /** Its row of the retry table, such as "rate-limited" or "connection-lost". */
  readonly kind: FailKind
  /** The HTTP status of a refusal, or the code of an error inside the stream. */
  readonly status: number | null
  /** How long the server asked to wait, in milliseconds. */
  readonly retryAfterMillis: number | null

  constructor(message: string, facts: FailedFacts, options?: { readonly cause: unknown }) {
    super(message, facts, options)
    this.kind = facts.kind
    this.status = facts.status
    this.retryAfterMillis = facts.retryAfterMillis
  }
}

/** The error of the watch as one of ours; `thrown` is what the client library has thrown, if it has. */
export const fromRunError = (error: RunError, thrown: { readonly error: unknown } | undefined): GuardError => {
  const made = makeError(error, thrown)
  runErrors.set(made, error)
  return made
}

const makeError = (error: RunError, thrown: { readonly error: unknown } | undefined): GuardError => {
  if (error instanceof Stalled) {
    const { cancel, circumstances, confidence, kind, limit, message, phase, proof, silentMillis, tokens } = error
    const facts = { kind, confidence, limit, phase, proof, tokens, circumstances }
    return new StalledError(message, { ...facts, silenceMillis: silentMillis, dropped: cancel === "confirmed" })
  }
  if (error instanceof Slow) {
    const { circumstances, limit, message, phase, reason, silentMillis, tokens } = error
    return new SlowError(message, { reason, limit, phase, tokens, silenceMillis: silentMillis, circumstances })
  }
  const { reason, verdict } = error
  return new FailedError(error.message, {
    kind: verdict?.kind ?? kindOf(error),
    status: "status" in reason ? reason.status : "code" in reason ? reason.code : null,
    retryAfterMillis: "retryAfterMillis" in reason ? reason.retryAfterMillis : null,
    phase: verdict?.phase ?? "connecting",
    tokens: verdict?.tokens ?? error.tokens,
    silenceMillis: verdict?.silentMillis ?? 0,
    circumstances: verdict?.circumstances
  }, thrown === undefined ? undefined : { cause: thrown.error })
}

/** The error as the retry table knows it: a failure with the tokens that had come. */
const tableErrorOf = (error: unknown): RunError | undefined => {
  const known = error instanceof GuardError ? runErrors.get(error) : undefined
  return known instanceof Failed && known.verdict !== undefined
    ? new Failed({ hop: known.hop, reason: known.reason, tokens: known.verdict.tokens, verdict: known.verdict })
    : known
}

/** Whether the same request may well succeed when it is sent again, by the retry table; false for foreign errors. */
export const isRetryable = (error: unknown): boolean => {
  const known = tableErrorOf(error)
  return known !== undefined && rowOf(known).retries !== 0
}

/** When it is enough. */
export interface RetryChoice {
  /** Most attempts that use one up, the first among them; 3 unless given. */
  readonly attempts?: number
  /** Most milliseconds in all to wait after errors that use up no attempt, such as 429; an hour unless given. */
  readonly waitMillis?: number
}

/**
 * How long to wait before the next attempt, in milliseconds, after these errors of one request, oldest first; undefined
 * if it is to be given up. Never less than a server asked for, and a little longer by chance, so that those who failed
 * together do not come back together.
 */
export const retryDelayMillis = (errors: ReadonlyArray<unknown>, choice: RetryChoice = {}): number | undefined => {
  const known = Result.all(errors.map((error) => {
    const each = tableErrorOf(error)
    return each === undefined ? Result.fail(error) : Result.succeed(each)
  }))
  if (Result.isFailure(known)) return undefined
  const plan = planOf(known.success, Math.random(), choice)
  return plan._tag === "Retry" ? Duration.toMillis(plan.delay) : undefined
}
