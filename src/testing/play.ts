/**
 * Inputs through a reducer, the way `Liveness.watch` feeds it.
 *
 * A tick that condemns a run is followed by another look at the same instant, where the operator looks again a tick later:
 * so a verdict falls here up to one tick earlier, and at a time that can be calculated.
 */
import type { LivenessInput } from "../liveness/LivenessInput.ts"
import { now, type RunState } from "../liveness/RunState.ts"
import type { Verdict } from "../liveness/Verdict.ts"
import { tick } from "./inputs.ts"
import { rhythmOf, type Subject, subjectOf } from "./Reducer.ts"
import { inputsOf, type World } from "./World.ts"

/** What became of a run. */
export interface Played {
  /** The state it was left in. */
  readonly state: RunState
  /** What can be said of it at the end. */
  readonly verdict: Verdict
  /** When the final verdict fell, in milliseconds of the inputs' clock; `undefined` without one. */
  readonly endedAt: number | undefined
  /** Every reason for which it was called slow. */
  readonly reasons: ReadonlySet<string>
}

/** Feeds inputs to the reducer of a subject, up to the first final verdict; from a state, or from the beginning. */
export const play = (
  inputs: ReadonlyArray<LivenessInput>,
  { limits, reducer }: Pick<Subject, "limits" | "reducer"> = subjectOf(),
  from: RunState = reducer.initial(limits)
): Played => {
  let state = from
  let endedAt: number | undefined
  const reasons = new Set<string>()
  for (const input of inputs) {
    state = reducer.step(state, input)
    if (input._tag === "Tick" && state.condemned && state.outcome === undefined) {
      state = reducer.step(state, tick(input.at))
    }
    if (state.slow !== undefined) reasons.add(state.slow.reason)
    if (state.outcome !== undefined) {
      endedAt = input.at
      break
    }
  }
  return { state, verdict: reducer.verdictOf(state), endedAt, reasons }
}

/** What becomes of a world. */
export const playWorld = (world: World, subject: Subject = subjectOf()): Played =>
  play(inputsOf(world, rhythmOf(subject)), subject)

/** A final verdict without what evidence and time only add to it. */
export const gist = ({ endedAt, state, verdict }: Played) => ({
  tag: verdict._tag,
  kind: "kind" in verdict ? verdict.kind : undefined,
  tokens: "tokens" in verdict ? verdict.tokens : undefined,
  endedAt,
  nowMillis: now(state)
})
