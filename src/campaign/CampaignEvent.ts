/**
 * What happens in a campaign, as its views see it. Times are milliseconds since the campaign was begun or resumed.
 */
import type { GateEvent } from "../liveness/EngineGate.ts"
import type { Phase } from "../liveness/Phase.ts"
import type { AttemptRecord } from "./AttemptRecord.ts"
import type { Battle, Outcome } from "./Battle.ts"
import type { Definition } from "./Definition.ts"

export type CampaignEvent =
  | {
    readonly _tag: "CampaignBegan"
    readonly atMillis: number
    readonly definition: Definition
    /** Every battle with what is known of it from before. */
    readonly battles: ReadonlyArray<{ readonly battle: Battle; readonly outcome: Outcome }>
  }
  | { readonly _tag: "AttemptBegan"; readonly atMillis: number; readonly battle: Battle; readonly number: number }
  | {
    readonly _tag: "TokensArrived"
    readonly atMillis: number
    readonly battle: Battle
    readonly phase: Phase
    /** Tokens of the attempt so far. */
    readonly tokens: number
    /** Tokens of this arrival; 0 where only the phase changed. */
    readonly arrived: number
  }
  | { readonly _tag: "AttemptEnded"; readonly atMillis: number; readonly record: AttemptRecord }
  | { readonly _tag: "RetryWaits"; readonly atMillis: number; readonly battle: Battle; readonly delayMillis: number }
  /** The gate of an engine is in another state, or somebody should look after it; its times are the campaign's. */
  | GateEvent & { readonly atMillis: number }
  | { readonly _tag: "CampaignEnded"; readonly atMillis: number }
