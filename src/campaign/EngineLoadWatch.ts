/**
 * Tells what the engines of a campaign say of their load, as often as their metrics are read for their battles: nobody asks
 * them for this. While nobody reads them, nothing is known.
 */
import * as Effect from "effect/Effect"
import { CampaignEngines } from "./CampaignEngines.ts"
import type { CampaignLane } from "./CampaignLane.ts"
import * as EngineLoad from "./EngineLoad.ts"
import type { RunningCampaign } from "./RunningCampaign.ts"

const BETWEEN_LOOKS_MILLIS = 1000

const watchLane = Effect.fnUntraced(function*(running: RunningCampaign, lane: CampaignLane) {
  const { engine } = lane.lane
  if (engine === null) return
  const engines = yield* CampaignEngines
  let before: EngineLoad.Scraped | undefined
  while (true) {
    yield* Effect.sleep(BETWEEN_LOOKS_MILLIS)
    const scraped = yield* engines.scraped(engine.name)
    if (scraped?.atMillis === before?.atMillis) continue
    lane.load = scraped === undefined ? null : EngineLoad.between(before, scraped)
    before = scraped
    yield* running.tell({ _tag: "LoadSeen", lane: lane.name, load: lane.load })
  }
})

/** Watches the engines of all lanes. */
export const watch = (running: RunningCampaign) =>
  Effect.forEach(running.lanes.values(), (lane) => watchLane(running, lane), {
    concurrency: "unbounded",
    discard: true
  })
