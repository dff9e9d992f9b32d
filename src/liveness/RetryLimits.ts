/**
 * How often, and for how long, a run that ended without an answer is tried again, whatever the kinds of its errors are.
 *
 * What each kind adds to it is the retry table's (RetryTable.ts); RetryPolicy.ts makes decisions of both.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const count = (fallback: number, least: number) =>
  Schema.Int.check(Schema.isBetween({ minimum: least, maximum: 1_000_000 })).pipe(
    Schema.withDecodingDefault(Effect.succeed(fallback))
  )

/** Decoding `{}` gives the defaults. */
export const RetryLimits = Schema.Struct({
  /** Most attempts that use one up, the first among them. */
  attempts: count(3, 1),
  /** Most time, in milliseconds, that is spent on delays after errors that use up no attempt. */
  waitMillis: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)).pipe(
    Schema.withDecodingDefault(Effect.succeed(3_600_000))
  ),
  /** How often trouble of the whole engine may be met, which uses up no attempt. */
  engineFaults: count(5, 0)
})
export type RetryLimits = typeof RetryLimits.Type

export const defaults: RetryLimits = Schema.decodeSync(RetryLimits)({})
