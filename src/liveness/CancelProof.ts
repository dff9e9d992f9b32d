/**
 * Whether an engine is known to have dropped a request that was given up.
 *
 * Closing the socket is all we can do; vLLM then aborts the request, unless it hangs (aborts wait in a queue that is
 * drained after the blocking call), a proxy keeps the connection open, or the abort is lost.
 */
import * as Schema from "effect/Schema"

/** Whether the engine is known to have dropped the request of a run that was given up. */
export const CancelProof = Schema.Literals([
  /** The engine's metrics showed it, or its process is gone. */
  "confirmed",
  /** Nothing has shown it within the time allowed: it may still generate for nobody. */
  "unconfirmed"
])
export type CancelProof = typeof CancelProof.Type
