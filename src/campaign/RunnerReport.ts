/**
 * What a running campaign tells its store once a second: what has come of the attempts in flight, and how its lanes are,
 * for whoever asks from another terminal.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { AgentBreaker } from "../liveness/AgentBreaker.ts"
import { EngineGate } from "../liveness/EngineGate.ts"
import type { CampaignLane } from "./CampaignLane.ts"
import { CampaignStore } from "./CampaignStore.ts"
import type { RunningCampaign } from "./RunningCampaign.ts"

const BETWEEN_REPORTS_MILLIS = 1000

const laneOf = Effect.fnUntraced(
  function*(running: RunningCampaign, { epochTold, halted, inFlight, lane, limit, load, name }: CampaignLane) {
    const gate = yield* EngineGate
    const endpoint = running.seats.get(lane.agents[0]!.name)?.endpoint ?? ""
    const { state, untried, why } = yield* gate.state(endpoint)
    const isShut = state !== "closed" && !untried
    return {
      name,
      inFlight,
      concurrency: limit,
      gate: isShut ? state : null,
      note: halted ?? (isShut ? why : null),
      epoch: epochTold,
      load
    }
  }
)

const breakersOf = Effect.fnUntraced(function*({ definition }: RunningCampaign) {
  const breaker = yield* AgentBreaker
  const views = yield* Effect.forEach(
    definition.agents,
    ({ name }) => Effect.map(breaker.state(name), ({ state, untried, why }) => ({ agent: name, state, untried, why }))
  )
  return views.filter(({ state, untried }) => state !== "closed" && !untried)
    .map(({ agent, state, why }) => ({ agent, state, why }))
})

/** Reports until it is interrupted. Fails only if the store does. */
export const watch = Effect.fnUntraced(function*(running: RunningCampaign) {
  const store = yield* CampaignStore
  while (true) {
    yield* Effect.sleep(BETWEEN_REPORTS_MILLIS)
    const news = running.inFlight.news()
    if (news.length > 0) yield* store.advance(news)
    const lanes = yield* Effect.forEach(running.lanes.values(), (lane) => laneOf(running, lane))
    yield* store.runner({
      pid: process.pid,
      updatedAt: yield* Clock.currentTimeMillis,
      stopping: running.stop?.why ?? null,
      breakers: yield* breakersOf(running),
      lanes
    })
  }
})
