/**
 * What the process that runs a campaign tells whoever asks for its status: what is known in no other row of the store.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { EngineLoad } from "./EngineLoad.ts"

/** Since when a gate is in its state, in milliseconds since 1970; `null` where it is trusted, or nobody has told. */
const SinceMillis = Schema.NullOr(Schema.Finite).pipe(Schema.withDecodingDefaultKey(Effect.succeed(null)))

/** How the process that runs a campaign is. */
export const RunnerState = Schema.Struct({
  /** Of the process. */
  pid: Schema.Int,
  /** In milliseconds since 1970. */
  updatedAt: Schema.Finite,
  /** Why nothing is begun any more; a clause. */
  stopping: Schema.NullOr(Schema.String).pipe(Schema.withDecodingDefaultKey(Effect.succeed(null))),
  /** The breakers of agents that are not played against as usual. */
  breakers: Schema.Array(Schema.Struct({
    agent: Schema.String,
    state: Schema.String,
    sinceMillis: SinceMillis,
    why: Schema.String
  })).pipe(Schema.withDecodingDefaultKey(Effect.succeed([]))),
  /** Of each lane: how much is in flight, and why nothing is begun. */
  lanes: Schema.Array(Schema.Struct({
    name: Schema.String,
    inFlight: Schema.Int,
    /** Most battles at once, at this moment. */
    concurrency: Schema.Int,
    /** The state of its gate, in words; `null` where nobody doubts it. */
    gate: Schema.NullOr(Schema.String),
    gateSinceMillis: SinceMillis,
    /** Why it is so, or what its user should do. */
    note: Schema.NullOr(Schema.String),
    /** What its engine is now, and why it is another one than before; `null` where nobody knows. */
    epoch: Schema.NullOr(Schema.Struct({
      models: Schema.String,
      roots: Schema.NullOr(Schema.String),
      startedAtMillis: Schema.NullOr(Schema.Finite),
      why: Schema.String
    })).pipe(Schema.withDecodingDefaultKey(Effect.succeed(null))),
    load: Schema.NullOr(EngineLoad).pipe(Schema.withDecodingDefaultKey(Effect.succeed(null)))
  }))
})
export type RunnerState = typeof RunnerState.Type
