/** What the timing of one stream says by itself. */
import type { StreamMeasurement } from "./AgentMeasurements.ts"

/** An answer that is whole before this, in milliseconds, is too fast to tell whether it was held back. */
export const TOO_FAST_MILLIS = 150
/** The share of the text at the end that says that it was held back. */
const LATE_SHARE = 0.8

/** Tokens that come together are a burst. */
const BURST = 8
/** So many bursts still show that an agent is at work. */
const ENOUGH_BURSTS = 5

/** The part of an answer for which we may stand still ourselves. */
const MOST_PAUSED = 0.25

type Timed = Pick<StreamMeasurement, "lateShare" | "lastTextMillis" | "pausedMillis">
type Counted = Timed & Pick<StreamMeasurement, "arrivals" | "textFrames" | "upstream">

/** Whether too little time went by to tell. */
export const isTooFast = ({ lastTextMillis }: Timed): boolean =>
  lastTextMillis !== null && lastTextMillis < TOO_FAST_MILLIS

/** Whether we stood still for too much of the time to tell. */
export const isPaused = ({ lastTextMillis, pausedMillis }: Timed): boolean =>
  lastTextMillis !== null && pausedMillis > MOST_PAUSED * lastTextMillis

const isTimed = (stream: Timed): boolean => !isTooFast(stream) && !isPaused(stream)

/** Whether nearly all text came at once, at the end. */
export const isLate = (stream: Timed): boolean =>
  stream.lateShare !== null && stream.lateShare >= LATE_SHARE && isTimed(stream)

/** Tokens for each arrival, by the engine's count where it is ours alone; else pieces. */
export const perArrival = ({ arrivals, textFrames, upstream }: Counted): number =>
  (upstream !== null && !upstream.shared && upstream.tokens > 0 ? upstream.tokens : textFrames) / Math.max(1, arrivals)

/** Whether the text came in few large portions, though not in one. */
export const isBursty = (stream: Counted): boolean =>
  stream.arrivals > 1 && !isLate(stream) && isTimed(stream) && perArrival(stream) >= BURST

/** Whether whoever reads the stream sees that the agent is at work. */
export const isWatchable = (stream: Counted): boolean =>
  stream.textFrames > 1 && !isLate(stream) && !(isBursty(stream) && stream.arrivals < ENOUGH_BURSTS)
