/**
 * Where an axis has its numbers, and how they are written: round in the unit that people use for times of that length.
 */
import type { Axis, Quantity } from "./Chart.ts"

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Milliseconds that are round in their unit, up to thousand hours; the roundest first. */
const roundTimes: ReadonlyArray<ReadonlyArray<number>> = [
  [0.1, 1, 10, 100, SECOND, 10 * SECOND, MINUTE, 10 * MINUTE, HOUR, 10 * HOUR, 100 * HOUR, 1000 * HOUR],
  [0.5, 5, 50, 500, 5 * SECOND, 30 * SECOND, 5 * MINUTE, 30 * MINUTE, 5 * HOUR, 50 * HOUR, 500 * HOUR],
  [0.2, 2, 20, 200, 2 * SECOND, 20 * SECOND, 2 * MINUTE, 20 * MINUTE, 2 * HOUR, 20 * HOUR, 200 * HOUR],
  [0.3, 3, 30, 300, 3 * SECOND, 15 * SECOND, 3 * MINUTE, 15 * MINUTE, 3 * HOUR, 30 * HOUR, 300 * HOUR],
  [0.7, 7, 70, 700, 7 * SECOND, 40 * SECOND, 7 * MINUTE, 40 * MINUTE, 7 * HOUR, 70 * HOUR, 700 * HOUR]
]

const roundNumbers = (low: number, high: number): ReadonlyArray<ReadonlyArray<number>> => {
  const first = Math.floor(Math.log10(low))
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, index) => 10 ** (first + index))
  return [1, 5, 2, 3, 7].map((digit) => powers.map((power) => digit * power))
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

/** Seconds, minutes and hours go by 60, so a round number of them is not a round number of milliseconds. */
const unitOf = (span: number): number =>
  span >= 3 * HOUR ? HOUR : span >= 3 * MINUTE ? MINUTE : span >= SECOND ? SECOND : 1

/** Pixels between the middles of two numbers on an axis across. */
const APART = 54

/** Round values within the domain of an axis of so many pixels, far enough from each other to be read. */
export const ticksOf = (
  { domain: [low, high], log, quantity }: Axis,
  pixels: number,
  apart = APART
): ReadonlyArray<number> => {
  if (log !== true) {
    return even(low, high, Math.max(2, Math.floor(pixels / apart)), quantity === "millis" ? unitOf(high - low) : 1)
  }
  const ofOne = pixels / Math.log(high / low)
  const chosen: Array<number> = []
  for (const candidates of quantity === "millis" ? roundTimes : roundNumbers(low, high)) {
    for (const value of candidates) {
      const isWithin = value >= low * 0.999 && value <= high * 1.001
      if (isWithin && chosen.every((other) => Math.abs(Math.log(other / value)) * ofOne >= apart)) chosen.push(value)
    }
  }
  return chosen.toSorted((a, b) => a - b)
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
