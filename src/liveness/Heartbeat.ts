/**
 * What a hop that watches a run says of it to the next one while it is silent.
 *
 * Ages, not times: the next hop has a clock of its own.
 */
import { engineDigestOf } from "./Judgement.ts"
import type { ToldLimit } from "./LimitInForce.ts"
import type { Heartbeat } from "./LivenessInput.ts"
import { limitOf } from "./outlookOf.ts"
import { now, type RunState, silence, tokens } from "./RunState.ts"

/** The heartbeat of a run at this moment; it promises the next one within `intervalMillis`. */
export const heartbeatOf = (state: RunState): Omit<Told, "_tag"> => {
  const limit = toldLimitOf(state)
  return {
    phase: state.phase,
    tokens: tokens(state),
    tokenAgeMillis: silence(state),
    engine: engineDigestOf(state),
    intervalMillis: state.limits.heartbeatMillis,
    ...limit === undefined ? {} : { limit }
  }
}

/** A heartbeat as our agents send it. */
export type Told = Omit<Heartbeat, "at" | "intervalMillis"> & {
  /** How often it promises the next one, in milliseconds. */
  readonly intervalMillis: number
}

/** The limit that ends the silence of a run, as it is told. */
export const toldLimitOf = (state: RunState): ToldLimit | undefined => {
  const limit = limitOf(state)
  if (limit === null) return undefined
  const { sinceMillis, ...rest } = limit
  return { ...rest, usedMillis: Math.max(0, now(state) - sinceMillis) }
}
