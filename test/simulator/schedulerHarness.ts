// A scheduler that is told the time by the test, and what it reported.
import type * as Pacing from "../../src/simulator/Pacing.ts"
import * as Scheduler from "../../src/simulator/Scheduler.ts"
import * as Sequence from "../../src/simulator/Sequence.ts"

export const pace = (firstTokenMillis = 100, gapMillis = 10): Pacing.Pace => ({
  timeToFirstToken: () => firstTokenMillis,
  gap: () => gapMillis
})

const unlimited = {
  maxConcurrentRequests: 100,
  maxNumBatchedTokens: 8192,
  kvCacheTokens: 1_000_000,
  timeFactorUnderLoad: 1
}

export interface Observed extends Omit<Scheduler.StepReport, "outputs"> {
  /** How many tokens each request with an output has. */
  readonly outputs: ReadonlyArray<string>
}

/** `hear` may change what comes next, as listeners do. */
export const start = (options: Partial<Sequence.SchedulerOptions> = {}, hear: (step: Observed) => void = () => {}) => {
  const settings = { ...unlimited, ...options }
  const steps: Array<Observed> = []
  const names = new Map<Sequence.Sequence, string>()
  const scheduler = Scheduler.make(settings, (step) => {
    const observed = { ...step, outputs: step.outputs.map((sequence) => `${names.get(sequence)}${sequence.generated}`) }
    steps.push(observed)
    hear(observed)
  })
  const submit = (
    name: string,
    promptTokens: number,
    answerTokens: number,
    { at = 0, longestChunk = Infinity, maxTokens = Infinity, times = pace() } = {}
  ) => {
    const sequence = Sequence.newSequence(settings, {
      promptTokens,
      answerTokens,
      longestChunk,
      maxTokens,
      pace: times
    }, at)
    names.set(sequence, name)
    scheduler.submit(sequence)
    return sequence
  }
  return { scheduler, steps, submit }
}

/** "time: outputs" of every step that has some. */
export const outputsAt = (steps: ReadonlyArray<Observed>) =>
  steps.filter(({ outputs }) => outputs.length > 0).map(({ outputs, time }) => `${time}: ${outputs.join(" ")}`)
