/**
 * Whether the time of a polled task's status tells that its agent is at work, as one pure step per answer.
 *
 * A status with another time than before is life, even if nothing else has changed. But there are agents that make a
 * task's status anew for whoever asks, with the present time, and would look alive for ever. So the first times that
 * nothing but the time has changed, the task is asked for again a moment later: an agent whose time has moved once more,
 * each of these times, tells nothing by it. One whose time stood still once in such a moment means it.
 *
 * Gotcha: who tells the present time in whole seconds is not found out; and who renews a status many times in each such
 * moment, without ever changing a word, is taken for one that says nothing.
 */

/** The moment, in milliseconds: shorter than anybody's heartbeats, and longer than what clocks can tell apart. */
export const MOMENT = 50
/** So many times in a row, by chance, is the time of no heartbeat renewed. */
const MOST_ECHOES = 3

export interface StatusClock {
  /** As the agent told it last. */
  readonly time: string | undefined
  readonly means: "unknown" | "work" | "nothing"
  /** The next answer is to be asked for after a moment, to be compared. */
  readonly isChecking: boolean
  readonly echoes: number
  /** Whether the last answer showed by its time alone that the agent is at work. */
  readonly isLife: boolean
}

export const initial: StatusClock = {
  time: undefined,
  means: "unknown",
  isChecking: false,
  echoes: 0,
  isLife: false
}

/** After one more answer; `isNews`: something else has changed besides. */
export const step = (clock: StatusClock, time: string | undefined, isNews: boolean): StatusClock => {
  const hasMoved = time !== undefined && clock.time !== undefined && time !== clock.time
  const told = { ...clock, time: time ?? clock.time, isChecking: false, isLife: false }
  if (isNews) return told
  if (clock.isChecking) {
    const echoes = clock.echoes + 1
    if (!hasMoved) return { ...told, means: "work" }
    return { ...told, echoes, means: echoes < MOST_ECHOES ? "unknown" : "nothing" }
  }
  const isLife = hasMoved && clock.means !== "nothing"
  return { ...told, isLife, isChecking: isLife && clock.means === "unknown" }
}
