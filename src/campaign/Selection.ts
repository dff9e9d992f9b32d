/**
 * Some of a campaign's battles, as its user names them: by how they ended, by task, by agent. An empty list means any.
 */
import * as Schema from "effect/Schema"
import type { Battle } from "./Battle.ts"

/** Some of the battles of a campaign. */
export const Selection = Schema.Struct({
  /** How the attempt that left the battle so has ended; `unscored` is any end. */
  verdicts: Schema.Array(Schema.Literals(["stalled", "failed", "slow", "unscored"])),
  /** Ids of tasks. */
  tasks: Schema.Array(Schema.String),
  /** Names of agents. */
  agents: Schema.Array(Schema.String)
})
export type Selection = typeof Selection.Type

export const everything: Selection = { verdicts: [], tasks: [], agents: [] }

/** Whether its tasks and agents are the battle's; how the battle has ended is for the store to say. */
export const names = ({ agents, tasks }: Selection, battle: Battle): boolean =>
  (tasks.length === 0 || tasks.includes(battle.task)) && (agents.length === 0 || agents.includes(battle.agent))
