/**
 * How an agent of ours watches the hop behind it: the limits, and what follows from a verdict.
 */
import type { LivenessLimits } from "../liveness/LivenessLimits.ts"
import type { StallPolicy } from "../liveness/StallPolicy.ts"

export interface WatchSettings {
  /** The defaults unless given. */
  readonly limits?: LivenessLimits | undefined
  /** "enforce" unless given. */
  readonly stallPolicy?: StallPolicy | undefined
}
