/**
 * What a campaign is: everything that must be the same when it goes on after an interruption.
 *
 * It is stored with the campaign and holds no secret: keys stay in the environment of whoever runs it.
 */
import * as Schema from "effect/Schema"
import { Task } from "../grading/Task.ts"

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
  /** Silence of the engine hop after which an attempt is given up, in milliseconds. */
  stallLimitMillis: Schema.Finite.check(Schema.isGreaterThan(0))
})
export type Definition = typeof Definition.Type
