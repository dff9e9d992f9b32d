/**
 * What is said of stalls, wherever they are shown. Pure.
 *
 * An engine that hangs takes all its battles with it: stalls of one kind with one proof that fall together are one event,
 * and are shown as one.
 */
import type { Ended, Stall } from "../Frame.ts"
import { singleLine } from "./harmless.ts"
import { duration, many } from "./words.ts"

/** Stalls that are this near to each other may be one event, in milliseconds. */
const TOGETHER_MILLIS = 10_000

/** Stalls that fell together, the newest first. */
export interface StallGroup {
  readonly stall: Stall
  readonly all: readonly [Ended, ...ReadonlyArray<Ended>]
}

/** A time to a second, rounded as in the words of the stall's own error. */
const toASecond = (millis: number): string => duration(Math.round(millis / 1000) * 1000)

/** What was silent, for how long, and by which limit it was given up. */
export const stallWords = (stall: Stall): string =>
  `no token from the ${singleLine(stall.hop, 40)} for ${toASecond(stall.silentMillis)} in ${stall.phase}, after ${
    many(stall.tokens, "token")
  }; limit ${singleLine(stall.limit.words, 120)}`

/** The same for several that fell together. */
export const groupWords = ({ all, stall }: StallGroup): string => {
  if (all.length === 1) return stallWords(stall)
  const silences = all.map((ended) => ended.stall?.silentMillis ?? 0)
  const [least, most] = [toASecond(Math.min(...silences)), toASecond(Math.max(...silences))]
  return `no token from the ${singleLine(stall.hop, 40)} for ${least === most ? least : `${least} to ${most}`}; limit ${
    singleLine(stall.limit.words, 120)
  }`
}

/** Stalls, newest first, in groups of those that fell together. */
export const groupStalls = (stalls: ReadonlyArray<Ended>): ReadonlyArray<StallGroup> => {
  const groups: Array<{ readonly stall: Stall; readonly all: [Ended, ...Array<Ended>] }> = []
  for (const ended of stalls) {
    const { stall } = ended
    if (stall === null) continue
    const last = groups.at(-1)
    const isSame = last !== undefined && last.stall.kind === stall.kind && last.stall.hop === stall.hop &&
      last.stall.confidence === stall.confidence && last.stall.proof === stall.proof &&
      last.all.at(-1)!.atMillis - ended.atMillis < TOGETHER_MILLIS
    if (isSame) last.all.push(ended)
    else groups.push({ stall, all: [ended] })
  }
  return groups
}
