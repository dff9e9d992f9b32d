/**
 * What the tap bench has measured, and whether it is good enough: pure.
 *
 * Rounds are paired: in each of them every way is measured, one after the other, so that what else the machine does
 * meets all of them; a ratio is the median over the rounds of the ratios within one.
 */
import { atMost, type Criterion } from "../support/Criterion.ts"
import { median } from "../support/statistics.ts"
import type { WayName } from "./calls.ts"

/** One way in one round. */
export interface LoadCell {
  readonly way: WayName
  readonly tokensPerSecond: number
  /** Of the process in between; null where there is none. */
  readonly cpuMicrosPerToken: number | null
}

export interface FirstByteCell {
  readonly way: WayName
  /** The median of the round, in milliseconds. */
  readonly millis: number
}

export interface Summary {
  readonly way: WayName
  readonly firstByteMillis: number
  /** What it is later than the direct way, in milliseconds. */
  readonly addedMillis: number
  readonly tokensPerSecond: number
  readonly cpuMicrosPerToken: number
  /** Processor time against the bare proxy's in the same round. */
  readonly cpuRatio: number
}

type Rounds<Cell> = ReadonlyArray<ReadonlyArray<Cell>>

const cellOf = <Cell extends { readonly way: WayName }>(round: ReadonlyArray<Cell>, way: WayName): Cell | undefined =>
  round.find((cell) => cell.way === way)

const NOTHING = Number.NaN

/** The medians of a way. */
export const summaryOf = (way: WayName, loads: Rounds<LoadCell>, firstBytes: Rounds<FirstByteCell>): Summary => {
  const over = <Cell extends { readonly way: WayName }>(
    rounds: Rounds<Cell>,
    value: (cell: Cell, round: ReadonlyArray<Cell>) => number
  ) =>
    median(rounds.map((round) => {
      const cell = cellOf(round, way)
      return cell === undefined ? NOTHING : value(cell, round)
    }))
  return {
    way,
    firstByteMillis: over(firstBytes, ({ millis }) => millis),
    addedMillis: over(firstBytes, ({ millis }, round) => millis - (cellOf(round, "direct")?.millis ?? NOTHING)),
    tokensPerSecond: over(loads, ({ tokensPerSecond }) => tokensPerSecond),
    cpuMicrosPerToken: over(loads, ({ cpuMicrosPerToken }) => cpuMicrosPerToken ?? NOTHING),
    cpuRatio: over(
      loads,
      ({ cpuMicrosPerToken }, round) =>
        (cpuMicrosPerToken ?? NOTHING) / (cellOf(round, "bare")?.cpuMicrosPerToken ?? NOTHING)
    )
  }
}

const MOST_ADDED_MILLIS = 1
const MOST_CPU_RATIO = 1.05

/** What has to hold. */
export const criteriaOf = (summaries: ReadonlyArray<Summary>): ReadonlyArray<Criterion> => {
  const tap = summaries.find(({ way }) => way === "tap")
  if (tap === undefined) return []
  return [
    ...(Number.isNaN(tap.addedMillis) ? [] : [
      atMost(MOST_ADDED_MILLIS, { name: "added to the first byte, median", value: tap.addedMillis, unit: "ms" })
    ]),
    ...(Number.isNaN(tap.cpuRatio) ? [] : [
      atMost(MOST_CPU_RATIO, { name: "processor time per token, to the bare proxy's", value: tap.cpuRatio, unit: "x" })
    ])
  ]
}
