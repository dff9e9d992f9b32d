/**
 * A stretch of time in which one engine served one model without a restart. Attempts name theirs, so that results of
 * before and after a restart can be told apart.
 */
import * as Schema from "effect/Schema"

const fields = {
  /** The name of the engine in the definition. */
  engine: Schema.String,
  modelId: Schema.String,
  /** What the served model was made from, where the engine says. */
  modelRoot: Schema.NullOr(Schema.String),
  /** In milliseconds since 1970, where the engine says. */
  serverStartedAt: Schema.NullOr(Schema.Finite),
  /** When we first saw it, in milliseconds since 1970. */
  beganAt: Schema.Finite
}

/** An epoch that is to be stored. */
export const NewEpoch = Schema.Struct(fields)
export type NewEpoch = typeof NewEpoch.Type

/** An epoch that is stored. */
export const EngineEpoch = Schema.Struct({
  /** What attempts name it by. */
  id: Schema.Int,
  ...fields
})
export type EngineEpoch = typeof EngineEpoch.Type
