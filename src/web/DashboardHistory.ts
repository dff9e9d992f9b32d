/**
 * What a store knew of a campaign before anybody told its events: attempts that had ended, and what its engines were.
 */
import type { AttemptRecord } from "../campaign/AttemptRecord.ts"
import type { EngineEpoch } from "../campaign/EngineEpoch.ts"
import type { AttemptSummary } from "../campaign/StoredCampaign.ts"

export interface DashboardHistory {
  /** All that had ended. */
  readonly attempts: ReadonlyArray<Pick<AttemptSummary, "battle" | "number" | "tokens" | "verdict">>
  /** The last of them, and the last that stalled, without their texts and timings, in the order in which they ended. */
  readonly ended: ReadonlyArray<AttemptRecord>
  readonly epochs: ReadonlyArray<EngineEpoch>
}

/** Nothing was known. */
export const none: DashboardHistory = { attempts: [], ended: [], epochs: [] }
