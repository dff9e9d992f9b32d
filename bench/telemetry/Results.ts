/**
 * What the telemetry bench has measured, and whether it is good enough: pure.
 *
 * Rounds are paired: in each of them all ways are measured, one after the other, so that what else the machine does meets
 * both; a ratio is the median over the rounds of the ratios within one.
 */
import { atMost, type Criterion } from "../support/Criterion.ts"
import { median } from "../support/statistics.ts"
import { significant } from "../support/table.ts"
import { type OnName, onNames, type TargetName, type WayName } from "./calls.ts"

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
  readonly on: Readonly<Record<OnName, { readonly microsPerToken: number; readonly cpuRatio: number }>>
  /** Of the one that has one, under the load. */
  readonly page: { readonly characters: number; readonly millis: number } | null
}

export interface Summary {
  readonly loads: ReadonlyArray<LoadSummary>
  /** Of the watch alone: medians, and what an arrival costs more within a round. */
  readonly watch: {
    readonly offNanosPerArrival: number
    readonly on: Readonly<Record<OnName, { readonly nanosPerArrival: number; readonly addedNanos: number }>>
  } | null
}

const of = <Cell extends { readonly way: WayName }>(round: ReadonlyArray<Cell>, way: WayName): Cell | undefined =>
  round.find((cell) => cell.way === way)

const forEachOn = <Value>(valueOf: (way: OnName) => Value): Readonly<Record<OnName, Value>> => ({
  metrics: valueOf("metrics"),
  exported: valueOf("exported")
})

const inWords: Readonly<Record<OnName, string>> = {
  metrics: "metrics",
  exported: "metrics, spans and their export"
}

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
    on: forEachOn((way) => ({
      microsPerToken: cpu(way),
      cpuRatio: median(
        loads.map((round) => (of(round, way)?.cpuMicrosPerToken ?? NaN) / (of(round, "off")?.cpuMicrosPerToken ?? NaN))
      )
    })),
    page
  }
}

/** The medians of the watch; null where it was not measured. */
export const watchSummaryOf = (watches: Rounds<WatchCell>): Summary["watch"] => {
  const nanos = (way: WayName) => median(watches.map((round) => of(round, way)?.cpuNanosPerArrival ?? NaN))
  return watches.length === 0 ? null : {
    offNanosPerArrival: nanos("off"),
    on: forEachOn((way) => ({
      nanosPerArrival: nanos(way),
      addedNanos: median(
        watches.map((round) =>
          (of(round, way)?.cpuNanosPerArrival ?? NaN) - (of(round, "off")?.cpuNanosPerArrival ?? NaN)
        )
      )
    }))
  }
}

const MOST_CPU_RATIO = 1.03
/** The rate at which the whole is to cost no more than that. */
const TOKENS_PER_SECOND = 30_000
const MOST_SHARE_PERCENT = 3

/** What has to hold. */
export const criteriaOf = ({ loads, watch }: Summary): ReadonlyArray<Criterion> => [
  ...loads.flatMap(({ on, target, tokensPerSecond }) =>
    onNames.map((way) =>
      atMost(MOST_CPU_RATIO, {
        name: `${target}: processor time per token with ${inWords[way]}, to that without`,
        value: on[way].cpuRatio,
        unit: "x",
        note: `at ${significant(tokensPerSecond)} tokens/s`
      })
    )
  ),
  ...(watch === null ? [] : onNames.map((way) => {
    const { addedNanos } = watch.on[way]
    return atMost(MOST_SHARE_PERCENT, {
      name: `of one core, what ${inWords[way]} add to the watch of ${significant(TOKENS_PER_SECOND)} arrivals/s`,
      value: Math.max(0, addedNanos) * TOKENS_PER_SECOND / 1e7,
      unit: "%",
      note: `${significant(addedNanos)} ns an arrival`
    })
  }))
]
