/**
 * The shape of a heartbeat strip: which bars stand where, for a time and a width. Pure; `drawStrips.ts` paints it.
 *
 * A bar is what arrived in a quarter of a second, on a fixed scale of octaves (an eighth of the height is 1 token, all of
 * it 128 or more), so strips can be compared with each other and with the terminal's, which counts the same quarters.
 * A slow stream therefore shows each token as a mark of its own, and a fast one a band.
 *
 * Gotcha: bars lie on one grid of time for all strips, and the grid moves, so a bar never changes while it moves.
 */
import type { Channel, Mark } from "../Frame.ts"
import type { StripEnd } from "./PageState.ts"

/** Length of the time of one bar, in milliseconds. */
export const BUCKET_MILLIS = 250
/** Distance of bars, and their width, in CSS pixels. */
export const PITCH = 3
export const BAR = 2
/** Silence shorter than this is no silence, in milliseconds. */
export const QUIET_MILLIS = 1_000

export interface Bar {
  /** Distance of its left edge from the right edge of the strip, in CSS pixels. */
  readonly fromRight: number
  /** 1 to 8. */
  readonly level: number
  readonly channel: Channel
}

/** A stretch without tokens, in CSS pixels from the right edge; `toRight` is 0 for one that lasts. */
export interface Stretch {
  readonly fromRight: number
  readonly toRight: number
  /** Silence that goes on, or one that an attempt was given up for. */
  readonly kind: "quiet" | "stalled" | "ended"
}

export interface StripShape {
  readonly bars: ReadonlyArray<Bar>
  readonly stretches: ReadonlyArray<Stretch>
}

/** Distance from the right edge, in CSS pixels, of a time. */
const placeOf = (atMillis: number, now: number): number => (now - atMillis) / BUCKET_MILLIS * PITCH

const levelOf = (tokens: number): number => Math.min(8, 1 + Math.floor(Math.log2(Math.max(1, tokens))))

export interface StripSource {
  readonly marks: ReadonlyArray<Mark>
  readonly ends: ReadonlyArray<StripEnd>
  /** When the silence began that lasts; undefined where nothing is expected. */
  readonly silentSinceMillis: number | undefined
}

/** The shape at `now` (campaign time, in milliseconds) of a strip that is `width` CSS pixels wide. */
export const stripShape = ({ ends, marks, silentSinceMillis }: StripSource, now: number, width: number): StripShape => {
  const bars: Array<Bar> = []
  const oldest = now - width / PITCH * BUCKET_MILLIS
  let bucket = NaN
  const tokens = [0, 0, 0]
  const close = () => {
    const fromRight = placeOf((bucket + 1) * BUCKET_MILLIS, now) + PITCH
    for (const channel of [0, 1, 2] as const) {
      if (tokens[channel]! > 0) bars.push({ fromRight, level: levelOf(tokens[channel]!), channel })
      tokens[channel] = 0
    }
  }
  for (let index = marks.length - 1; index >= 0; index--) {
    const [atMillis, arrived, channel] = marks[index]!
    if (atMillis < oldest) break
    const its = Math.floor(atMillis / BUCKET_MILLIS)
    if (its !== bucket) {
      close()
      bucket = its
    }
    tokens[channel]! += arrived
  }
  close()
  return { bars, stretches: stretchesOf(ends, silentSinceMillis, now, width) }
}

const stretchesOf = (
  ends: ReadonlyArray<StripEnd>,
  silentSince: number | undefined,
  now: number,
  width: number
): ReadonlyArray<Stretch> => {
  const stretches: Array<Stretch> = []
  for (const { atMillis, silentSinceMillis, verdict } of ends) {
    const toRight = placeOf(atMillis, now)
    if (toRight >= width) continue
    const fromRight = Math.min(width, placeOf(silentSinceMillis, now))
    stretches.push({ fromRight, toRight: Math.max(0, toRight), kind: verdict === "stalled" ? "stalled" : "ended" })
  }
  if (silentSince !== undefined && now - silentSince > QUIET_MILLIS) {
    stretches.push({ fromRight: Math.min(width, placeOf(silentSince, now)), toRight: 0, kind: "quiet" })
  }
  return stretches
}
