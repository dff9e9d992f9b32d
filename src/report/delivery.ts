/**
 * How agents were followed, what their users asked for, and what that says of the token times.
 *
 * Why a mode was chosen is told while a battle runs and not stored with its attempt; what is said here follows from the
 * definition and from what the attempts ended with.
 */
import { DeliveryMode } from "../a2a/DeliveryMode.ts"
import type { AgentDefinition } from "../campaign/AgentDefinition.ts"
import type { BattleRow } from "./CampaignRows.ts"
import type { Delivery } from "./OutcomeReport.ts"

export const deliveryOf = (rows: ReadonlyArray<BattleRow>, agents: ReadonlyArray<AgentDefinition>): Delivery => {
  const byAgent = Map.groupBy(rows, ({ battle }) => battle.agent)
  return {
    query: "delivery",
    byAgent: agents.map((agent) => {
      const attempts = (byAgent.get(agent.name) ?? []).flatMap((row) => row.attempts)
      const modes = DeliveryMode.literals.flatMap((mode) => {
        const some = attempts.filter((attempt) => attempt.mode === mode)
        const untold = some.filter(({ tokenBasis }) => tokenBasis === "pieces").length
        return some.length === 0 ? [] : [{ mode, attempts: some.length, untold }]
      })
      return { agent: agent.name, asked: agent.following.mode, modes, why: whyOf(agent, modes.map(({ mode }) => mode)) }
    })
  }
}

const whyOf = ({ following, kind }: AgentDefinition, modes: ReadonlyArray<DeliveryMode>): string => {
  const others = modes.filter((mode) => mode !== following.mode)
  if (following.mode !== null) {
    return others.length === 0
      ? `mode ${following.mode} was asked for`
      : `mode ${following.mode} was asked for; where it ended as ${
        others.join(" or ")
      }, its connection broke or it refused`
  }
  if (following.tap !== null) return "a tap stands between it and its engine"
  if (kind._tag === "Model") return "our own agent in front of the engine tells every token"
  return modes.length < 2
    ? "the most that it can do, by its card and by what it then did"
    : "the most that it could do at each attempt; why is not stored"
}
