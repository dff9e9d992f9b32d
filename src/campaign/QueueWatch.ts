/**
 * How long requests wait in the engines of lanes that adapt their concurrency: asked now and then, and told to the reducer.
 */
import * as Effect from "effect/Effect"
import { CampaignEngines } from "./CampaignEngines.ts"
import type { CampaignLane } from "./CampaignLane.ts"
import * as ConcurrencyStep from "./ConcurrencyStep.ts"
import type { RunningCampaign } from "./RunningCampaign.ts"

const BETWEEN_LOOKS_MILLIS = 5_000

/** Tells the lane's concurrency something, and everybody if it has changed. */
export const adapt = (
  running: RunningCampaign,
  lane: CampaignLane,
  input: ConcurrencyStep.ConcurrencyInput
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const before = lane.limit
    lane.concurrency = ConcurrencyStep.step(lane.concurrency, input)
    return lane.limit === before
      ? Effect.void
      : running.tell({ _tag: "ConcurrencyChanged", lane: lane.name, battles: lane.limit })
  })

const watchLane = Effect.fnUntraced(function*(running: RunningCampaign, lane: CampaignLane) {
  const { engine } = lane.lane
  if (engine === null || !lane.concurrency.adapts) return
  const engines = yield* CampaignEngines
  let before = yield* engines.queueTimes(engine.name)
  let sinceMillis = running.now()
  while (true) {
    yield* Effect.sleep(BETWEEN_LOOKS_MILLIS)
    const after = yield* engines.queueTimes(engine.name)
    const at = running.now()
    const requests = before === undefined || after === undefined ? 0 : after.requests - before.requests
    // Fewer than before: another process.
    if (after !== undefined && before !== undefined && requests > 0) {
      yield* adapt(running, lane, {
        _tag: "Queued",
        at,
        sinceMillis,
        seconds: (after.seconds - before.seconds) / requests
      })
      running.wake()
    }
    before = after
    sinceMillis = at
  }
})

/** Watches the queues of all lanes. */
export const watch = (running: RunningCampaign) =>
  Effect.forEach(running.lanes.values(), (lane) => watchLane(running, lane), {
    concurrency: "unbounded",
    discard: true
  })
