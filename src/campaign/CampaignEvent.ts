/**
 * What happens in a campaign, as its views see it. Times are milliseconds since the campaign was begun or resumed.
 */
import type { DeliveryMode } from "../a2a/DeliveryMode.ts"
import type { GateEvent } from "../liveness/EngineGate.ts"
import type { Phase } from "../liveness/Phase.ts"
import type { AttemptOutlook } from "./AttemptOutlook.ts"
import type { AttemptRecord } from "./AttemptRecord.ts"
import type { Battle, Outcome } from "./Battle.ts"
import type { Definition } from "./Definition.ts"
import type { EpochBegan } from "./EngineEpochStep.ts"
import type { EngineLoad } from "./EngineLoad.ts"
import type { RunEnd } from "./RunEnd.ts"
import type { AttemptSummary } from "./StoredCampaign.ts"

interface At {
  readonly atMillis: number
}

/** A battle with what is known of it. */
export interface Standing {
  readonly battle: Battle
  readonly outcome: Outcome
}

/** An attempt that had ended before anybody looked. */
interface EarlierAttempt extends Pick<AttemptSummary, "battle" | "durationMillis" | "number" | "tokens" | "verdict"> {
  /** When it ended. */
  readonly atMillis: number
}

/** What has happened since the time 0 of the events, told by somebody who began to look later. */
export interface Earlier {
  /** In the order in which they ended. */
  readonly attempts: ReadonlyArray<EarlierAttempt>
  /** The last of them, with what became of them. */
  readonly ended: ReadonlyArray<At & { readonly record: AttemptRecord }>
}

export type CampaignEvent =
  | At & {
    readonly _tag: "CampaignBegan"
    readonly definition: Definition
    /** Every battle with what is known of it from before. */
    readonly battles: ReadonlyArray<Standing>
    /** Nothing where events are told from the beginning. */
    readonly earlier?: Earlier
  }
  | At & { readonly _tag: "AttemptBegan"; readonly battle: Battle; readonly number: number }
  /** An agent is followed in a way that is not the best there is, for the first time; `why` is a clause. */
  | At & { readonly _tag: "ModeFound"; readonly agent: string; readonly mode: DeliveryMode; readonly why: string }
  | At & {
    readonly _tag: "TokensArrived"
    readonly battle: Battle
    readonly phase: Phase
    /** Tokens of the attempt so far. */
    readonly tokens: number
    /** Tokens of this arrival; 0 where only the phase changed. */
    readonly arrived: number
  }
  /** What is known of an attempt beside its tokens has changed; with its next token it is calm again, which is told, too. */
  | At & {
    readonly _tag: "OutlookChanged"
    readonly battle: Battle
    readonly number: number
    readonly outlook: AttemptOutlook
  }
  | At & { readonly _tag: "AttemptEnded"; readonly record: AttemptRecord }
  | At & { readonly _tag: "RetryWaits"; readonly battle: Battle; readonly delayMillis: number }
  /** Battles have another outcome than before, and no attempt brought it: reopened or given up. `why` is a clause. */
  | At & { readonly _tag: "OutcomesChanged"; readonly battles: ReadonlyArray<Standing>; readonly why: string }
  /** The gate of an engine is in another state, or somebody should look after it; its times are the campaign's. */
  | At & GateEvent & { readonly of: "engine" | "agent" }
  /** An engine is another process, or serves another model, than before. */
  | At & { readonly _tag: "EpochBegan" } & EpochBegan
  /** What an engine says of its load, when that is read; `null` when it is not read any more. */
  | At & { readonly _tag: "LoadSeen"; readonly lane: string; readonly load: EngineLoad | null }
  /** A lane begins no battle any more, with a reason, or does again. */
  | At & { readonly _tag: "LaneHalted"; readonly lane: string; readonly why: string | null }
  /** As many battles of a lane may run at once from now on. */
  | At & { readonly _tag: "ConcurrencyChanged"; readonly lane: string; readonly battles: number }
  /** No battle is begun any more; `why` is a clause. */
  | At & { readonly _tag: "Stopping"; readonly why: string }
  | At & { readonly _tag: "CampaignEnded"; readonly end: RunEnd }
