/**
 * When a run that ended without an answer is tried again.
 *
 * A retry repeats a whole attempt, never the inside of a stream that has begun: that would show tokens twice. What
 * `isRetryable` refuses would only fail the same way. A server that names a delay (`Retry-After`) gets at least that.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { kindOf } from "./Failed.ts"
import type { RunError } from "./RunError.ts"

/** Attempts after the first. */
const RETRIES = 2

/** Whether a run that ended with `error` is tried again after `retries` retries. */
export const mayRetry = (error: RunError, retries: number): boolean =>
  retries < RETRIES && (error._tag === "Stalled" || (error._tag === "Failed" && !final.has(kindOf(error))))

/** 2 s, then twice as long each time up to 60 s, for as long as `mayRetry` allows. */
export const retryPolicy = Schedule.min([Schedule.exponential("2 seconds"), Schedule.spaced("60 seconds")]).pipe(
  Schedule.setInputType<RunError>(),
  Schedule.modifyDelay(({ duration, input }) =>
    Effect.succeed(Duration.max(duration, Duration.millis(retryAfterMillis(input))))
  ),
  Schedule.while(({ attempt, input }) => mayRetry(input, attempt - 1))
)

const final = new Set(["rejected", "unsupported", "agent-failed"])

const retryAfterMillis = (error: RunError): number =>
  error._tag === "Failed" && (error.reason._tag === "RateLimited" || error.reason._tag === "Unavailable")
    ? error.reason.retryAfterMillis ?? 0
    : 0
