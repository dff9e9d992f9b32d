/**
 * Looks at the engines of a campaign: at its beginning, every minute, whenever a gate has let battles in again, and when an
 * engine has refused what it had taken before.
 *
 * A new epoch is stored before any attempt of it begins. A lane whose engine serves another model than it may is halted: it
 * begins nothing, and goes on if the model comes back.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { CampaignEngines } from "./CampaignEngines.ts"
import type { CampaignLane } from "./CampaignLane.ts"
import { CampaignStore } from "./CampaignStore.ts"
import * as EngineEpochStep from "./EngineEpochStep.ts"
import type { RunningCampaign } from "./RunningCampaign.ts"

const BETWEEN_LOOKS_MILLIS = 60_000

/** Looks at one lane's engine now. Fails only if the store does. */
export const look = Effect.fn("EpochWatch.look")(function*(running: RunningCampaign, lane: CampaignLane) {
  const { rules } = lane
  if (rules === undefined) return
  const engines = yield* CampaignEngines
  lane.lookedAtMillis = running.now()
  const seen = yield* engines.look(rules.engine)
  if (seen === undefined) return
  const haltedBefore = lane.halted
  const [next, began] = EngineEpochStep.step(lane.epochs, seen, rules)
  if (began !== undefined) {
    const store = yield* CampaignStore
    const beganAt = yield* Clock.currentTimeMillis
    lane.epoch = yield* store.epoch({
      engine: began.engine,
      modelId: began.models,
      modelRoot: began.roots,
      serverStartedAt: began.startedAtMillis,
      beganAt
    })
    const model = EngineEpochStep.servedFirst(next)
    if (rules.anyModel && model !== undefined) yield* engines.serve(rules.engine, model)
  }
  lane.epochs = next
  if (began !== undefined) {
    lane.epochTold = began
    yield* running.tell({ _tag: "EpochBegan", ...began })
  }
  // A canary that asks for a model that is gone would keep them waiting for ever.
  if (next.halted !== null) lane.release()
  if (next.halted !== haltedBefore) {
    yield* running.tell({ _tag: "LaneHalted", lane: lane.name, why: next.halted })
    running.wake()
  }
})

/** Whether what is known of an engine is older than the last change of its gate. */
export const isStale = (lane: CampaignLane, gateSinceMillis: number): boolean => lane.lookedAtMillis < gateSinceMillis

/** Looks at all engines, now and then. */
export const watch = (running: RunningCampaign) =>
  Effect.forever(
    Effect.andThen(
      Effect.sleep(BETWEEN_LOOKS_MILLIS),
      // An iterator of the lanes would be at its end after the first time.
      Effect.forEach([...running.lanes.values()], (lane) => look(running, lane), {
        concurrency: "unbounded",
        discard: true
      })
    )
  )
