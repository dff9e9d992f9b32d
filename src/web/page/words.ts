/**
 * Times, counts, rates and shares as the page writes them: few digits, and widths that rarely change.
 *
 * Laws: pure; what is not known is `unknown`, never 0. Times are cut, not rounded: a silence of 9.97 s has not been one
 * of 10 s. The words are those of the terminal's display, so that somebody who looks at both reads the same.
 */

/** What stands where nothing is known. */
export const unknown = "–"

const two = (value: number): string => String(value % 60).padStart(2, "0")

/** `4:05`, `1:02:03`: how long something goes on; milliseconds. */
export const clockTime = (millis: number): string => {
  const seconds = Math.floor(Math.max(0, millis) / 1000)
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes}:${two(seconds)}` : `${Math.floor(minutes / 60)}:${two(minutes)}:${two(seconds)}`
}

/** `3.2 s`, `47 s`, `16 min`, `3 h 20 min`; milliseconds. */
export const duration = (millis: number): string => {
  const seconds = Math.max(0, millis) / 1000
  if (seconds < 1) return `${Math.floor(seconds * 1000)} ms`
  if (seconds < 10) return `${(Math.floor(seconds * 10) / 10).toFixed(1)} s`
  if (seconds < 120) return `${Math.floor(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** `134`, `99999`, `123.4k`, `12.3M`. */
export const count = (value: number): string => {
  if (value < 100_000) return String(Math.round(value))
  return value < 999_950 ? `${(value / 1000).toFixed(1)}k` : `${(value / 1_000_000).toFixed(1)}M`
}

/** `0.4`, `42`, `1234`, `12k`. */
export const rate = (perSecond: number): string => {
  if (perSecond < 0.05) return "0"
  if (perSecond < 9.95) return perSecond.toFixed(1)
  return perSecond < 9_999.5 ? String(Math.round(perSecond)) : `${Math.round(perSecond / 1000)}k`
}

/** A part of 1 as `37 %`; only 0 is 0 % and only 1 is 100 %. */
export const percent = (part: number): string =>
  `${part <= 0 ? 0 : part >= 1 ? 100 : Math.min(99, Math.max(1, Math.round(part * 100)))} %`

/** A score between 0 and 1, where only 0 shows as 0.00 and only 1 as 1.00. */
export const score = (value: number): string =>
  value <= 0 || value >= 1 ? value.toFixed(2) : Math.min(0.99, Math.max(0.01, value)).toFixed(2)

/** `1 battle`, `3 battles`. */
export const many = (value: number, one: string, more = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : more}`

/** Parts that say something, with commas between them. */
export const listed = (parts: ReadonlyArray<string | false | null | undefined>, separator = ", "): string =>
  parts.filter((part) => typeof part === "string" && part !== "").join(separator)

/** `quiet 0:41 of 2:10`: how long nothing has come, and how long nothing may; a limit of `null` is none. */
export const quiet = (silentMillis: number, limitMillis: number | null): string =>
  `quiet ${clockTime(silentMillis)}${limitMillis === null ? "" : ` of ${clockTime(limitMillis)}`}`
