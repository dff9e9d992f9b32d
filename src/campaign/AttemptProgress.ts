/**
 * What has come of an attempt since it was last told, for whoever looks from another terminal, and for what is left of it
 * if its process is killed.
 *
 * Texts and arrivals are only what is new; the number of tokens is of the whole attempt.
 */
import type { Phase } from "../liveness/Phase.ts"
import type { AttemptOutlook } from "./AttemptOutlook.ts"
import type { Battle } from "./Battle.ts"
import type { Arrival } from "./TokenTimings.ts"

/** What has come of one attempt since it was last told. */
export interface AttemptProgress {
  /** Its battle. */
  readonly battle: Battle
  /** What `CampaignStore.begin` gave. */
  readonly number: number
  /** What it does now. */
  readonly phase: Phase
  /** Of the attempt so far. */
  readonly tokens: number
  /** The text of the answer that is new. */
  readonly content: string
  /** The text of its thoughts that is new. */
  readonly reasoning: string
  /** In milliseconds since the attempt began. */
  readonly arrivals: ReadonlyArray<Arrival>
  /** As it is now; calm where it is not told. */
  readonly outlook?: AttemptOutlook
}
