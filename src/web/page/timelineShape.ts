/**
 * The token timeline of an attempt: how many tokens had come by when. Pure.
 *
 * The line is cumulative, so a pause is a level stretch as long as it lasted, and a stall is one that ends the line.
 */
import { duration, listed, many, rate } from "./words.ts"

type Timeline = ReadonlyArray<readonly [atMillis: number, tokens: number]>

/** Points that a line has at most: more than a screen has columns. */
const MOST_POINTS = 1_500

export interface TimelineShape {
  /** Points until the last token, in a box of 1000 × 100 with its origin at the upper left corner, as SVG writes them. */
  readonly points: string
  /** Where the last token came, 0 to 1000. */
  readonly lastAt: number
  readonly tokens: number
  readonly durationMillis: number
}

/** The shape of a timeline over the whole attempt. */
export const timelineShape = (timeline: Timeline, durationMillis: number): TimelineShape => {
  const tokens = timeline.reduce((sum, [, each]) => sum + each, 0)
  const span = Math.max(durationMillis, timeline.at(-1)?.[0] ?? 0, 1)
  const every = Math.max(1, Math.ceil(timeline.length / MOST_POINTS))
  const parts = ["0,100"]
  let sum = 0
  let drawn = 0
  timeline.forEach(([atMillis, each], index) => {
    const x = (atMillis / span * 1000).toFixed(1)
    // Level until a token comes, then a step: what had come by then is what had come by then.
    if ((index + 1) % every === 0 || index === timeline.length - 1) {
      parts.push(`${x},${(100 - drawn / Math.max(1, tokens) * 100).toFixed(1)}`)
      drawn = sum + each
      parts.push(`${x},${(100 - drawn / Math.max(1, tokens) * 100).toFixed(1)}`)
    }
    sum += each
  })
  const lastAt = (timeline.at(-1)?.[0] ?? 0) / span * 1000
  return { points: parts.join(" "), lastAt, tokens, durationMillis: span }
}

/** The same in words. */
export const describeTimeline = (timeline: Timeline, durationMillis: number): string => {
  const first = timeline[0]
  const last = timeline.at(-1)
  if (first === undefined || last === undefined) return `No token in ${duration(durationMillis)}.`
  const tokens = timeline.reduce((sum, [, each]) => sum + each, 0)
  let pause = { at: 0, millis: 0 }
  timeline.forEach(([atMillis], index) => {
    const millis = atMillis - (timeline[index - 1]?.[0] ?? atMillis)
    if (millis > pause.millis) pause = { at: atMillis - millis, millis }
  })
  const streaming = last[0] - first[0]
  const silent = durationMillis - last[0]
  return `${
    listed([
      `${many(tokens, "token")} in ${duration(durationMillis)}`,
      `the first after ${duration(first[0])}`,
      streaming > 0 && `then ${rate((tokens - first[1]) / streaming * 1000)} per second`,
      pause.millis > 1000 && `longest pause ${duration(pause.millis)}, from ${duration(pause.at)} on`,
      silent > 1000 && `nothing in the last ${duration(silent)}`
    ])
  }.`
}
