/**
 * Numbers of the report in words: one way to write each kind, whoever writes it, and what is not known always as "–".
 *
 * Digits: scores two, shares to a tenth of a percent, times three significant digits in the unit that people use for times
 * of that length. The JSON has them all.
 */
import * as DateTime from "effect/DateTime"
import type { Estimate } from "../Estimate.ts"
import type { Percentile } from "../LatencyReport.ts"
import type { Cell } from "./Document.ts"

/** What is written where nothing is known. */
export const none = "–"

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** "2026-11-23 06:45 UTC". */
export const moment = (millis: number): string =>
  `${DateTime.formatIso(DateTime.makeUnsafe(Math.round(millis))).slice(0, 16).replace("T", " ")} UTC`

/** "37 battles", "1 battle"; plural by -s unless given. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${integer(count)} ${count === 1 ? one : many}`

/** With a narrow space between thousands, from five digits on. */
export const integer = (value: number): string => {
  const digits = String(Math.round(value))
  return digits.length < 5 ? digits : digits.replaceAll(/\B(?=(\d{3})+$)/g, "\u202f")
}

const significant = (value: number): string => {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return value.toFixed(digits)
}

/** "60.5 ms", "412 ms", "4.25 s", "12.5 min", "3.20 h". */
export const millis = (value: number | null): string => {
  if (value === null) return none
  if (value === 0) return "0"
  if (value < SECOND) return `${value < 99.95 ? value.toFixed(1) : Math.round(value)} ms`
  if (value < 2 * MINUTE) return `${significant(value / SECOND)} s`
  return value < 2 * HOUR ? `${significant(value / MINUTE)} min` : `${significant(value / HOUR)} h`
}

export const hours = (value: number | null): string => value === null ? none : millis(value * HOUR)

export const score = (value: number | null): string => value === null ? none : value.toFixed(2)

/** "12.5 %"; whole where there is nothing behind the point. Only 0 is 0 %, and only 1 is 100 %. */
export const share = (value: number | null): string => {
  if (value === null) return none
  const size = Math.abs(value)
  if (size > 0 && size < 0.0005) return "< 0.1 %"
  if (size < 1 && size > 0.9995) return "> 99.9 %"
  return `${Number((value * 100).toFixed(1))} %`
}

export const rate = (value: number | null): string =>
  value === null ? none : value >= 100 ? String(Math.round(value)) : value.toFixed(1)

/** "0.72 [0.61, 0.83]"; without brackets where the samples carry no interval. */
export const estimate = ({ lower, upper, value }: Estimate, text: (value: number) => string = score): string =>
  value === null
    ? none
    : lower === null || upper === null
    ? text(value)
    : `${text(value)} [${text(lower)}, ${text(upper)}]`

/** The same for a table, the interval below. */
export const estimateCell = (of: Estimate, text: (value: number) => string = score): Cell =>
  of.value === null || of.lower === null || of.upper === null
    ? { text: estimate(of, text) }
    : { text: text(of.value), detail: `[${text(of.lower)}, ${text(of.upper)}]` }

/** The same with a sign, for differences. */
export const signed = (text: (value: number) => string) => (value: number): string =>
  `${value > 0 ? "+" : value < 0 ? "−" : "±"}${text(Math.abs(value))}`

/** "95 % interval by Clopper–Pearson over 24 battles", or why there is none. */
export const basisOf = ({ clusters, level, method, n }: Estimate, what: string): string => {
  const samples = counted(n, what)
  const clustered = clusters === null ? "" : ` in ${counted(clusters, "task")}`
  return method === null
    ? `${samples}${clustered}, too few for an interval`
    : `${share(level)} interval ${methodNames[method]}, ${samples}${clustered}`
}

export const methodNames: Readonly<Record<NonNullable<Estimate["method"]>, string>> = {
  wilson: "by Wilson",
  clustered: "by Korn and Graubard, for repetitions in tasks",
  mover: "from the intervals of both",
  paired: "of pairs, from the intervals of both",
  "order-statistics": "by order statistics",
  "clustered-quantile": "by order statistics of attempts"
}

/** The value with its bounds below, or how many samples there are of those that would bound it. */
export const percentile = (
  { lower, needed, upper, value }: Percentile,
  samples: number,
  text: (value: number | null) => string,
  what = "samples"
): Cell =>
  value !== null && lower !== null && upper !== null
    ? { text: text(value), detail: `[${text(lower)}, ${text(upper)}]` }
    : samples === 0
    ? { text: none }
    : { text: "not enough:", detail: `${integer(samples)} of ${integer(needed)} ${what}` }

/** "a, b and c". */
export const listed = (names: ReadonlyArray<string>): string =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`
