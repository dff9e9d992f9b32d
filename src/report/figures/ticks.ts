/**
 * Where an axis has its numbers, and how they are written: round in the unit that people use for times of that length.
 */
import type { Axis, Quantity } from "./Chart.ts"

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Milliseconds that are round in their unit, from a tenth of a millisecond to thousand hours. */
const roundTimes: ReadonlyArray<number> = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 20, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 20, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map((hours) => hours * HOUR)
]

const decades = (low: number, high: number): ReadonlyArray<number> => {
  const first = Math.floor(Math.log10(low))
  const last = Math.ceil(Math.log10(high))
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
    .flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power))
}

const steps = [1, 2, 2.5, 5]

const even = (low: number, high: number, most: number, unit: number): ReadonlyArray<number> => {
  const least = (high - low) / unit / most
  const power = 10 ** Math.floor(Math.log10(least))
  const step = unit * power * (steps.find((digit) => digit * power >= least) ?? 10)
  const first = Math.ceil(low / step - 1e-9)
  const count = Math.floor(high / step + 1e-9) - first + 1
  return Array.from({ length: Math.max(0, count) }, (_, index) => (first + index) * step)
}

/** Evenly many of them, no more than `most`, the first kept. */
const thinned = (values: ReadonlyArray<number>, most: number): ReadonlyArray<number> => {
  const every = Math.ceil(values.length / Math.max(1, most))
  return values.filter((_, index) => index % every === 0)
}

/** Seconds, minutes and hours go by 60, so a round number of them is not a round number of milliseconds. */
const unitOf = (span: number): number =>
  span >= 3 * HOUR ? HOUR : span >= 3 * MINUTE ? MINUTE : span >= SECOND ? SECOND : 1

/** At most about `most` values within the domain of an axis. */
export const ticksOf = ({ domain: [low, high], log, quantity }: Axis, most: number): ReadonlyArray<number> => {
  if (log !== true) return even(low, high, most, quantity === "millis" ? unitOf(high - low) : 1)
  const within = (quantity === "millis" ? roundTimes : decades(low, high)).filter((value) =>
    value >= low * 0.999 && value <= high * 1.001
  )
  if (within.length <= most) return within
  const tens = within.filter((value) => quantity === "millis" || Math.abs(Math.log10(value) % 1) < 1e-9)
  return thinned(tens.length >= 2 ? tens : within, most)
}

const digits = (value: number): string => String(Number(value.toPrecision(3)))

/** A number of an axis as people read it: "250 ms", "1.5 s", "2 min", "40 %". */
export const tickText = (value: number, quantity: Quantity): string => {
  switch (quantity) {
    case "number":
      return Math.abs(value) >= 10_000 ? `${digits(value / 1000)}k` : digits(value)
    case "share":
      return `${digits(value * 100)} %`
    case "hours":
      return `${digits(value)} h`
    case "millis":
      return value === 0
        ? "0"
        : value >= HOUR
        ? `${digits(value / HOUR)} h`
        : value >= MINUTE
        ? `${digits(value / MINUTE)} min`
        : value >= SECOND
        ? `${digits(value / SECOND)} s`
        : `${digits(value)} ms`
  }
}
