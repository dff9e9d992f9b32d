/**
 * When battles are tried again, and when it is enough: the numbers of a campaign, all of which may be changed in the
 * middle of it. How each kind of error is tried again is the retry table's (liveness/RetryTable.ts).
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { defaults as retry } from "../liveness/RetryLimits.ts"

const Count = Schema.Int.check(Schema.isGreaterThan(0))
const Millis = Schema.Finite.check(Schema.isGreaterThan(0))
const withDefault = <S extends Schema.Top>(schema: S, value: S["Encoded"]) =>
  schema.pipe(Schema.withDecodingDefault(Effect.succeed(value)))

export const FailurePolicy = Schema.Struct({
  /** Most attempts of a battle that count against it, the first among them. */
  attempts: withDefault(Count, retry.attempts),
  /** Most time a battle may wait after errors that use up no attempt, in milliseconds. */
  waitMillis: withDefault(Millis, retry.waitMillis),
  /** How often a battle may be caught in trouble of the whole engine, which uses up no attempt. */
  engineFaults: withDefault(Count, retry.engineFaults),
  /** Failures of an agent in a row that shut its breaker. */
  breakerFailures: withDefault(Count, 5),
  /** Most attempts beyond the first, of all battles together; `null` for any number. */
  campaignRetries: withDefault(Schema.NullOr(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))), null),
  /** After so many milliseconds no battle is begun any more, and the campaign can be resumed; `null` for any. */
  campaignMillis: withDefault(Schema.NullOr(Millis), null),
  /** After so many generated tokens likewise; `null` for any number. */
  campaignTokens: withDefault(Schema.NullOr(Count), null)
})
export type FailurePolicy = typeof FailurePolicy.Type

/** What holds unless somebody says otherwise. */
export const defaultPolicy: FailurePolicy = Schema.decodeSync(FailurePolicy)({})
