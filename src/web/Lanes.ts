/**
 * The lanes of a campaign as the page shows them, its agents' breakers, and what happened to either: a pure reducer over
 * campaign events.
 *
 * Laws: what nobody has told is `null`; a gate or breaker is there while it is not closed, and so is never one of an
 * endpoint that nobody has tried yet; every change that somebody would want to know of is one notice.
 *
 * Gotcha: in the process that runs the campaign gates are named by the engine's address, elsewhere by the lane:
 * `laneOfEndpoint` knows.
 */
import type { CampaignEvent } from "../campaign/CampaignEvent.ts"
import { initial, limitOf } from "../campaign/ConcurrencyStep.ts"
import { type Definition, lanesOf } from "../campaign/Definition.ts"
import type { EngineEpoch } from "../campaign/EngineEpoch.ts"
import type { Epoch, Gate, Lane, Notice } from "./Frame.ts"
import { cut } from "./shownEnded.ts"

/** Without what is counted elsewhere. */
export type LaneState = Omit<Lane, "active">

export interface Lanes {
  readonly lanes: ReadonlyMap<string, LaneState>
  /** By the names of agents. */
  readonly breakers: ReadonlyMap<string, Gate>
}

/** The lanes before anything has happened, with the engines' epochs as they were stored. */
export const begin = (
  definition: Definition,
  agents: ReadonlyArray<string>,
  epochs: ReadonlyArray<EngineEpoch>
): Lanes => ({
  breakers: new Map(),
  lanes: new Map(
    lanesOf(definition).map(({ agents: own, concurrency, engine, name }) => [name, {
      name: cut(name),
      engine: engine === null ? null : cut(engine.name),
      agents: own.map((agent) => agents.indexOf(agent.name)),
      concurrency: limitOf(initial(concurrency)),
      gate: null,
      halted: null,
      epoch: epochOf(epochs.findLast((epoch) => epoch.engine === engine?.name)),
      load: null
    }])
  )
})

const epochOf = (epoch: EngineEpoch | undefined): Epoch | null =>
  epoch === undefined ? null : {
    models: cut(epoch.modelId),
    roots: epoch.modelRoot === null ? null : cut(epoch.modelRoot),
    startedAt: epoch.serverStartedAt
  }

export type LaneOfEndpoint = (endpoint: string) => string | undefined

/** The lanes after one more event, the same object where it says nothing of them. */
export const step = (lanes: Lanes, event: CampaignEvent, laneOfEndpoint: LaneOfEndpoint): Lanes => {
  switch (event._tag) {
    case "GateChanged":
    case "OperatorNeeded": {
      const gate = gateOf(event)
      if (event.of === "agent") return { ...lanes, breakers: replaced(lanes.breakers, event.endpoint, gate) }
      return changed(lanes, laneOfEndpoint(event.endpoint) ?? event.endpoint, { gate })
    }
    case "EpochBegan":
      return changed(lanes, `engine ${event.engine}`, {
        epoch: {
          models: cut(event.models),
          roots: event.roots === null ? null : cut(event.roots),
          startedAt: event.startedAtMillis
        }
      })
    case "LoadSeen":
      return changed(lanes, event.lane, {
        load: event.load === null ? null : { atMillis: Math.round(event.atMillis), ...event.load }
      })
    case "CampaignEnded":
      // Nobody reads it any more.
      return { ...lanes, lanes: new Map(Array.from(lanes.lanes, ([name, lane]) => [name, { ...lane, load: null }])) }
    case "LaneHalted":
      return changed(lanes, event.lane, { halted: event.why === null ? null : cut(event.why) })
    case "ConcurrencyChanged":
      return changed(lanes, event.lane, { concurrency: event.battles })
    default:
      return lanes
  }
}

const changed = (lanes: Lanes, name: string, change: Partial<LaneState>): Lanes => {
  const lane = lanes.lanes.get(name)
  return lane === undefined ? lanes : { ...lanes, lanes: new Map(lanes.lanes).set(name, { ...lane, ...change }) }
}

const replaced = (gates: ReadonlyMap<string, Gate>, name: string, gate: Gate | null): ReadonlyMap<string, Gate> => {
  const next = new Map(gates)
  if (gate === null) next.delete(name)
  else next.set(name, gate)
  return next
}

type GateEvent = Extract<CampaignEvent, { readonly _tag: "GateChanged" | "OperatorNeeded" }>

const gateOf = ({ endpoint, nextCanaryAtMillis, sinceMillis, state, untried, why }: GateEvent): Gate | null =>
  state === "closed" || untried ? null : { of: cut(endpoint), state, sinceMillis, why: cut(why), nextCanaryAtMillis }

/** What an event is worth saying, if it is. `lanes` are those before it. */
export const noticeOf = (lanes: Lanes, event: CampaignEvent, laneOfEndpoint: LaneOfEndpoint): Notice | undefined => {
  const notice = (kind: Notice["kind"], text: string, urgent = false): Notice => ({
    atMillis: Math.round(event.atMillis),
    kind,
    text: cut(text),
    urgent
  })
  switch (event._tag) {
    case "GateChanged": {
      const isAgent = event.of === "agent"
      const lane = laneOfEndpoint(event.endpoint) ?? event.endpoint
      const before = isAgent ? lanes.breakers.get(event.endpoint) : lanes.lanes.get(lane)?.gate
      const after = gateOf(event)
      if ((before?.state ?? "closed") === (after?.state ?? "closed")) return undefined
      const what = isAgent ? `the breaker of agent ${event.endpoint}` : `the gate of ${lane}`
      return after === null
        ? notice(isAgent ? "breaker" : "gate", `${what} is closed again: battles begin as usual`)
        : notice(isAgent ? "breaker" : "gate", `${what} is ${after.state}: ${event.why}`, after.state === "open")
    }
    case "OperatorNeeded":
      return notice("operator", event.message, true)
    case "EpochBegan":
      // The first epoch of an engine is no news.
      return event.isFirst ? undefined : notice("epoch", `engine ${event.engine} is another one: ${event.why}`)
    case "LaneHalted":
      return event.why === null
        ? notice("halt", `${event.lane} goes on`)
        : notice("halt", `${event.lane} begins nothing: ${event.why}`, true)
    case "ConcurrencyChanged":
      // Whoever looks from outside is told it again.
      return lanes.lanes.get(event.lane)?.concurrency === event.battles
        ? undefined
        : notice("concurrency", `${event.lane} plays at most ${event.battles} at once now`)
    case "ModeFound":
      return notice("mode", `agent ${event.agent} is followed by ${event.mode}: ${event.why}`)
    case "OutcomesChanged": {
      const { length } = event.battles
      const became = event.battles[0]?.outcome._tag === "Unscored" ? "without a score" : "pending again"
      return notice("outcomes", `${length} ${length === 1 ? "battle is" : "battles are"} ${became}: ${event.why}`)
    }
    case "Stopping":
      return notice("stopping", `nothing more is begun: ${event.why}`, true)
    default:
      return undefined
  }
}
