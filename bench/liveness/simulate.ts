/**
 * All detectors on all runs of a class: the same worlds for each of them.
 */
import { learnedFrom } from "../../src/liveness/LearnedRuns.ts"
import { type LearnedLimits, nothingLearned } from "../../src/liveness/LimitInForce.ts"
import type { LivenessLimits } from "../../src/liveness/LivenessLimits.ts"
import { randomOf, seedOf } from "../../src/testing/Random.ts"
import type { HealthyClass, HungClass } from "./classes.ts"
import type { Detector } from "./Detector.ts"
import { judge } from "./ours.ts"
import { type Plan, type World, worldOf } from "./World.ts"

/** How long a hang is watched. */
const HORIZON_MILLIS = 3_600_000

/** When a world's run is given up; undefined: never. */
export type Judge = (world: World) => number | undefined

/** A detector, ready to judge runs like those of a plan. */
export interface Contender {
  readonly name: string
  readonly rule: string
  readonly judgeFor: (learn: () => LearnedLimits) => Judge
}

/** A baseline: told what comes in, and a tick a second. */
export const baseline = ({ name, rule, start }: Detector): Contender => ({
  name,
  rule,
  judgeFor: () => ({ pause, seen, tickAt, until }) => {
    const watcher = start()
    let tick = tickAt
    const tickedBefore = (at: number): number | undefined => {
      while (tick < at) {
        if (pause !== undefined && tick >= pause.from && tick < pause.to) tick = pause.to
        if (tick >= at) return undefined
        if (watcher("tick", tick)) return tick
        tick += 1000
      }
      return undefined
    }
    for (const { at, what } of seen) {
      const givenUpAt = tickedBefore(at)
      if (givenUpAt !== undefined) return givenUpAt
      if (what === "finish") return undefined
      if (watcher(what, at)) return at
    }
    return tickedBefore(until)
  }
})

/** Ours, with and without what it can know. */
export const ours = (
  limits: LivenessLimits,
  name: string,
  rule: string,
  knows: { readonly evidence: boolean; readonly learned: boolean }
): Contender => ({
  name,
  rule,
  judgeFor: (learn) => {
    const options = { limits, evidence: knows.evidence, learned: knows.learned ? learn() : nothingLearned }
    return (world) => judge(world, options).givenUpAt
  }
})

/** What one detector did with the runs of a healthy class. */
export interface HealthyTally {
  readonly killed: number
}

/** What one detector did with the runs of a hung class. */
export interface HungTally {
  readonly killedBefore: number
  /** From the hang to the verdict, in milliseconds. */
  readonly delays: ReadonlyArray<number>
  /** Not within the hour. */
  readonly missed: number
}

export interface SimulateOptions {
  readonly limits: LivenessLimits
  readonly runs: number
  readonly seed: number
  readonly contenders: ReadonlyArray<Contender>
}

/** The runs of a healthy class, by contender. */
export const simulateHealthy = (
  { name, plan }: HealthyClass,
  options: SimulateOptions
): ReadonlyArray<HealthyTally> => {
  const killed = options.contenders.map(() => 0)
  const judges = judgesFor(name, plan, options)
  for (let run = 0; run < options.runs; run++) {
    const world = worldOf(plan, randomOf(seedOf(options.seed, name, run)), "finish")
    judges.forEach((judge, index) => {
      if (judge(world) !== undefined) killed[index]!++
    })
  }
  return killed.map((killed) => ({ killed }))
}

/** The runs of a hung class, by contender. */
export const simulateHung = (
  { before, hang, name, well }: HungClass,
  options: SimulateOptions
): ReadonlyArray<HungTally> => {
  const tallies = options.contenders.map(() => ({ killedBefore: 0, delays: new Array<number>(), missed: 0 }))
  const judges = judgesFor(name, well, options)
  for (let run = 0; run < options.runs; run++) {
    const random = randomOf(seedOf(options.seed, name, run))
    const drawn = before.stretches.map((draw) => draw(random))
    const hangAt = drawn.reduce((sum, { millis }) => sum + millis, 0)
    const stretches = [...drawn.map((stretch) => () => stretch), ...hang]
    const world = worldOf({ ...before, stretches }, random, { until: hangAt + HORIZON_MILLIS })
    judges.forEach((judge, index) => {
      const tally = tallies[index]!
      const givenUpAt = judge(world)
      if (givenUpAt === undefined) tally.missed++
      else if (givenUpAt <= hangAt) tally.killedBefore++
      else tally.delays.push(givenUpAt - hangAt)
    })
  }
  return tallies
}

const judgesFor = (name: string, well: Plan, { contenders, limits, seed }: SimulateOptions): ReadonlyArray<Judge> => {
  let learned: LearnedLimits | undefined
  return contenders.map(({ judgeFor }) => judgeFor(() => learned ??= learnedBy(name, well, limits, seed)))
}

/** What finished runs of a plan teach, as many as are remembered of a key. */
const learnedBy = (name: string, plan: Plan, limits: LivenessLimits, seed: number): LearnedLimits => {
  const runs = Array.from({ length: limits.learnedRuns }, (_, run) => {
    const world = worldOf(plan, randomOf(seedOf(seed, `${name}, finished`, run)), "finish")
    return judge(world, { limits, learned: nothingLearned, evidence: false }).finished
  })
  return learnedFrom(runs, limits)
}
