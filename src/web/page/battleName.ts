/**
 * The names of a battle, from its places in the plan, as lines that are harmless to show.
 */
import type { Campaign, Named } from "../Frame.ts"
import { singleLine } from "./harmless.ts"
import { nameAt } from "./PageState.ts"

export interface BattleName {
  readonly task: string
  readonly agent: string
  readonly repetition: number
}

/** The longest name of a task or an agent that is shown, in characters. */
const LONGEST = 120

/** A task's or an agent's name by its place. */
export const nameOf = (names: ReadonlyArray<string>, place: number): string => singleLine(nameAt(names, place), LONGEST)

/** The names of a battle. */
export const battleName = ({ agents, tasks }: Campaign, { agent, repetition, task }: Named): BattleName => ({
  task: nameOf(tasks, task),
  agent: nameOf(agents, agent),
  repetition
})

/** `task × agent #1`, with the number kept at the agent's name. */
export const fullName = (campaign: Campaign, named: Named): string => {
  const { agent, repetition, task } = battleName(campaign, named)
  return `${task} × ${agent}\u00a0#${repetition}`
}
