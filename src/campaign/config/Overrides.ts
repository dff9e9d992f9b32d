/**
 * What was asked for on the command line or in variables, which wins over the file, with where it was asked for.
 */
import type { DeliveryMode } from "../../a2a/DeliveryMode.ts"
import type { LivenessLimits } from "../../liveness/LivenessLimits.ts"
import type { StallPolicy } from "../../liveness/StallPolicy.ts"
import type { TapAddress } from "../AgentFollowing.ts"
import type { Concurrency } from "../Concurrency.ts"

export interface Override<A> {
  readonly value: A
  /** `--repeat` or `CAMPAIGN_REPEAT`. */
  readonly origin: string
}

export interface Overrides {
  readonly repetitions?: Override<number>
  readonly seed?: Override<number>
  readonly concurrency?: Override<Concurrency>
  /** Of all agents with a model. */
  readonly maxTokens?: Override<number>
  readonly stallPolicy?: Override<StallPolicy>
  /** In milliseconds. Sets all limits of silence, over those of the file. */
  readonly stallLimitMillis?: Override<number>
  /** One limit each, over the stall limit. */
  readonly limits?: Override<Partial<LivenessLimits>>
  /** Of all agents at an address. */
  readonly mode?: Override<DeliveryMode>
  /** Likewise. */
  readonly tap?: Override<TapAddress>
  readonly hardCapMillis?: Override<number>
}
