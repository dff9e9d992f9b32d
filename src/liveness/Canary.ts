/**
 * The canary: a tiny request that shows whether an endpoint answers and decodes, before battles are risked on it.
 *
 * It takes at least two tokens: the first one comes from prefill alone and passes in a decode deadlock (vLLM issue
 * 45094). It is asked at the start of a campaign and, by the gate, after a stall. `Absent` is what an endpoint gets that
 * nobody can ask directly, the engine of somebody else's agent: there a battle has to be the canary.
 *
 * What a canary proves of the metrics, too, is knowledge of the endpoint for the runs to come (`knowledgeOf`).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { EndpointKnowledge } from "./EngineEvidence.ts"

/** What became of a canary. */
export const CanaryOutcome = Schema.TaggedUnion({
  /** The endpoint has answered. */
  Passed: {
    tokens: Schema.Int,
    /** Between its last two tokens, in milliseconds. */
    stepMillis: Schema.Finite,
    /** Whether the metrics were seen to count its tokens. */
    binding: Schema.Literals(["proven", "unproven"])
  },
  /** `why` is a sentence. */
  Failed: { why: Schema.String },
  /** There is nobody to be asked under that name. */
  Absent: {}
})
export type CanaryOutcome = typeof CanaryOutcome.Type

/** What a canary that passed has found out about its endpoint. */
export const knowledgeOf = (
  { binding, stepMillis }: Extract<CanaryOutcome, { readonly _tag: "Passed" }>
): EndpointKnowledge => ({ binding, longestStepMillis: stepMillis })

/**
 * Asks whether an engine, or an agent, answers at all. `EngineCanary.layer` asks an engine for three tokens; an engine of another
 * kind needs a canary of its own.
 */
export class Canary extends Context.Service<Canary, {
  /** Asks once. Takes a bounded time and never fails: whatever goes wrong is an outcome. */
  readonly check: (endpoint: string) => Effect.Effect<CanaryOutcome>
}>()("a2a-campaign/Canary") {
  /** There is no endpoint that could be asked. */
  static readonly layerNone: Layer.Layer<Canary> = Layer.succeed(Canary, {
    check: () => Effect.succeed(CanaryOutcome.cases.Absent.make({}))
  })

  /** A canary that answers as it is told. */
  static readonly layerTest = (check: Canary["Service"]["check"]): Layer.Layer<Canary> =>
    Layer.succeed(Canary, { check })
}
