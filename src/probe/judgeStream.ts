/** What the timing of one stream says by itself. */
import type { StreamMeasurement } from "./AgentMeasurements.ts"

/** An answer that is whole before this, in milliseconds, is too fast to tell whether it was held back. */
export const TOO_FAST_MILLIS = 150
/** The share of the text at the end that says that it was held back. */
const LATE_SHARE = 0.8

type Timed = Pick<StreamMeasurement, "lateShare" | "lastTextMillis">

/** Whether too little time went by to tell. */
export const isTooFast = ({ lastTextMillis }: Timed): boolean =>
  lastTextMillis !== null && lastTextMillis < TOO_FAST_MILLIS

/** Whether nearly all text came at once, at the end. */
export const isLate = (stream: Timed): boolean =>
  stream.lateShare !== null && stream.lateShare >= LATE_SHARE && !isTooFast(stream)
