/**
 * What a running campaign lays out on its desk once a second: what has come of the attempts in flight, and how its lanes are,
 * for whoever asks from another terminal.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { AgentBreaker } from "../liveness/AgentBreaker.ts"
import { EngineGate } from "../liveness/EngineGate.ts"
import type { CampaignLane } from "./CampaignLane.ts"
import { RunnerDesk } from "./RunnerDesk.ts"
import type { RunningCampaign } from "./RunningCampaign.ts"

const BETWEEN_REPORTS_MILLIS = 1000

/** A time of the monotonic clock in milliseconds since 1970, for processes with another one. */
const wallTimeOf = Effect.fnUntraced(function*(monotonicMillis: number) {
  const clock = yield* Clock.Clock
  return clock.currentTimeMillisUnsafe() - (Number(clock.monotonicTimeNanosUnsafe()) / 1e6 - monotonicMillis)
})

const laneOf = Effect.fnUntraced(
  function*(running: RunningCampaign, { epochTold, halted, lane, limit, load, name }: CampaignLane) {
    const gate = yield* EngineGate
    const endpoint = running.seats.get(lane.agents[0]!.name)?.endpoint ?? ""
    const { sinceMillis, state, untried, why } = yield* gate.state(endpoint)
    const isShut = state !== "closed" && !untried
    return {
      name,
      // A battle that waits at its gate has a place in the lane, and no attempt.
      inFlight: running.inFlight.countOf(lane.agents.map((agent) => agent.name)),
      concurrency: limit,
      gate: isShut ? state : null,
      gateSinceMillis: isShut ? yield* wallTimeOf(sinceMillis) : null,
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
    ({ name }) => Effect.map(breaker.state(name), (view) => ({ ...view, agent: name }))
  )
  return yield* Effect.forEach(
    views.filter(({ state, untried }) => state !== "closed" && !untried),
    ({ agent, sinceMillis, state, why }) =>
      Effect.map(wallTimeOf(sinceMillis), (since) => ({ agent, state, sinceMillis: since, why }))
  )
})

/** Reports until it is interrupted. Fails only if the desk does. */
export const watch = Effect.fnUntraced(function*(running: RunningCampaign) {
  const desk = yield* RunnerDesk
  while (true) {
    yield* Effect.sleep(BETWEEN_REPORTS_MILLIS)
    const news = running.inFlight.news()
    if (news.length > 0) yield* desk.advance(news)
    const lanes = yield* Effect.forEach(running.lanes.values(), (lane) => laneOf(running, lane))
    yield* desk.report({
      pid: process.pid,
      updatedAt: yield* Clock.currentTimeMillis,
      stopping: running.stop?.why ?? null,
      breakers: yield* breakersOf(running),
      lanes
    })
  }
})
