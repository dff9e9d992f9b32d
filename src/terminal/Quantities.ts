/**
 * Durations, counts, rates and scores as people read them at a glance: few digits, and widths that rarely change.
 *
 * Gotcha: they are for displays that are drawn again in a moment; reports have their own, with all digits.
 */

/** The part of a sexagesimal number that is less than 60. */
const two = (value: number): string => String(value % 60).padStart(2, "0")

/** `4:05`, `1:02:03`: how long something has been going on. */
export const clockTime = (millis: number): string => {
  const seconds = Math.floor(Math.max(0, millis) / 1000)
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes}:${two(seconds)}` : `${Math.floor(minutes / 60)}:${two(minutes)}:${two(seconds)}`
}

/** `3.2 s`, `47 s`, `16 min`: at most 7 columns below a week. */
export const duration = (millis: number): string => {
  const seconds = Math.max(0, millis) / 1000
  // Cut, not rounded: a silence of 9.97 s has not been one of 10 s.
  if (seconds < 10) return `${(Math.floor(seconds * 10) / 10).toFixed(1)} s`
  return seconds < 1000 ? `${Math.floor(seconds)} s` : `${Math.floor(seconds / 60)} min`
}

/** A count in at most 6 columns: `134`, `99999`, `123.4k`, `12.3M`. */
export const count = (value: number): string => {
  if (value < 100_000) return String(Math.round(value))
  return value < 999_950 ? `${(value / 1000).toFixed(1)}k` : `${(value / 1_000_000).toFixed(1)}M`
}

/** A rate in at most 4 columns: `0.4`, `42`, `1234`, `12k`. */
export const rate = (perSecond: number): string => {
  if (perSecond < 0.05) return "0"
  if (perSecond < 9.95) return perSecond.toFixed(1)
  return perSecond < 9_999.5 ? String(Math.round(perSecond)) : `${Math.round(perSecond / 1000)}k`
}

/** A score between 0 and 1 with two digits, where only 0 shows as 0.00 and only 1 as 1.00. */
export const score = (value: number): string => {
  if (value <= 0 || value >= 1) return value.toFixed(2)
  return Math.min(0.99, Math.max(0.01, value)).toFixed(2)
}
