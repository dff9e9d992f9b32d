/**
 * What one run teaches about the next of its kind: its largest gap, and how long its first token took. Each is a number
 * of milliseconds, or censored (+Infinity: longer than anybody waited), or nothing (`null`).
 *
 * The wait for the first token is over with it, whatever becomes of the run later. Everything else depends on how the
 * last silence ended, the wait for the first token if there was none:
 *
 * - By the finish of a completed run: so long it took. It counts like a gap, because a limit had to bear it.
 * - We gave the run up, inferring from silence: it may have been healthy, so it is censored. Leaving it out would let the
 *   limit shrink by its own kills.
 * - We gave it up, and evidence proved the hang: a hung run says nothing of healthy ones, and its largest gap as a
 *   healthy run is unknown. Nothing.
 * - It failed or was cancelled in a silence longer than all its gaps and than its suspect limit: censored. Whoever cut it
 *   (a proxy with an idle limit, a user who lost patience, an outer hop that gave up and looks like a cancellation here)
 *   may have done so for that silence, and nobody knows how long it would have become.
 * - It failed or was cancelled at any other time: the cut has nothing to do with silence, and what came before is no
 *   finished run. Nothing. The suspect limit is asked for because by chance a cut often falls into the longest of few
 *   small gaps, and a few censored runs in 200 leave no bound; it is never more than half of the least silent limit.
 * - Nobody took the request (no connection, or a refusal): nobody was slow with it. Nothing.
 *
 * Gotcha: where the policy only warns, a run may end well after its verdict; what counts is the verdict.
 */
import type { FailKind } from "./FailKind.ts"
import { limitsOf } from "./Judgement.ts"
import { now, type RunState, silence } from "./RunState.ts"
import type { FinalVerdict } from "./Verdict.ts"

/** What a run that has ended teaches about silence in healthy runs of its kind; `null` where nothing. */
export interface FinishedRun {
  /** The longest silence after its first token, in milliseconds; `Infinity` for one that was cut off. */
  readonly largestGapMillis: number | null
  /** How long its first token took, in milliseconds; `Infinity` for a wait that was cut off. */
  readonly firstTokenMillis: number | null
}

/** What a run teaches at its end; nothing before. */
export const fromState = (state: RunState): FinishedRun => {
  const { outcome, progress } = state
  if (outcome === undefined) return { largestGapMillis: null, firstTokenMillis: null }
  const last = lastSilence(state, outcome)
  if (!progress.begun) return { largestGapMillis: null, firstTokenMillis: last }
  return {
    largestGapMillis: last === null ? null : Math.max(progress.longestGapMillis, last),
    firstTokenMillis: progress.firstMillis
  }
}

/** Whether there is anything to be kept of it. */
export const teachesSomething = (run: FinishedRun): boolean =>
  run.largestGapMillis !== null || run.firstTokenMillis !== null

/** How long the silence was that the run ended in, as far as that says anything. */
const lastSilence = (state: RunState, outcome: FinalVerdict): number | null => {
  switch (outcome._tag) {
    case "Completed":
      // Less than nothing where a count came after the finish; the gap up to that count holds this silence.
      return (state.finish?.atMillis ?? now(state)) - state.progress.lastMillis
    case "Stalled":
      return outcome.confidence === "proved" ? null : Infinity
    case "Failed":
      return !notTaken.has(outcome.kind) && isRemarkable(state) ? Infinity : null
    case "Cancelled":
      return isRemarkable(state) ? Infinity : null
  }
}

const notTaken: ReadonlySet<FailKind> = new Set<FailKind>(["connect-error", "connect-timeout", "rejected"])

/** The run is in a silence that it has shown no like of, and that made it suspect. */
const isRemarkable = (state: RunState): boolean =>
  silence(state) > Math.max(state.progress.longestGapMillis, limitsOf(state).suspect.millis)
