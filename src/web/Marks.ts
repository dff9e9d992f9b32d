/**
 * The rhythm of one attempt for the page: when tokens arrived, how many, and of which kind.
 *
 * What is new is told with the next frame as it came, arrivals within 25 ms as one mark; what was told is kept for half a
 * minute, in tenths of a second, for whoever comes later. So neither a frame nor what is kept grows with the speed of an
 * engine.
 *
 * Laws: no token is lost in merging, and marks of one channel do not go back in time. Marks are appended to in place: one
 * recorder for the life of an attempt, so a token costs one addition.
 */
import type { Channel, Mark } from "./Frame.ts"

/** The part of a strip that is kept, in milliseconds. */
const KEPT_MILLIS = 30_000
const FRESH_MILLIS = 25
const PAST_MILLIS = 100
/** More is not kept apart while nobody takes it: two seconds. */
const MOST_FRESH = 80

interface Written {
  at: number
  tokens: number
  channel: Channel
}

/** Adds to the last of the marks, where it began less than so long ago and is of the same channel. */
const add = (marks: Array<Written & { since: number }>, mark: Written, within: number): void => {
  const last = marks.at(-1)
  if (last !== undefined && last.channel === mark.channel && mark.at - last.since < within) {
    last.at = Math.max(last.at, mark.at)
    last.tokens += mark.tokens
  } else marks.push({ ...mark, since: mark.at })
}

const shown = ({ at, channel, tokens }: Written): Mark => [Math.round(at), tokens, channel]

export class Marks {
  #fresh: Array<Written & { since: number }> = []
  #past: Array<Written & { since: number }> = []

  arrived(at: number, tokens: number, channel: Channel): void {
    add(this.#fresh, { at, tokens, channel }, FRESH_MILLIS)
    if (this.#fresh.length > MOST_FRESH) this.take(at)
  }

  /** What has come since it was last asked. */
  take(now: number): ReadonlyArray<Mark> {
    const news = this.#fresh
    if (news.length === 0) return []
    this.#fresh = []
    for (const mark of news) add(this.#past, mark, PAST_MILLIS)
    const old = this.#past.findIndex(({ at }) => at >= now - KEPT_MILLIS)
    if (old !== 0) this.#past.splice(0, old < 0 ? this.#past.length : old)
    return news.map(shown)
  }

  /** What was taken before, as far as it is kept. */
  kept(now: number): ReadonlyArray<Mark> {
    return this.#past.filter(({ at }) => at >= now - KEPT_MILLIS).map(shown)
  }
}
