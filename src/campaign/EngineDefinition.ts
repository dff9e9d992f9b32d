/**
 * An inference server as a campaign names it. Agents that name the same one share its gate, its canary, its evidence and
 * its concurrency.
 *
 * Its key is never here: only the name of the environment variable that holds it.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Concurrency } from "./Concurrency.ts"

/** What follows when an engine serves another model than before: stop its battles, or mark an epoch and go on. */
export const ModelChangePolicy = Schema.Literals(["stop", "continue"])
export type ModelChangePolicy = typeof ModelChangePolicy.Type

export const EngineDefinition = Schema.Struct({
  name: Schema.NonEmptyString,
  /** Its OpenAI-compatible address, with `/v1`; `null` for the simulated engine of this package. */
  url: Schema.NullOr(Schema.String),
  /** Where its key is; `null` for `CAMPAIGN_API_KEY`, else `OPENAI_API_KEY`. */
  keyVariable: Schema.NullOr(Schema.NonEmptyString).pipe(Schema.withDecodingDefault(Effect.succeed(null))),
  /** `null` for the campaign's. */
  concurrency: Schema.NullOr(Concurrency).pipe(Schema.withDecodingDefault(Effect.succeed(null))),
  onModelChange: ModelChangePolicy.pipe(Schema.withDecodingDefault(Effect.succeed("stop" as const)))
})
export type EngineDefinition = typeof EngineDefinition.Type
