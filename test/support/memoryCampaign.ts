/** What a campaign runs on in a test of this process: a store in memory, which the test may look into, and no sandbox. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { BattleQueue } from "../../src/campaign/BattleQueue.ts"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import * as CampaignRunner from "../../src/campaign/CampaignRunner.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import * as NodeSqlite from "../../src/campaign/NodeSqlite.ts"
import * as StoredLimitLearner from "../../src/campaign/StoredLimitLearner.ts"
import * as EmbeddedAgents from "../../src/cli/EmbeddedAgents.ts"
import type { StartedEngines } from "../../src/cli/startedEngines.ts"
import type { StartedTaps } from "../../src/cli/startedTaps.ts"
import { Sandbox } from "../../src/grading/Sandbox.ts"
import type { LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"

export const memoryServices = (limits: LivenessLimits) =>
  Layer.fresh(Layer.mergeAll(
    Sandbox.layerWith({ kinds: [] }),
    A2aClient.layer,
    Ticker.layer(limits.tickMillis),
    StoredLimitLearner.layer().pipe(
      Layer.provideMerge(CampaignStore.layerNoDeps),
      Layer.provideMerge(NodeSqlite.layer({ filename: ":memory:", create: true }))
    )
  ))

/** Plays a campaign to its end and gives what happened. */
export const playInMemory = Effect.fnUntraced(function*(
  definition: Definition,
  engines: StartedEngines = new Map(),
  taps: StartedTaps = new Map()
) {
  const store = yield* CampaignStore
  yield* store.create(definition, null)
  const { seats, services } = yield* EmbeddedAgents.start(definition, engines, taps)
  const events: Array<CampaignEvent> = []
  const end = yield* CampaignRunner.run({
    campaign: yield* Effect.flatMap(store.load, Effect.fromOption),
    seats,
    onEvent: (event) => Effect.sync(() => void events.push(event))
  }).pipe(Effect.provide(services), Effect.provide(BattleQueue.layerMemory))
  return { end, events, campaign: yield* Effect.flatMap(store.load, Effect.fromOption) }
})
