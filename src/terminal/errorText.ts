/**
 * Why an attempt was given up, in a line whose beginning says most: of a stall its kind and what proved it.
 *
 *     engine-hung: its counters stand still; proved, quiet 1:02
 */
import { describeLimit } from "../liveness/describeLimit.ts"
import type { RunError } from "../liveness/RunError.ts"
import { clockTime } from "./Quantities.ts"

export const errorText = (error: RunError): string => {
  if (error._tag !== "Stalled") return error.message
  const { confidence, kind, limit, proof, silentMillis } = error
  return proof === undefined
    ? `${kind}: no token for ${clockTime(silentMillis)}; ${confidence}, limit ${describeLimit(limit)}`
    : `${kind}: ${proof}; ${confidence}, quiet ${clockTime(silentMillis)}`
}
