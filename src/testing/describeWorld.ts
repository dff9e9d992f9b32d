/**
 * Worlds and gaps as text, for people who read a counter-example: one line for each stretch, with when it begins and how
 * long it lasts, and what is unusual about the metrics.
 *
 *     0 s         prefill for 2 s
 *     2 s         tokens for 10 s, one every 50 ms
 *     12 s        frozen for 5 min
 *     5 min 12 s  and nothing more
 */
import type { Stretch, World } from "./World.ts"

/** A time as people write it: 250 ms, 12.5 s, 2 min 3 s. */
export const inWords = (millis: number): string => {
  if (Math.abs(millis) < 1000) return `${millis} ms`
  const seconds = millis / 1000
  if (Math.abs(seconds) < 120) return `${Number(seconds.toFixed(3))} s`
  const rest = Number((seconds % 60).toFixed(3))
  return `${Math.trunc(seconds / 60)} min${rest === 0 ? "" : ` ${rest} s`}`
}

const GAPS_TOLD = 12
const LONGEST_TOLD = 3

/**
 * Gaps in words. Equal ones in a row are counted: "50 ms x 20, 41 s, 50 ms". Of many different ones the middle one and
 * the longest are told, with when each of those began.
 */
export const gapsInWords = (gaps: ReadonlyArray<number>): string => {
  const told: Array<{ readonly millis: number; times: number }> = []
  for (const millis of gaps) {
    const last = told.at(-1)
    if (last?.millis === millis) last.times++
    else told.push({ millis, times: 1 })
  }
  return told.length > GAPS_TOLD
    ? manyInWords(gaps)
    : told.map(({ millis, times }) => times === 1 ? inWords(millis) : `${inWords(millis)} x ${times}`).join(", ")
}

const manyInWords = (gaps: ReadonlyArray<number>): string => {
  let sum = 0
  const placed = gaps.map((millis) => ({ millis, after: (sum += millis) - millis }))
  const sorted = placed.toSorted((one, other) => other.millis - one.millis)
  const longest = sorted.slice(0, LONGEST_TOLD).map(({ after, millis }) =>
    `${inWords(millis)} (after ${inWords(after)})`
  )
  const middle = sorted[Math.floor(sorted.length / 2)]?.millis ?? 0
  return `${gaps.length} arrivals, the middle one of them ${inWords(middle)}, the longest ${longest.join(", ")}`
}

const gapOf = ({ gapMillis = 33 }: Stretch): string =>
  typeof gapMillis === "number"
    ? `one every ${inWords(gapMillis)}`
    : typeof gapMillis === "function"
    ? "with gaps by chance"
    : `with gaps of ${gapsInWords(gapMillis)}`

const ends: Record<World["end"], string> = {
  open: "and nothing more",
  finish: "finish reason, [DONE]",
  done: "[DONE] without a finish reason",
  eof: "the body ends without a finish reason",
  reset: "the connection breaks",
  error: "an error event",
  malformed: "bytes that are no answer",
  "connect-error": "no connection",
  "connect-timeout": "no answer to the connection",
  runaway: "found worthless",
  unsupported: "not supported",
  "agent-failed": "the agent says that it failed"
}

/** A world in lines. */
export const describeWorld = (world: World): string => {
  const rows: Array<readonly [at: string, what: string]> = []
  let at = 0
  for (const stretch of world.stretches) {
    const tokens = stretch.kind === "tokens" ? `, ${gapOf(stretch)}` : ""
    rows.push([inWords(at), `${stretch.kind} for ${inWords(stretch.millis)}${tokens}`])
    at += stretch.millis
  }
  rows.push([inWords(at), ends[world.end]])
  const width = Math.max(...rows.map(([time]) => time.length))
  return [...rows.map(([time, what]) => `${time.padEnd(width)}  ${what}`), ...remarksOf(world)].join("\n")
}

const remarksOf = (world: World): ReadonlyArray<string> => {
  const { alone, horizonMillis, metrics = "ours", noiseEveryMillis, opened, scrapeAt, tokensPerFrame = 1 } = world
  const learned = opened?.learned
  return [
    ...horizonMillis === undefined ? [] : [`looked at for ${inWords(horizonMillis)}`],
    `metrics: ${metrics}${metrics === "none" ? "" : `, from ${inWords(scrapeAt ?? 0)} on`}, binding ${
      opened?.binding ?? "unproven"
    }`,
    ...alone === true ? ["the engine serves nobody else"] : [],
    ...tokensPerFrame === 1 ? [] : [`${tokensPerFrame} tokens at once`],
    ...noiseEveryMillis === undefined ? [] : [`comments and the like every ${inWords(noiseEveryMillis)}`],
    ...learned === undefined || learned.gapMillis === null && learned.firstTokenMillis === null
      ? []
      : [`learned: gap ${orNothing(learned.gapMillis)}, first token ${orNothing(learned.firstTokenMillis)}`]
  ]
}

const orNothing = (millis: number | null): string => millis === null ? "nothing" : inWords(millis)

/** The value itself, which test runners print in these words; what they compare is not changed. */
export const readable = <A extends object>(value: A, words: (value: A) => string): A =>
  Object.defineProperty(value, "toString", { value: () => words(value), enumerable: false })
