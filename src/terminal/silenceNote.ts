/**
 * What is to be said of a silence, in one line: how long it is, after how long it will be ended, what the engine does, and
 * why it is called slow. As much of it as fits.
 *
 *     quiet 0:41 of 2:10, engine stepping
 *
 * Gotcha: a limit counts from when somebody last vouched for the attempt or the engine last moved, so what stands behind
 * "of" is the silence at the moment in which the limit will have passed, which may be more than the limit itself.
 */
import type { AttemptOutlook } from "../campaign/AttemptOutlook.ts"
import type { EngineState } from "../liveness/Outlook.ts"
import { clockTime, duration } from "./Quantities.ts"
import type { Style } from "./StyledLine.ts"
import { widthOf } from "./TextWidth.ts"

/** What an engine is said to do; of one of which nothing is known nothing is said. */
export const engineWords: Record<EngineState, string | undefined> = {
  moving: "stepping",
  still: "stopped",
  frozen: "standing still",
  asleep: "asleep",
  gone: "gone",
  unknown: undefined
}

export interface Silence {
  /** How long nothing has come, in milliseconds. */
  readonly quietMillis: number
  /** For how long the attempt has been going on, in milliseconds. */
  readonly ageMillis: number
  readonly outlook: Known
}

/** As much of an outlook as is told. */
export interface Known extends Pick<AttemptOutlook, "engine" | "slow" | "stalled"> {
  readonly limit: Pick<NonNullable<AttemptOutlook["limit"]>, "millis" | "sinceMillis"> | null
}

/** How long the silence of now may last, in milliseconds; `undefined` where nothing ends it. */
const mayLast = ({ ageMillis, outlook: { limit }, quietMillis }: Silence): number | undefined =>
  limit === null ? undefined : quietMillis + limit.millis - (ageMillis - limit.sinceMillis)

/** The note in at most `columns`; the longer forms first. */
export const silenceNote = (silence: Silence, columns: number): string => {
  const { outlook: { engine, slow, stalled }, quietMillis } = silence
  const end = mayLast(silence)
  const quiet = `quiet ${clockTime(quietMillis)}`
  // It is looked at once a second, and proved by the next scrape: a little over is not another limit.
  const last = end === undefined ? undefined : clockTime(Math.max(end, quietMillis))
  const word = engineWords[engine]
  const isEngine = engine === "still" || engine === "frozen" || engine === "gone"
  // What a run waits for is said of engines that may do something for it.
  const why = slow === null || isEngine ? undefined : `slow: ${slow}`
  const called = stalled === null ? why : `stalled: ${stalled}, not ended`
  const long = last === undefined ? quiet : `${quiet} of ${last}`
  const short = last === undefined ? quiet : `${quiet}/${last}`
  const joined = (...parts: ReadonlyArray<string | undefined>) => parts.filter((part) => part !== undefined).join(", ")
  const forms = [
    joined(long, word && `engine ${word}`, called),
    joined(long, word && `engine ${word}`),
    joined(short, word && `engine ${word}`),
    joined(long, word),
    joined(short, word),
    long,
    `quiet ${duration(quietMillis)}`
  ]
  return forms.find((form) => widthOf(form) <= columns) ?? forms.at(-1)!
}

/** How much of a worry it is. */
export const silenceStyle = ({ engine, stalled }: Known): Style =>
  stalled !== null || engine === "frozen" || engine === "gone" ? "red" : "amber"
