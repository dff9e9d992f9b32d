/**
 * The rhythm of a token stream: how many tokens came in each quarter of a second, for the last half minute.
 *
 * Buckets lie on one grid for everybody (bucket n is the time from n × 250 ms to before (n + 1) × 250 ms), so the
 * strips of different attempts move together. Only complete buckets are shown or counted in a rate: one that is still being
 * filled would flicker.
 *
 * Laws: memory is bounded; a step is O(1), and copies the bounded past only when a bucket is complete; tokens that come
 * late, for a bucket that is already complete, count in the current one.
 */

/** Length of a bucket, in milliseconds. */
export const BUCKET_MILLIS = 250
/** Complete buckets that are kept. */
export const BUCKETS = 128

export interface Cadence {
  /** Index of the bucket that is being filled. */
  readonly current: number
  /** Tokens in it. */
  readonly tokens: number
  /** Tokens of the complete buckets before it, oldest first. */
  readonly past: ReadonlyArray<number>
}

const indexOf = (atMillis: number): number => Math.floor(atMillis / BUCKET_MILLIS)

/** A stream that begins at `atMillis`. */
export const begin = (atMillis: number): Cadence => ({ current: indexOf(atMillis), tokens: 0, past: [] })

/** The cadence after `tokens` more at `atMillis`. */
export const step = (cadence: Cadence, atMillis: number, tokens: number): Cadence => {
  const index = indexOf(atMillis)
  return index <= cadence.current
    ? { current: cadence.current, tokens: cadence.tokens + tokens, past: cadence.past }
    : { current: index, tokens, past: recent(cadence, atMillis, BUCKETS) }
}

/** The last complete buckets before `now`, oldest first; fewer than `count` where the stream is younger than that. */
export const recent = (cadence: Cadence, now: number, count: number): ReadonlyArray<number> => {
  const complete = Math.max(0, indexOf(now) - cadence.current)
  if (count <= 0) return []
  if (complete === 0) return cadence.past.slice(-count)
  const silent = Math.min(complete - 1, count)
  return [...cadence.past, cadence.tokens, ...Array.from({ length: silent }, () => 0)].slice(-count)
}

/**
 * Tokens per second over the last `windowMillis` before `now`, or since `sinceMillis` where that is later; undefined
 * before the first bucket is complete.
 */
export const rate = (
  cadence: Cadence,
  now: number,
  windowMillis: number,
  sinceMillis = -Infinity
): number | undefined => {
  const since = Number.isFinite(sinceMillis) ? indexOf(now) - indexOf(sinceMillis) : Infinity
  const buckets = recent(cadence, now, Math.min(since, Math.floor(windowMillis / BUCKET_MILLIS)))
  return buckets.length === 0
    ? undefined
    : buckets.reduce((sum, tokens) => sum + tokens, 0) / (buckets.length * BUCKET_MILLIS / 1000)
}
