/**
 * Every setting of the simulated engine, with its default.
 *
 * The encoded form is what users write (in code or in a file); all keys are optional there. Listening address and port
 * are not here: they belong to the layer that opens the socket.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AnswerSource, demonstration } from "./Answers.ts"
import { latencyFields } from "./LatencyOptions.ts"
import { blockTokens } from "./Scheduler.ts"
import { wireFields } from "./WireOptions.ts"

const Positive = Schema.Int.check(Schema.isGreaterThan(0))
const Factor = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(1))
const KvCacheTokens = Schema.Int.check(Schema.isGreaterThanOrEqualTo(blockTokens))

export const SimulatorOptions = Schema.Struct({
  /** The one model that is served. */
  model: Schema.NonEmptyString.pipe(Schema.withDecodingDefault(Effect.succeed("simulated-model"))),
  /** Everything random follows from it. */
  seed: Schema.Int.pipe(Schema.withDecodingDefault(Effect.succeed(1))),
  ...latencyFields,
  /** Requests beyond this number wait in the order of their arrival. */
  maxConcurrentRequests: Positive.pipe(Schema.withDecodingDefault(Effect.succeed(256))),
  /** vLLM's --max-num-batched-tokens: the most tokens, of prompts and answers, that are worked on at once. */
  maxNumBatchedTokens: Positive.pipe(Schema.withDecodingDefault(Effect.succeed(8192))),
  /** The size of the KV cache. Prompt and answer of one request must fit in it, as if it were --max-model-len. */
  kvCacheTokens: KvCacheTokens.pipe(Schema.withDecodingDefault(Effect.succeed(4_194_304))),
  /** With all places taken, times are longer by this factor; in between it grows linearly. */
  timeFactorUnderLoad: Factor.pipe(Schema.withDecodingDefault(Effect.succeed(1))),
  /** vLLM's --stream-interval: tokens per event, except that the first and the last output are never held back. */
  streamInterval: Positive.pipe(Schema.withDecodingDefault(Effect.succeed(1))),
  /** Some series of /metrics under the names they had in older versions; see Metrics.ts. */
  oldMetricNames: Schema.Boolean.pipe(Schema.withDecodingDefault(Effect.succeed(false))),
  /** If set, requests to /v1 must carry it as bearer key. */
  apiKey: Schema.optional(Schema.NonEmptyString),
  answers: AnswerSource.pipe(Schema.withDecodingDefault(Effect.succeed(demonstration))),
  ...wireFields
})
export type SimulatorOptions = typeof SimulatorOptions.Type
