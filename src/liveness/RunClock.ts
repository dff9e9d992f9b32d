/**
 * The time a run has had: monotonic time without the stretches in which we could not have seen a token.
 *
 * Two things are no time of the run:
 * - A local pause. The operator ticks every run all the time, so a stretch without any input that is longer than a tick
 *   and `localPauseMillis` means that this process stood still (garbage collection, a suspended machine, a blocked event
 *   loop). All of it but one tick is left out, so every deadline moves by the delay, and a gap that spans the pause is
 *   not learned as the engine's. (Cassandra's `max_local_pause`.)
 * - The time in which the consumer did not let us read.
 *
 * Laws: run time never goes back, whatever times come in; a time that is not a number, or too large to be counted in
 * milliseconds, is no time at all.
 */

export interface RunClock {
  /** The latest monotonic time seen, in milliseconds. */
  readonly atMillis: number
  /** What is left out of it. */
  readonly lostMillis: number
  readonly reading: boolean
}

const isTime = (atMillis: number): boolean => Math.abs(atMillis) <= Number.MAX_SAFE_INTEGER

/** A clock that begins at a monotonic time; its run time begins at 0. */
export const begin = (atMillis: number): RunClock => {
  const start = isTime(atMillis) ? atMillis : 0
  return { atMillis: start, lostMillis: start, reading: true }
}

/** The run time, in milliseconds since the clock began. */
export const now = (clock: RunClock): number => clock.atMillis - clock.lostMillis

/** The clock at a later monotonic time, and whether we were paused before it. */
export const advance = (
  clock: RunClock,
  atMillis: number,
  limits: { readonly tickMillis: number; readonly localPauseMillis: number }
): { readonly clock: RunClock; readonly paused: boolean } => {
  const elapsed = isTime(atMillis) ? Math.max(0, atMillis - clock.atMillis) : 0
  const paused = elapsed > limits.tickMillis + limits.localPauseMillis
  const lost = clock.reading ? paused ? elapsed - limits.tickMillis : 0 : elapsed
  return {
    clock: { ...clock, atMillis: clock.atMillis + elapsed, lostMillis: clock.lostMillis + lost },
    paused
  }
}
