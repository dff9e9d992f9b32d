/**
 * The battles of an assessment, in the order in which they are begun and in which their results stand.
 *
 * Laws: every task meets every participant as often as there are repetitions; every task is played once before any is
 * played twice, and every pair once before any is repeated, so that what an assessment knows when it is cut short is spread
 * as evenly as it can be; participants take turns within a round of tasks. Equal requests with equal seeds give equal plans;
 * without a seed tasks and participants stand as they were named.
 */
import { createHash } from "node:crypto"
import type { Task } from "../grading/Task.ts"

export interface Participant {
  readonly role: string
  readonly url: string
}

/** One task against one participant, once. */
export interface PlannedBattle extends Participant {
  readonly task: Task
  /** From 1. */
  readonly repetition: number
}

export interface PlanOptions {
  readonly tasks: ReadonlyArray<Task>
  readonly participants: ReadonlyArray<Participant>
  readonly repetitions: number
  /** `undefined`: in the order in which tasks and participants were named. */
  readonly seed: number | undefined
}

/** The battles in their order. */
export const planOf = ({ participants, repetitions, seed, tasks }: PlanOptions): ReadonlyArray<PlannedBattle> => {
  const battles: Array<PlannedBattle> = []
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    for (let round = 0; round < participants.length; round++) {
      for (const index of orderOf(tasks.length, seed, `${repetition} ${round}`)) {
        const { role, url } = participants[(index + round) % participants.length]!
        battles.push({ task: tasks[index]!, role, url, repetition })
      }
    }
  }
  return battles
}

/** The numbers 0 to `length` - 1, shuffled where there is a seed. */
const orderOf = (length: number, seed: number | undefined, part: string): ReadonlyArray<number> => {
  const order = Array.from({ length }, (_, index) => index)
  if (seed === undefined) return order
  const places = order.map((index) => createHash("sha256").update(`${seed} ${part} ${index}`).digest("hex"))
  return order.toSorted((left, right) => places[left]! < places[right]! ? -1 : 1)
}
