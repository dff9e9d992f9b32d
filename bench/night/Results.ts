/**
 * What the nights came to, and what a release has to reach in them: pure.
 */
import { atLeast, atMost, type Criterion } from "../support/Criterion.ts"
import { median, quantile } from "../support/statistics.ts"
import type { Night } from "./Night.ts"
import type { NightRun } from "./NightRun.ts"

/** One policy in one night, or in the median one. */
export interface NightRow {
  readonly battles: number
  readonly scored: number
  readonly attempts: number
  readonly falseKills: number
  /** Attempts ended because they hung. */
  readonly hangsFound: number
  /** `null` where none was. */
  readonly foundP50Seconds: number | null
  readonly foundP95Seconds: number | null
  readonly tokensThrownAway: number
  readonly charged: number
  readonly openings: number
  readonly alarms: number
  readonly wallSeconds: number
  /** Battles with a result per hour. */
  readonly scoredPerHour: number
}

export interface NightResult {
  readonly seed: number
  readonly ours: NightRow
  readonly theirs: NightRow
  /** Theirs over ours, of the wall clock. */
  readonly wallRatio: number
}

export interface Results {
  readonly nights: ReadonlyArray<NightResult>
  readonly medians: Omit<NightResult, "seed">
  readonly criteria: ReadonlyArray<Criterion>
}

const rowOf = ({ battles }: Night, run: NightRun): NightRow => {
  const { foundAfterSeconds, ...rest } = run
  const found = (value: number) => foundAfterSeconds.length === 0 ? null : value
  return {
    ...rest,
    battles: battles.length,
    hangsFound: foundAfterSeconds.length,
    foundP50Seconds: found(median(foundAfterSeconds)),
    foundP95Seconds: found(quantile(foundAfterSeconds, 0.95)),
    scoredPerHour: run.scored / run.wallSeconds * 3600
  }
}

export const nightResult = (night: Night, ours: NightRun, theirs: NightRun): NightResult => ({
  seed: night.seed,
  ours: rowOf(night, ours),
  theirs: rowOf(night, theirs),
  wallRatio: theirs.wallSeconds / ours.wallSeconds
})

const medianRow = (rows: ReadonlyArray<NightRow>): NightRow => {
  const of = (value: (row: NightRow) => number) => median(rows.map(value))
  const ofSome = (value: (row: NightRow) => number | null) => {
    const values = rows.map(value).filter((each) => each !== null)
    return values.length === 0 ? null : median(values)
  }
  return {
    battles: of((row) => row.battles),
    scored: of((row) => row.scored),
    attempts: of((row) => row.attempts),
    falseKills: of((row) => row.falseKills),
    hangsFound: of((row) => row.hangsFound),
    foundP50Seconds: ofSome((row) => row.foundP50Seconds),
    foundP95Seconds: ofSome((row) => row.foundP95Seconds),
    tokensThrownAway: of((row) => row.tokensThrownAway),
    charged: of((row) => row.charged),
    openings: of((row) => row.openings),
    alarms: of((row) => row.alarms),
    wallSeconds: of((row) => row.wallSeconds),
    scoredPerHour: of((row) => row.scoredPerHour)
  }
}

/** At least one night. */
export const resultsOf = (nights: ReadonlyArray<NightResult>): Results => ({
  nights,
  medians: {
    ours: medianRow(nights.map(({ ours }) => ours)),
    theirs: medianRow(nights.map(({ theirs }) => theirs)),
    wallRatio: median(nights.map(({ wallRatio }) => wallRatio))
  },
  criteria: criteriaOf(nights)
})

const criteriaOf = (nights: ReadonlyArray<NightResult>): ReadonlyArray<Criterion> => {
  const sum = (value: (night: NightResult) => number) => nights.reduce((total, night) => total + value(night), 0)
  const battles = sum(({ ours }) => ours.battles)
  return [
    atMost(0, {
      name: "false kills of ours, all nights",
      value: sum(({ ours }) => ours.falseKills),
      unit: "",
      note: `theirs ${sum(({ theirs }) => theirs.falseKills)}`
    }),
    atLeast(battles, {
      name: "battles with a result of ours, all nights",
      value: sum(({ ours }) => ours.scored),
      unit: "",
      note: `theirs ${sum(({ theirs }) => theirs.scored)}`
    })
  ]
}
