/**
 * What follows when a run is found stalled, or its budget used up.
 */
import * as Schema from "effect/Schema"

export const StallPolicy = Schema.Literals([
  /** Nothing is looked at. */
  "off",
  /** It is told, and the run goes on. */
  "warn",
  /** The run is ended. */
  "enforce"
])
export type StallPolicy = typeof StallPolicy.Type
