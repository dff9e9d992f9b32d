/**
 * What the telemetry bench has measured, and whether it is good enough: pure.
 *
 * Rounds are paired: in each of them both ways are measured, one after the other, so that what else the machine does meets
 * both; a ratio is the median over the rounds of the ratios within one.
 */
import { atMost, type Criterion } from "../support/Criterion.ts"
import { median } from "../support/statistics.ts"
import { significant } from "../support/table.ts"
import type { TargetName, WayName } from "./calls.ts"

/** An agent or a tap under load, in one round. */
export interface LoadCell {
  readonly way: WayName
  readonly tokensPerSecond: number
  readonly cpuMicrosPerToken: number
}

/** The watch alone, in one round. */
export interface WatchCell {
  readonly way: WayName
  readonly cpuNanosPerArrival: number
}

type Rounds<Cell> = ReadonlyArray<ReadonlyArray<Cell>>

/** Medians, and the ratio within a round. */
export interface LoadSummary {
  readonly target: TargetName
  readonly tokensPerSecond: number
  readonly offMicrosPerToken: number
  readonly onMicrosPerToken: number
  readonly cpuRatio: number
  /** Of the one that has one, under the load. */
  readonly page: { readonly characters: number; readonly millis: number } | null
}

export interface Summary {
  readonly loads: ReadonlyArray<LoadSummary>
  /** Of the watch alone: medians, and what an arrival costs more within a round. */
  readonly watch: {
    readonly offNanosPerArrival: number
    readonly onNanosPerArrival: number
    readonly addedNanos: number
  } | null
}

const of = <Cell extends { readonly way: WayName }>(round: ReadonlyArray<Cell>, way: WayName): Cell | undefined =>
  round.find((cell) => cell.way === way)

/** The medians of one of them. */
export const loadSummaryOf = (
  target: TargetName,
  loads: Rounds<LoadCell>,
  page: LoadSummary["page"]
): LoadSummary => {
  const cpu = (way: WayName) => median(loads.map((round) => of(round, way)?.cpuMicrosPerToken ?? NaN))
  return {
    target,
    tokensPerSecond: median(loads.flatMap((round) => round.map(({ tokensPerSecond }) => tokensPerSecond))),
    offMicrosPerToken: cpu("off"),
    onMicrosPerToken: cpu("metrics"),
    cpuRatio: median(
      loads.map((round) =>
        (of(round, "metrics")?.cpuMicrosPerToken ?? NaN) / (of(round, "off")?.cpuMicrosPerToken ?? NaN)
      )
    ),
    page
  }
}

/** The medians of the watch; null where it was not measured. */
export const watchSummaryOf = (watches: Rounds<WatchCell>): Summary["watch"] => {
  const nanos = (way: WayName) => median(watches.map((round) => of(round, way)?.cpuNanosPerArrival ?? NaN))
  return watches.length === 0 ? null : {
    offNanosPerArrival: nanos("off"),
    onNanosPerArrival: nanos("metrics"),
    addedNanos: median(
      watches.map((round) =>
        (of(round, "metrics")?.cpuNanosPerArrival ?? NaN) - (of(round, "off")?.cpuNanosPerArrival ?? NaN)
      )
    )
  }
}

const MOST_CPU_RATIO = 1.03
/** The rate at which the whole is to cost no more than that. */
const TOKENS_PER_SECOND = 30_000
const MOST_SHARE_PERCENT = 3

/** What has to hold. */
export const criteriaOf = ({ loads, watch }: Summary): ReadonlyArray<Criterion> => [
  ...loads.map(({ cpuRatio, target, tokensPerSecond }) =>
    atMost(MOST_CPU_RATIO, {
      name: `${target}: processor time per token with metrics, to that without`,
      value: cpuRatio,
      unit: "x",
      note: `at ${significant(tokensPerSecond)} tokens/s`
    })
  ),
  ...(watch === null ? [] : [
    atMost(MOST_SHARE_PERCENT, {
      name: `of one core, what metrics add to the watch of ${significant(TOKENS_PER_SECOND)} arrivals/s`,
      value: Math.max(0, watch.addedNanos) * TOKENS_PER_SECOND / 1e7,
      unit: "%",
      note: `${significant(watch.addedNanos)} ns an arrival`
    })
  ])
]
