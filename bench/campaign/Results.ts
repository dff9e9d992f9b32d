/**
 * What the campaign bench has measured, and whether it is good enough: pure.
 */
import { atMost, type Criterion } from "../support/Criterion.ts"
import { median } from "../support/statistics.ts"
import { significant } from "../support/table.ts"
import type { PlayCost, RunnerCost } from "./calls.ts"
import type { ResumeTimes, StatusTimes } from "./commands.ts"

export interface Measured {
  readonly battles: number
  /** Of each answer. */
  readonly tokens: number
  readonly concurrency: number
  /** Of the store. */
  readonly fileBytes: number
  readonly bare: PlayCost & { readonly battles: number }
  readonly ours: RunnerCost
  readonly status: ReadonlyArray<StatusTimes>
  /** In a process that has just started and did nothing before. */
  readonly plan: { readonly loadMillis: number; readonly planMillis: number }
  readonly resume: ReadonlyArray<ResumeTimes>
  /** Of a command that does nothing, in milliseconds. */
  readonly starts: ReadonlyArray<number>
}

export interface Summary {
  readonly cpuMillisPerBattle: { readonly ours: number; readonly bare: number; readonly ratio: number }
  readonly battlesPerSecond: { readonly ours: number; readonly bare: number }
  /** Live heap at the end to that at the beginning, medians of a tenth each. */
  readonly heapGrowth: number
  readonly residentGrowth: number
  readonly statusMillis: { readonly read: number; readonly command: number }
  readonly resumeMillis: { readonly nothingToDo: number; readonly process: number; readonly planned: number }
  readonly startMillis: number
}

const MOST_CPU_MILLIS = 10
const MOST_GROWTH = 1.2
const MOST_RESUME_SECONDS = 2
const MOST_STATUS_SECONDS = 0.5
const MOST_BLOCK_MILLIS = 20

/** The medians and ratios that count. */
export const summarize = ({ bare, ours, plan, resume, starts, status }: Measured): Summary => {
  const cpu = { ours: ours.cpuMillis / ours.scored, bare: bare.cpuMillis / bare.battles }
  return {
    cpuMillisPerBattle: { ...cpu, ratio: cpu.ours / cpu.bare },
    battlesPerSecond: {
      ours: ours.scored * 1000 / ours.wallMillis,
      bare: bare.battles * 1000 / bare.wallMillis
    },
    heapGrowth: growthOf(ours.heaps),
    residentGrowth: growthOf(ours.residents),
    statusMillis: {
      read: median(status.map(({ readMillis }) => readMillis)),
      command: median(status.map(({ commandMillis }) => commandMillis))
    },
    resumeMillis: {
      nothingToDo: median(resume.map(({ nothingToDoMillis }) => nothingToDoMillis)),
      process: median(resume.map(({ processMillis }) => processMillis)),
      planned: plan.loadMillis + plan.planMillis
    },
    startMillis: median(starts)
  }
}

/** The median of the last tenth over that of the first; NaN of fewer than ten. */
export const growthOf = (samples: ReadonlyArray<number>): number => {
  const tenth = Math.floor(samples.length / 10)
  return median(samples.slice(samples.length - tenth)) / median(samples.slice(0, tenth))
}

/** What has to hold. */
export const criteriaOf = (measured: Measured): ReadonlyArray<Criterion> => {
  const { cpuMillisPerBattle, heapGrowth, residentGrowth, resumeMillis, startMillis, statusMillis } = summarize(
    measured
  )
  const { longestBlock, longestWaitMillis, loopDelay } = measured.ours
  const seconds = (millis: number) => `${significant(millis / 1000)} s`
  return [
    atMost(MOST_CPU_MILLIS, {
      name: "the runner's own CPU per battle",
      value: cpuMillisPerBattle.ours,
      unit: "ms",
      note: `${significant(cpuMillisPerBattle.ratio)}x the bare loop's`
    }),
    atMost(MOST_GROWTH, {
      name: "the heap in the last tenth, to that in the first",
      value: heapGrowth,
      unit: "x",
      note: `resident ${significant(residentGrowth)}x`
    }),
    atMost(MOST_RESUME_SECONDS, {
      name: "`resume` of the finished store until it is planned",
      value: resumeMillis.nothingToDo / 1000,
      unit: "s",
      note: `${seconds(resumeMillis.planned)} of it to read and plan; a command that does nothing ${
        seconds(startMillis)
      }`
    }),
    atMost(MOST_STATUS_SECONDS, {
      name: "`campaign status` while it runs",
      value: statusMillis.command / 1000,
      unit: "s",
      note: `${significant(statusMillis.read)} ms of it to read; a command that does nothing ${
        seconds(startMillis)
      } beside nobody`
    }),
    atMost(MOST_BLOCK_MILLIS, {
      name: "the longest block of the event loop by the store",
      value: longestBlock.heldMillis,
      unit: "ms",
      note: `most of it ${longestBlock.longestCall}; ${
        significant(longestBlock.wallMillis)
      } ms by the clock; the longest wait for its thread ${significant(longestWaitMillis)} ms; of all blocks ${
        significant(loopDelay.max)
      } ms`
    })
  ]
}
