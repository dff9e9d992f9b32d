/**
 * What is tested: a reducer with its limits, and the rhythm in which it is told of the world.
 *
 * The reducer is a value, the one of `a2a-campaign/Liveness` unless given: whoever changes it or wraps it (other rules
 * for some inputs, a cache, a state of its own) can ask whether the laws still hold. It must be pure: laws compare two
 * runs from the same state.
 */
import type { LivenessInput } from "../liveness/LivenessInput.ts"
import { defaults, type LivenessLimits } from "../liveness/LivenessLimits.ts"
import * as LivenessStep from "../liveness/LivenessStep.ts"
import type { RunState } from "../liveness/RunState.ts"
import type { Verdict } from "../liveness/Verdict.ts"
import { type Rhythm, usualRhythm } from "./World.ts"

/** A reducer over what is told of one run. */
export interface Reducer {
  /** A run of which nothing is known yet. */
  readonly initial: (limits: LivenessLimits) => RunState
  /** The state after one more input; pure and total. */
  readonly step: (state: RunState, input: LivenessInput) => RunState
  /** What can be said of a run now. */
  readonly verdictOf: (state: RunState) => Verdict
}

/** The reducer that `Liveness.watch` uses. */
export const reducer: Reducer = {
  initial: LivenessStep.initial,
  step: LivenessStep.step,
  verdictOf: LivenessStep.verdictOf
}

/** What laws are asked of: limits, how often the engine is scraped, and a reducer. */
export interface Subject {
  /** The limits under test; times in milliseconds. */
  readonly limits: LivenessLimits
  /** How often the engine's metrics are asked for, in milliseconds. */
  readonly scrapeMillis: number
  /** The reducer under test. */
  readonly reducer: Reducer
}

/** A subject of which all is usual that is not given: the defaults, a scrape every five seconds, our own reducer. */
export const subjectOf = (some: Partial<Subject> = {}): Subject => ({
  limits: defaults,
  scrapeMillis: usualRhythm.scrapeMillis,
  reducer,
  ...some
})

/** How often a subject's runs are looked at and its engine is scraped. */
export const rhythmOf = ({ limits, scrapeMillis }: Subject): Rhythm => ({
  tickMillis: limits.tickMillis,
  scrapeMillis
})
