/**
 * A campaign as its store gives it back: everything but transcripts and timings, which are large and only read one by one.
 */
import * as Schema from "effect/Schema"
import { DeliveryMode } from "../a2a/DeliveryMode.ts"
import { TokenBasis, Verdict } from "./AttemptVerdict.ts"
import { Battle, type Outcome } from "./Battle.ts"
import type { Tried } from "./BattleHistories.ts"
import type { Definition } from "./Definition.ts"

/**
 * What its user wants of a campaign. `running` says that it is to be run, not that a process does: that is what
 * `StoreLock.holder` says.
 */
export const CampaignState = Schema.Literals(["running", "paused", "cancelled", "ended"])
export type CampaignState = typeof CampaignState.Type

/** What is known of an attempt when it begins. */
export const AttemptStart = Schema.Struct({
  /** In milliseconds since 1970. */
  startedAt: Schema.Finite,
  /** Of its engine, where it is known: an `EngineEpoch`. */
  epoch: Schema.NullOr(Schema.Int)
})
export type AttemptStart = typeof AttemptStart.Type

/**
 * What an attempt's end made of its battle: `counted` if it settled it, `kept` if it is still pending, `superseded` if the
 * attempt came too late to be of any effect.
 */
export type Recorded = "counted" | "kept" | "superseded"

/** What is known of an attempt that has ended, without its transcript. */
export const AttemptSummary = Schema.Struct({
  /** The battle that it was one try at. */
  battle: Battle,
  /** Counted from 1 within its battle. */
  number: Schema.Int,
  /** How it ended. */
  verdict: Verdict,
  /** When it began, in milliseconds since 1970. */
  startedAt: Schema.Finite,
  /** Tokens received. */
  tokens: Schema.Int,
  /** What that number rests on: deltas, or the engine's own count. */
  tokenBasis: TokenBasis,
  /** How the agent was followed. */
  mode: DeliveryMode,
  /** Milliseconds; `null` where no token came. */
  timeToFirstTokenMillis: Schema.NullOr(Schema.Finite),
  /** After the first token; `null` where there is nothing to divide. */
  tokensPerSecond: Schema.NullOr(Schema.Finite),
  /** From its beginning to its end, in milliseconds. */
  durationMillis: Schema.Finite,
  /** It came too late to be of any effect. */
  superseded: Schema.Boolean,
  /** It uses up one of its battle's attempts. */
  charged: Schema.Boolean,
  /** The epoch of its engine; `null` where that was not known. */
  epoch: Schema.NullOr(Schema.Int)
})
export type AttemptSummary = typeof AttemptSummary.Type

/** A battle, and what became of it. */
export interface StoredBattle {
  /** Which battle. */
  readonly battle: Battle
  /** How it stands. */
  readonly outcome: Outcome
  /**
   * What its attempts ended with that stalled, were slow or failed, since it was last opened again, oldest first. Empty
   * where the battle is not pending.
   */
  readonly history: ReadonlyArray<Tried>
  /** Attempts begun so far, of any kind. */
  readonly attempts: number
}

/** A campaign, as it is stored. */
export interface StoredCampaign {
  /** What it was begun with, as last extended. */
  readonly definition: Definition
  /** `null` where an earlier release wrote it. */
  readonly configHash: string | null
  /** Whether it runs, and if not, why. */
  readonly state: CampaignState
  /** In milliseconds since 1970. */
  readonly createdAt: number
  /** In the order of the plan; what an extension added comes after it. */
  readonly battles: ReadonlyArray<StoredBattle>
  /** Those that have ended, in the order in which they began. */
  readonly attempts: ReadonlyArray<AttemptSummary>
}
