/**
 * Every setting of the simulated engine, with its default.
 *
 * The encoded form is what users write (in code or in a file); all keys are optional there. Listening address and port
 * are not here: they belong to the layer that opens the socket.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { AnswerSource, demonstration } from "./Answers.ts"
import * as FaultSpecification from "./faults/FaultSpecification.ts"
import { latencyFields } from "./LatencyOptions.ts"
import { blockTokens } from "./Sequence.ts"
import { wireFields } from "./WireOptions.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const FaultText = Schema.String.check(
  Schema.makeFilter((text: string) => Result.getFailure(FaultSpecification.read(text)).pipe(Option.getOrUndefined))
)
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
  /** vLLM's --data-parallel-size: engines behind the one port. */
  dataParallelSize: Positive.check(Schema.isLessThanOrEqualTo(64)).pipe(Schema.withDecodingDefault(Effect.succeed(1))),
  /** vLLM's --max-num-queued-reqs: with so many requests open, waiting or not, a further one is refused. */
  maxNumQueuedRequests: Schema.optional(Count),
  /** llm-d-inference-sim's --max-waiting-queue-length: with so many requests waiting, a further one is refused. */
  maxWaitingQueueLength: Schema.optional(Count),
  /** Faults, as FaultSpecification.ts reads them; several may stand in one text, with `;` between. */
  faults: Schema.Array(FaultText).pipe(Schema.withDecodingDefault(Effect.succeed([]))),
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
