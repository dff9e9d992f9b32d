/**
 * What a campaign is: everything that must be the same when it goes on after an interruption.
 *
 * It is stored with the campaign and holds no secret: keys stay in the environment of whoever runs it.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Task } from "../grading/Task.ts"
import { LivenessLimits } from "../liveness/LivenessLimits.ts"
import { StallPolicy } from "../liveness/StallPolicy.ts"

/** Where the agent under test is. */
export const Target = Schema.TaggedUnion({
  /** The simulated engine of this package, behind our own purple agent. */
  Demonstration: {},
  /** Any OpenAI-compatible engine, behind our own purple agent. */
  Engine: { url: Schema.String, model: Schema.String, maxTokens: Schema.Int },
  /** Any A2A agent. */
  Agent: { url: Schema.String }
})
export type Target = typeof Target.Type

export const Definition = Schema.Struct({
  id: Schema.NonEmptyString,
  /** What the agent under test is called in tables. */
  agent: Schema.NonEmptyString,
  target: Target,
  tasks: Schema.NonEmptyArray(Task),
  repetitions: Schema.Int.check(Schema.isGreaterThan(0)),
  concurrency: Schema.Int.check(Schema.isGreaterThan(0)),
  seed: Schema.Int,
  /** The numbers that decide about life, for every hop. */
  limits: LivenessLimits.pipe(Schema.withDecodingDefault(Effect.succeed({}))),
  /** What follows when a run is found stalled. */
  stallPolicy: StallPolicy.pipe(Schema.withDecodingDefault(Effect.succeed("enforce" as const))),
  /** What an attempt may take in all, in milliseconds; `null` for as long as it lives. */
  hardCapMillis: Schema.NullOr(Schema.Finite.check(Schema.isGreaterThan(0))).pipe(
    Schema.withDecodingDefault(Effect.succeed(null))
  )
})
export type Definition = typeof Definition.Type
