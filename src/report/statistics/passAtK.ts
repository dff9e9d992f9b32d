/**
 * How likely k tries at a task are to have at least one that passes (pass@k), and all k (pass^k).
 *
 * Of n repetitions with c passes, any k could have been the tries. The share of such choices that hold a pass is the
 * unbiased estimate (Chen and others 2021, "Evaluating Large Language Models Trained on Code", equation 1), and the share
 * of those that hold nothing else is that of pass^k (Yao and others 2024, "tau-bench"). 1 - (1 - c/n)^k is biased: too low.
 *
 * A task with fewer than k repetitions says nothing of k tries, and is left out. Tasks count the same, whatever their
 * repetitions, and are what was sampled: see clusteredMean.ts.
 */
import { type ClusteredMean, clusteredMean } from "./clusteredMean.ts"

/** The repetitions of one task that have a score, and how many of them passed. */
export interface Repetitions {
  readonly trials: number
  readonly passed: number
}

/** 1 - C(n - c, k) / C(n, k): the chance of at least one pass in k tries, k >= 1; null with fewer repetitions than k. */
export const passAtK = ({ passed, trials }: Repetitions, k: number): number | null => {
  if (trials < k) return null
  // Would k tries fit into what failed? If not, every choice holds a pass.
  if (trials - passed < k) return 1
  return 1 - choices(trials - passed, trials, k)
}

/** C(c, k) / C(n, k): the chance that k tries all pass, k >= 1; null with fewer repetitions than k. */
export const passAllK = ({ passed, trials }: Repetitions, k: number): number | null =>
  trials < k ? null : choices(passed, trials, k)

/** C(some, k) / C(all, k), as a product of factors from 0 to 1. */
const choices = (some: number, all: number, k: number): number => {
  let share = 1
  for (let taken = 0; taken < k; taken++) share *= Math.max(0, some - taken) / (all - taken)
  return share
}

/** The mean over the tasks that have k repetitions or more; null where none has. `clusters` says how many have. */
export const meanPassAtK = (
  tasks: ReadonlyArray<Repetitions>,
  k: number,
  confidence: number
): ClusteredMean | null => overTasks(tasks, (task) => passAtK(task, k), confidence)

/** The same of pass^k. */
export const meanPassAllK = (
  tasks: ReadonlyArray<Repetitions>,
  k: number,
  confidence: number
): ClusteredMean | null => overTasks(tasks, (task) => passAllK(task, k), confidence)

const overTasks = (
  tasks: ReadonlyArray<Repetitions>,
  of: (task: Repetitions) => number | null,
  confidence: number
): ClusteredMean | null =>
  clusteredMean(tasks.map(of).flatMap((chance) => chance === null ? [] : [[chance]]), confidence)
