/** What a campaign runs on in a test of this process: a store in memory, which the test may look into, and no sandbox. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import type { CampaignParts } from "../../src/campaign/CampaignParts.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import * as NodeSqlite from "../../src/campaign/NodeSqlite.ts"
import { EngineParts } from "../../src/campaign/parts/EngineParts.ts"
import { make } from "../../src/campaign/parts/makeCampaign.ts"
import type { StartedEngines } from "../../src/campaign/parts/StartedEngines.ts"
import type { StartedTaps } from "../../src/campaign/parts/StartedTaps.ts"
import * as StoredLimitLearner from "../../src/campaign/StoredLimitLearner.ts"
import { Sandbox } from "../../src/grading/Sandbox.ts"
import type { LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"

export const memoryServices = (limits: LivenessLimits) =>
  Layer.fresh(Layer.mergeAll(
    Sandbox.layerWith({ kinds: [] }),
    A2aClient.layer,
    EngineParts.layerWith({}),
    Ticker.layer(limits.tickMillis),
    StoredLimitLearner.layer().pipe(
      Layer.provideMerge(CampaignStore.layerNoDeps),
      Layer.provideMerge(NodeSqlite.layer({ filename: ":memory:", create: true }))
    )
  ))

/** The campaign that the store holds, with what has been started for it. */
export const campaignOf = Effect.fnUntraced(function*(
  definition: Definition,
  engines: StartedEngines = new Map(),
  taps: StartedTaps = new Map(),
  parts: CampaignParts = {}
) {
  const services = yield* Effect.context<A2aClient | EngineParts | Sandbox | Ticker>()
  return yield* make({ definition, engines, parts, services, taps })
})

/** Plays a campaign to its end and gives what happened. */
export const playInMemory = Effect.fnUntraced(function*(
  definition: Definition,
  engines: StartedEngines = new Map(),
  taps: StartedTaps = new Map()
) {
  const store = yield* CampaignStore
  yield* store.create(definition, null)
  const campaign = yield* campaignOf(definition, engines, taps)
  const events: Array<CampaignEvent> = []
  const { end } = yield* campaign.play({ onEvent: (event) => Effect.sync(() => void events.push(event)) })
  return { end, events, campaign: yield* Effect.flatMap(store.load, Effect.fromOption) }
})
