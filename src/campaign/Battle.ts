/**
 * One task × one agent × one repetition. It ends scored, unscored with a reason, or stays pending.
 *
 * The plan is a pure function of the definition. Its order covers first: every task once before any task twice, and
 * tasks of one round in an order drawn from the seed.
 */
import * as Schema from "effect/Schema"
import { Grade } from "../grading/Grade.ts"
import type { Definition } from "./Definition.ts"

/** What identifies a battle within its campaign. */
export const Battle = Schema.Struct({
  /** The id of its task. */
  task: Schema.String,
  /** The name of its agent. */
  agent: Schema.String,
  /** From 1. */
  repetition: Schema.Int
})
export type Battle = typeof Battle.Type

/** How a battle stands. */
export const Outcome = Schema.TaggedUnion({
  /** It is to be played, or is in flight. */
  Pending: {},
  /** It has a score, which is never taken back. */
  Scored: {
    /** Of the answer. */
    grade: Grade,
    /** The number of the attempt that gave it. */
    attempt: Schema.Int
  },
  /** It has no score and gets none, unless somebody opens it again. */
  Unscored: {
    /** Why, in a clause. */
    reason: Schema.String,
    /** The number of the attempt that ended so; 0 where none did. */
    attempt: Schema.Int
  }
})
export type Outcome = typeof Outcome.Type

/** What identifies a battle within its campaign. */
export const keyOf = (battle: Battle): string => `${battle.task} × ${battle.agent} #${battle.repetition}`

/** All battles of a campaign, in the order they are begun. */
export const plan = (definition: Definition): ReadonlyArray<Battle> => {
  const battles: Array<Battle> = []
  for (let repetition = 1; repetition <= definition.repetitions; repetition++) {
    const round = definition.agents.flatMap((agent) =>
      definition.tasks.map((task) => ({ task: task.id, agent: agent.name, repetition }))
    )
    const order = new Map(round.map((battle) => [battle, orderOf(definition.seed, battle)]))
    battles.push(...round.toSorted((a, b) => order.get(a)! - order.get(b)!))
  }
  return battles
}

/** Where a seed puts a battle among those that nothing else puts in order. */
export const orderOf = (seed: number, battle: Battle): number => hash(`${seed} ${keyOf(battle)}`)

/** FNV-1a, 32 bits: a fixed order for a seed, not a secret. */
const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  return value >>> 0
}
