/**
 * The campaign's clock, as well as a page can know it: every frame says what time it was when it was sent.
 *
 * A frame that came late makes the clock seem slow, never fast, so the frame that says the latest time is the one that
 * came fastest and is believed; it is forgotten after a minute, because clocks of two machines drift.
 *
 * Laws: between two frames the time goes on as this machine's does, and it does not go back while frames come; a clock
 * that is stopped (nobody knows what the time there is while the connection is lost) stands still.
 */

export interface ServerClock {
  /** Campaign time minus this machine's monotonic time, in milliseconds; of the fastest frame of each half minute. */
  readonly offset: number
  readonly before: number
  /** Machine time at which the present half minute began. */
  readonly since: number
  /** Campaign time at which the clock stopped; undefined while it runs. */
  readonly stoppedAt: number | undefined
}

const HALF_MILLIS = 30_000

/** A clock that has heard of no frame and stands at 0. */
export const initial: ServerClock = { offset: -Infinity, before: -Infinity, since: -Infinity, stoppedAt: 0 }

/** The clock after a frame of campaign time `sentAt` came at machine time `cameAt`. */
export const heard = (clock: ServerClock, sentAt: number, cameAt: number): ServerClock => {
  const offset = sentAt - cameAt
  if (clock.stoppedAt !== undefined) return { offset, before: -Infinity, since: cameAt, stoppedAt: undefined }
  return cameAt - clock.since > HALF_MILLIS
    ? { offset, before: clock.offset, since: cameAt, stoppedAt: undefined }
    : { ...clock, offset: Math.max(clock.offset, offset) }
}

/** Campaign time at machine time `at`. */
export const read = (clock: ServerClock, at: number): number =>
  clock.stoppedAt ?? at + Math.max(clock.offset, clock.before)

/** The clock, stopped at what it shows at machine time `at`. */
export const stop = (clock: ServerClock, at: number): ServerClock => ({ ...clock, stoppedAt: read(clock, at) })
