/**
 * Settings of latency: how long the first token and every other one take. Pacing.ts draws from them.
 *
 * Times are means, as numbers of milliseconds or with a unit (text/DurationText.ts). Where llm-d-inference-sim has a setting
 * for the same thing, it means the same here; the differences: the first token is "constant" unless chosen otherwise
 * (llm-d's unset calculator guesses), and a deviation has no upper limit, because no distribution here is ever negative.
 *
 * A time without a deviation of its own varies by `jitterCoefficient`.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Millis } from "../text/DurationText.ts"

const NotNegative = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/**
 * How times vary around their mean; c is the standard deviation divided by the mean.
 *
 * - `Constant`: not at all, whatever c.
 * - `Normal`: normal with c, cut at 0 and at twice the mean (on both sides, so that the mean stays).
 * - `LogNormal`: log-normal with c, as measured engines have it. The default.
 * - `ParetoTail`: log-normal, but a share of the times is Pareto distributed: rare and very long. Shape: greater than
 *   1; below 2 the variance is infinite.
 * - `Recorded`: gaps as they were measured, in their order and round and round, from a place that the seed chooses;
 *   likewise the times to the first token, which are log-normal if there is no record of them.
 */
export const LatencyDistribution = Schema.TaggedUnion({
  Constant: {},
  Normal: {},
  LogNormal: {},
  ParetoTail: {
    shape: Schema.Finite.check(Schema.isGreaterThan(1)),
    share: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
  },
  Recorded: {
    gapsMillis: Schema.NonEmptyArray(NotNegative),
    timesToFirstTokenMillis: Schema.optionalKey(Schema.NonEmptyArray(NotNegative))
  }
})
export type LatencyDistribution = typeof LatencyDistribution.Type

const none = Millis.pipe(Schema.withDecodingDefault(Effect.succeed(0)))
const deviation = Schema.optional(Millis)

/** Part of SimulatorOptions. */
export const latencyFields = {
  /** Mean time from the start of a request in the engine (not from its arrival) to its first token. */
  timeToFirstTokenMillis: Millis.pipe(Schema.withDecodingDefault(Effect.succeed(400))),
  timeToFirstTokenDeviationMillis: deviation,
  /** Mean time between two tokens of a request; 0 = the whole answer at once. */
  interTokenMillis: Millis.pipe(Schema.withDecodingDefault(Effect.succeed(20))),
  interTokenDeviationMillis: deviation,
  /** Standard deviation of a time divided by its mean, where it has no deviation of its own; 0 = constant times. */
  jitterCoefficient: NotNegative.pipe(Schema.withDecodingDefault(Effect.succeed(0.3))),
  /** How all times vary around their mean. */
  latencyDistribution: LatencyDistribution.pipe(Schema.withDecodingDefault(Effect.succeed({ _tag: "LogNormal" }))),
  /**
   * "constant": the first token takes `timeToFirstTokenMillis`, and a transfer `kvCacheTransferMillis`. "per-token": they
   * grow with the tokens of the prompt, by the settings that say so; the others are not read.
   */
  latencyCalculator: Schema.Literals(["constant", "per-token"]).pipe(
    Schema.withDecodingDefault(Effect.succeed("constant" as const))
  ),
  prefillOverheadMillis: none,
  /** For every token that is computed before the answer can go on; the prefix cache never spares one. */
  prefillMillisPerToken: none,
  /** Of overhead and tokens together. */
  prefillDeviationMillis: deviation,
  /** For requests with `do_remote_prefill`: their first token comes after a transfer, and nothing is computed. */
  kvCacheTransferMillis: none,
  kvCacheTransferDeviationMillis: deviation,
  kvCacheTransferMillisPerToken: none,
  /** Of the whole transfer. */
  kvCacheTransferPerTokenDeviationMillis: deviation
}

export type LatencyOptions = Schema.Struct.Type<typeof latencyFields>
