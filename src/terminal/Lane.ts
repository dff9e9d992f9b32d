/**
 * A lane of a campaign as a view shows it: how many of its battles may run at once, whether it begins any, and what those
 * that have ended cost, for an estimate of what is left.
 *
 * Only the last costs are kept: an engine is not as fast in the morning as it was at night.
 */
import { type Definition, lanesOf } from "../campaign/Definition.ts"

export interface Lane {
  readonly name: string
  /** Names of its agents. */
  readonly agents: ReadonlyArray<string>
  /** As many battles may run at once. */
  readonly most: number
  /** Why it begins no battle. */
  readonly halted: string | null
  /** How long the last battles that ended took, all their attempts together, in milliseconds; the newest last. */
  readonly costs: ReadonlyArray<number>
}

/** Costs that are kept. */
const COSTS_KEPT = 200

/** The lanes of a campaign that begins. */
export const lanesAtFirst = (definition: Definition): ReadonlyArray<Lane> =>
  lanesOf(definition).map(({ agents, concurrency, name }) => ({
    name,
    agents: agents.map((agent) => agent.name),
    most: concurrency._tag === "Fixed" ? concurrency.battles : concurrency.first,
    halted: null,
    costs: []
  }))

/** With something of the lane of that name changed. */
export const changed = (
  lanes: ReadonlyArray<Lane>,
  name: string,
  values: Partial<Pick<Lane, "halted" | "most">>
): ReadonlyArray<Lane> => lanes.map((lane) => lane.name === name ? { ...lane, ...values } : lane)

/** With the cost of one more battle of that agent. */
export const withCost = (lanes: ReadonlyArray<Lane>, agent: string, millis: number): ReadonlyArray<Lane> =>
  lanes.map((lane) =>
    lane.agents.includes(agent) ? { ...lane, costs: [...lane.costs.slice(1 - COSTS_KEPT), millis] } : lane
  )

/** The most battles that run at once now, over all lanes. */
export const mostAtOnce = (lanes: ReadonlyArray<Lane>): number => lanes.reduce((sum, { most }) => sum + most, 0)
