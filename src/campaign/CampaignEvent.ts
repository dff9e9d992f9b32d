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
  /** Which battle. */
  readonly battle: Battle
  /** How it stands. */
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

/** What happens, each at its `atMillis`. */
export type CampaignEvent =
  | At & {
    readonly _tag: "CampaignBegan"
    /** What is played. */
    readonly definition: Definition
    /** Every battle with what is known of it from before. */
    readonly battles: ReadonlyArray<Standing>
    /** Nothing where events are told from the beginning. */
    readonly earlier?: Earlier
  }
  | At & {
    readonly _tag: "AttemptBegan"
    /** Which battle it is one try at. */
    readonly battle: Battle
    /** Counted from 1 within its battle. */
    readonly number: number
  }
  /** An agent is followed in a way that is not the best there is, for the first time. */
  | At & {
    readonly _tag: "ModeFound"
    /** Its name. */
    readonly agent: string
    /** How it is followed. */
    readonly mode: DeliveryMode
    /** A clause. */
    readonly why: string
  }
  | At & {
    readonly _tag: "TokensArrived"
    /** Whose attempt it is that is in flight. */
    readonly battle: Battle
    /** What the attempt does now. */
    readonly phase: Phase
    /** Tokens of the attempt so far. */
    readonly tokens: number
    /** Tokens of this arrival; 0 where only the phase changed. */
    readonly arrived: number
  }
  /** What is known of an attempt beside its tokens has changed; with its next token it is calm again, which is told, too. */
  | At & {
    readonly _tag: "OutlookChanged"
    /** Whose attempt it is. */
    readonly battle: Battle
    /** Counted from 1 within its battle. */
    readonly number: number
    /** What is known. */
    readonly outlook: AttemptOutlook
  }
  | At & {
    readonly _tag: "AttemptEnded"
    /** What it came to, also for its battle. */
    readonly record: AttemptRecord
  }
  | At & {
    readonly _tag: "RetryWaits"
    /** Which battle is tried again. */
    readonly battle: Battle
    /** From now, at least so many milliseconds. */
    readonly delayMillis: number
  }
  /** Battles have another outcome than before, and no attempt brought it: reopened or given up. */
  | At & {
    readonly _tag: "OutcomesChanged"
    /** Those battles. */
    readonly battles: ReadonlyArray<Standing>
    /** A clause. */
    readonly why: string
  }
  /** The gate of an engine is in another state, or somebody should look after it; its times are the campaign's. */
  | At & GateEvent & {
    /** Whose gate it is: that of an engine, or the breaker of an agent. */
    readonly of: "engine" | "agent"
  }
  /** An engine is another process, or serves another model, than before. */
  | At & { readonly _tag: "EpochBegan" } & EpochBegan
  /** What an engine says of its load, when that is read. */
  | At & {
    readonly _tag: "LoadSeen"
    /** That of the engine. */
    readonly lane: string
    /** `null` when it is not read any more. */
    readonly load: EngineLoad | null
  }
  /** A lane begins no battle any more, or does again. */
  | At & {
    readonly _tag: "LaneHalted"
    /** Its name. */
    readonly lane: string
    /** The reason, in a clause; `null` where it begins battles again. */
    readonly why: string | null
  }
  /** As many battles of a lane may run at once from now on. */
  | At & {
    readonly _tag: "ConcurrencyChanged"
    /** Its name. */
    readonly lane: string
    /** At most so many. */
    readonly battles: number
  }
  /** No battle is begun any more. */
  | At & {
    readonly _tag: "Stopping"
    /** A clause. */
    readonly why: string
  }
  | At & {
    readonly _tag: "CampaignEnded"
    /** How. */
    readonly end: RunEnd
  }
