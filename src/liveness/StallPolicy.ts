/**
 * What follows when a run is found stalled, or its budget used up.
 */
import * as Schema from "effect/Schema"

/** What follows when a run is found stalled, or its budget used up. */
export const StallPolicy = Schema.Literals([
  /** Nothing is looked at. */
  "off",
  /** It is told, and the run goes on. */
  "warn",
  /** The run is ended. */
  "enforce"
])
export type StallPolicy = typeof StallPolicy.Type

/** What each of them means to the person who chooses. */
export const stallPolicyMeanings: Record<StallPolicy, string> = {
  enforce: "A run that is found hung is ended, and tried again where that may help.",
  warn: "A run that is found hung is told, and goes on. Nothing is ever ended for its silence.",
  off: "Nothing is looked at: no limit below has any effect, and a hung run is waited for without end."
}
