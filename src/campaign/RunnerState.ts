/**
 * What the process that runs a campaign tells whoever asks for its status: what is known in no other row of the store.
 */
import * as Schema from "effect/Schema"

export const RunnerState = Schema.Struct({
  pid: Schema.Int,
  /** In milliseconds since 1970. */
  updatedAt: Schema.Finite,
  lanes: Schema.Array(Schema.Struct({
    name: Schema.String,
    inFlight: Schema.Int,
    /** Most battles at once, at this moment. */
    concurrency: Schema.Int,
    /** The state of its gate, in words; `null` where nobody doubts it. */
    gate: Schema.NullOr(Schema.String),
    /** Why it is so, or what its user should do. */
    note: Schema.NullOr(Schema.String)
  }))
})
export type RunnerState = typeof RunnerState.Type
