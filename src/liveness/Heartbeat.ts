/**
 * What a hop that watches a run says of it to the next one while it is silent.
 *
 * Ages, not times: the next hop has a clock of its own.
 */
import { engineDigestOf } from "./Judgement.ts"
import type { Heartbeat } from "./LivenessInput.ts"
import { type RunState, silence, tokens } from "./RunState.ts"

/** The heartbeat of a run at this moment; it promises the next one within `intervalMillis`. */
export const heartbeatOf = (state: RunState): Required<Omit<Heartbeat, "_tag" | "at">> => ({
  phase: state.phase,
  tokens: tokens(state),
  tokenAgeMillis: silence(state),
  engine: engineDigestOf(state),
  intervalMillis: state.limits.heartbeatMillis
})
