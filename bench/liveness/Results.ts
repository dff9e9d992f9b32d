/**
 * What the liveness bench has measured, and whether it is good enough: pure.
 *
 * A criterion about something that was not measured, because a filter left it out, is not there.
 */
import { exactUpperBound } from "../../src/report/statistics/proportion.ts"
import type { Criterion } from "../support/Criterion.ts"
import { quantile } from "../support/statistics.ts"
import type { HealthyClass, HungClass } from "./classes.ts"
import type { CostCell } from "./measureCost.ts"
import type { HealthyTally, HungTally } from "./simulate.ts"

/** How sure the upper bounds are, one-sided. */
const CONFIDENCE = 0.95

export interface HealthyCell {
  readonly detector: string
  readonly killed: number
  /** Percent of the runs that were given up, and what it is at most, exactly (Clopper and Pearson). */
  readonly killedPercent: number
  readonly upperBoundPercent: number
}

export interface HungCell {
  readonly detector: string
  /** From the hang to the verdict, over the runs that were found; null if none was. */
  readonly p50Seconds: number | null
  readonly p95Seconds: number | null
  /** Given up before there was a hang. */
  readonly killedBeforePercent: number
  /** Not found within the hour. */
  readonly missedPercent: number
}

interface Row<Cell> {
  readonly class: string
  /** Shown, and no criterion. */
  readonly beyond: boolean
  readonly cells: ReadonlyArray<Cell>
}

export interface HealthyRow extends Row<HealthyCell> {
  readonly misled: boolean
}

export type HungRow = Row<HungCell>

export interface Simulation {
  readonly detectors: ReadonlyArray<{ readonly name: string; readonly rule: string }>
  readonly healthy: ReadonlyArray<HealthyRow>
  readonly hung: ReadonlyArray<HungRow>
}

export interface Results {
  readonly simulation: Simulation | null
  readonly cost: ReadonlyArray<CostCell> | null
  readonly criteria: ReadonlyArray<Criterion>
}

export const oursNames = {
  silence: "ours, alone",
  learned: "ours, learned",
  evidence: "ours, evidence"
} as const

/** The healthy class in which the client itself stands still. */
export const pausedClass = "client paused 40-300 s"
/** The hung classes that criteria name. */
export const named = {
  midStream: "mid-stream, 30 tok/s",
  dead: "server dead, socket half open",
  lost: "request lost, engine busy"
} as const

export const healthyRow = (
  { beyond = false, misled = false, name }: HealthyClass,
  detectors: ReadonlyArray<string>,
  tallies: ReadonlyArray<HealthyTally>,
  runs: number
): HealthyRow => ({
  class: name,
  beyond,
  misled,
  cells: tallies.map(({ killed }, index) => ({
    detector: detectors[index]!,
    killed,
    killedPercent: 100 * killed / runs,
    upperBoundPercent: 100 * exactUpperBound(killed, runs, CONFIDENCE)
  }))
})

export const hungRow = (
  { beyond = false, name }: HungClass,
  detectors: ReadonlyArray<string>,
  tallies: ReadonlyArray<HungTally>,
  runs: number
): HungRow => ({
  class: name,
  beyond,
  cells: tallies.map(({ delays, killedBefore, missed }, index) => ({
    detector: detectors[index]!,
    p50Seconds: delays.length === 0 ? null : quantile(delays, 0.5) / 1000,
    p95Seconds: delays.length === 0 ? null : quantile(delays, 0.95) / 1000,
    killedBeforePercent: 100 * killedBefore / runs,
    missedPercent: 100 * missed / runs
  }))
})

/** What has to hold, of what was measured. */
export const criteriaOf = (
  simulation: Simulation | null,
  cost: ReadonlyArray<CostCell> | null
): ReadonlyArray<Criterion> => [
  ...simulation === null ? [] : [...falseKills(simulation), ...found(simulation)],
  ...cost === null ? [] : cost.map(costs)
]

const MOST_FALSE_KILLS_PERCENT = 1.5

const falseKills = ({ healthy }: Simulation): ReadonlyArray<Criterion> => {
  const of = (name: string, rows: ReadonlyArray<HealthyRow>) =>
    rows.flatMap((row) => row.cells.filter(({ detector }) => detector === name).map((cell) => ({ row, cell })))
  const most = (
    name: string,
    percent: number,
    cells: ReturnType<typeof of>
  ): ReadonlyArray<Criterion> => {
    if (cells.length === 0) return []
    const worst = cells.reduce((one, other) => other.cell.killedPercent > one.cell.killedPercent ? other : one)
    return [{
      name,
      wanted: percent === 0 ? "none" : `at most ${percent} %`,
      passed: worst.cell.killedPercent <= percent,
      measured: `${fixed(worst.cell.killedPercent)} %${worst.cell.killed === 0 ? "" : ` (${worst.row.class})`}`
    }]
  }
  const promised = healthy.filter(({ beyond }) => !beyond)
  const { evidence, learned, silence } = oursNames
  const alone = [...of(silence, promised), ...of(learned, promised)]
  return [
    ...most("false kills with evidence, any healthy class", 0, of(evidence, promised.filter((row) => !row.misled))),
    ...most(
      "false kills with the evidence of another engine",
      MOST_FALSE_KILLS_PERCENT,
      of(evidence, promised.filter((row) => row.misled))
    ),
    ...most(
      "false kills without evidence, any class",
      MOST_FALSE_KILLS_PERCENT,
      alone
    ),
    ...most(
      "false kills without evidence of a paused client",
      0,
      alone.filter(({ row }) => row.class === pausedClass)
    )
  ]
}

const found = ({ hung }: Simulation): ReadonlyArray<Criterion> => {
  const rows = hung.filter(({ beyond }) => !beyond).flatMap((row) =>
    row.cells.filter(({ detector }) => detector === oursNames.evidence).map((cell) => ({ name: row.class, cell }))
  )
  const within = (
    name: string,
    part: "p50Seconds" | "p95Seconds",
    seconds: number
  ): ReadonlyArray<Criterion> =>
    rows.filter((row) => row.name === name).map(({ cell }) => ({
      name: `hang ${name}: ${part.slice(0, 3)}`,
      wanted: `at most ${seconds} s`,
      passed: (cell[part] ?? Infinity) <= seconds,
      measured: cell[part] === null ? "never" : `${fixed(cell[part])} s`
    }))
  if (rows.length === 0) return []
  const wrong = rows.filter(({ cell }) => cell.missedPercent > 0 || cell.killedBeforePercent > 0)
  return [
    {
      name: "hangs found with evidence, and none before it is there",
      wanted: "all",
      passed: wrong.length === 0,
      measured: wrong.length === 0 ? "all" : wrong.map(({ name }) => name).join("; ")
    },
    ...within(named.midStream, "p50Seconds", 66),
    ...within(named.midStream, "p95Seconds", 100),
    ...within(named.dead, "p95Seconds", 15),
    ...within(named.lost, "p95Seconds", 20)
  ]
}

/** The most that the operator may add to a token, in microseconds. */
const mostMicros = (tokensPerChunk: number): number => tokensPerChunk === 1 ? 2 : 0.2

const costs = ({ differenceMicrosPerToken, source, tokensPerChunk }: CostCell): Criterion => ({
  name: `watch, ${source}, ${tokensPerChunk} per chunk: more per token`,
  wanted: `at most ${mostMicros(tokensPerChunk)} µs`,
  passed: differenceMicrosPerToken <= mostMicros(tokensPerChunk),
  measured: `${differenceMicrosPerToken.toFixed(3)} µs`
})

const fixed = (value: number): string => String(Number(value.toFixed(1)))
