/**
 * When the gate of an engine sends its canaries, and when it calls a person: times in milliseconds, and a factor.
 *
 * GateStep.ts tells what a gate is.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const YEAR = 365 * 24 * 3_600_000

const between = (fallback: number, minimum: number, maximum: number) =>
  Schema.Finite.check(Schema.isBetween({ minimum, maximum })).pipe(
    Schema.withDecodingDefault(Effect.succeed(fallback))
  )

/** Decoding `{}` gives the defaults. */
export const GateTimes = Schema.Struct({
  /** The delay before the first canary of an open gate. */
  canaryFirstMillis: between(15_000, 1, YEAR),
  /** How much longer each further delay is. */
  canaryFactor: between(2, 1, 1000),
  /** The longest delay. */
  canaryMostMillis: between(120_000, 1, YEAR),
  /** A canary that says nothing for so long has failed. More than a canary allows itself. */
  canaryPatienceMillis: between(180_000, 1, YEAR),
  /** After so long an operator should look. */
  alarmMillis: between(300_000, 0, YEAR)
})
export type GateTimes = typeof GateTimes.Type

export const defaults: GateTimes = Schema.decodeSync(GateTimes)({})
