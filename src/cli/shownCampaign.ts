/**
 * A campaign for the web dashboard: what its store knew before the first event, and whose clock its events go by.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { basename } from "node:path"
import type { Campaign } from "../campaign/Campaign.ts"
import { LATE_MILLIS } from "../campaign/CampaignWatch.ts"
import * as StoredBattle from "../campaign/StoredBattle.ts"
import type { StoredCampaign } from "../campaign/StoredCampaign.ts"
import type { Holder } from "../campaign/StoreLock.ts"
import { KEPT } from "../web/Dashboard.ts"
import type { DashboardHistory } from "../web/DashboardHistory.ts"
import type { ShownCampaign } from "../web/WebDashboard.ts"

const historyOf = (database: string, { attempts }: StoredCampaign) =>
  Effect.map(
    StoredBattle.readEnded(database, { ended: KEPT.ended, stalled: KEPT.stalls }),
    ({ ended, epochs }): DashboardHistory => ({ attempts, ended, epochs })
  )

/** One that this process is about to run: its clock begins now. */
export const shownFromRunner = Effect.fnUntraced(function*(
  database: string,
  campaign: StoredCampaign,
  laneOf: Campaign["Service"]["laneOf"]
) {
  const shown: ShownCampaign = {
    file: basename(database),
    origin: yield* Clock.currentTimeMillis,
    atMillis: 0,
    lateMillis: 0,
    laneOfEndpoint: laneOf,
    history: yield* historyOf(database, campaign)
  }
  return shown
})

/** One that another process runs, which told its store when its clock began. */
export const shownFromOutside = Effect.fnUntraced(function*(
  database: string,
  campaign: StoredCampaign,
  { since }: Pick<Holder, "since">
) {
  const shown: ShownCampaign = {
    file: basename(database),
    origin: since,
    atMillis: (yield* Clock.currentTimeMillis) - since - LATE_MILLIS,
    lateMillis: LATE_MILLIS,
    // The store knows gates by their lanes.
    laneOfEndpoint: (endpoint) => endpoint,
    history: yield* historyOf(database, campaign)
  }
  return shown
})

/** One that nobody runs: its clock began when it was made. */
export const shownFromStore = Effect.fnUntraced(function*(database: string, campaign: StoredCampaign) {
  const shown = yield* shownFromOutside(database, campaign, { since: campaign.createdAt })
  return { ...shown, atMillis: shown.atMillis + LATE_MILLIS, lateMillis: 0 } satisfies ShownCampaign as ShownCampaign
})
