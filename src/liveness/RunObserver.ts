/**
 * Who is told of every watched run of a process beside its consumer: the seam by which metrics are made.
 *
 * Laws: an observer is asked once for each run, when it is opened; what it gives is told of arrivals, of verdicts as they
 * change, and of the end, in this order, and `ended` is the last thing. It decides nothing and can disturb nothing:
 * everything is synchronous and must not throw.
 *
 * Gotcha: `came` is called for every arrival, so it must cost next to nothing. What can be read when somebody asks is not
 * told here but read from `view`. By default nobody is told, and an arrival costs no call.
 */
import * as Context from "effect/Context"
import type { RunState } from "./RunState.ts"
import type { RunName, Verdict } from "./Verdict.ts"

/** One run, to the end. */
export interface ObservedRun {
  /** Progress came, so many milliseconds after the one before; since the run began where it is the first. */
  readonly came: (gapMillis: number, isFirst: boolean) => void
  /** The verdict is another one: another phase, another reason to be slow, or a final one, which comes once. */
  readonly verdict: (verdict: Verdict) => void
  /** The stream has ended, in whatever way, with the run in this state; after so many milliseconds of the run. */
  readonly ended: (state: RunState, durationMillis: number) => void
}

/** Begins to observe a run; `view` gives its state at any moment until it has ended. */
export type ObserveRun = (run: RunName, view: () => RunState) => ObservedRun | undefined

/** Nobody, unless somebody is provided. */
export const RunObserver: Context.Reference<ObserveRun> = Context.Reference<ObserveRun>(
  "a2a-campaign/RunObserver",
  { defaultValue: () => () => undefined }
)
