/**
 * What is known of a silence while it lasts, for people who watch: the limit that will end it and since when that counts,
 * what the engine does, and what the run is called. Nothing is decided here; it is what `Judgement.ts` goes by, in advance.
 *
 * Laws
 * - A run that is not suspect and has been silent for no longer than the shortest suspect limit is `calm`, so an outlook
 *   changes with a silence, never with a token.
 * - Where somebody vouches for the run no limit counts, and there is none here. A limit that the agent's heartbeats tell is
 *   that of a hop further in, which decides sooner than ours.
 * - An engine whose counters have not moved for a while is `still`: no longer said to step, and not yet proved hung.
 *
 * Gotcha: a limit counts from when somebody last vouched for the run or the engine last moved, not from the last token.
 */
import * as Schema from "effect/Schema"
import { isBound } from "./Binding.ts"
import { onlyDeferred } from "./EngineSample.ts"
import { engineDigestOf, limitsOf, standstillOf, unvouchedFor } from "./Judgement.ts"
import * as Limit from "./LimitInForce.ts"
import { LimitInForce } from "./LimitInForce.ts"
import { EngineDigest } from "./LivenessInput.ts"
import { hasEvidence, now, type RunState, silence, vouches } from "./RunState.ts"
import { SlowReason } from "./SlowReason.ts"
import { StallKind } from "./StallKind.ts"

/** What an engine does, as far as the run knows. */
export const EngineState = Schema.Literals([...EngineDigest.literals, "still"])
export type EngineState = typeof EngineState.Type

const CountingLimit = Schema.Struct({
  ...LimitInForce.fields,
  /** From when it counts, in milliseconds since the run began. */
  sinceMillis: Schema.Finite
})
type CountingLimit = typeof CountingLimit.Type

export const Outlook = Schema.Struct({
  /** What ends the run if nothing comes; `null` where nothing does. */
  limit: Schema.NullOr(CountingLimit),
  engine: EngineState,
  /** Why it is called slow; `null` where it is not. */
  slow: Schema.NullOr(SlowReason),
  /** What it was found to be where the policy is to warn and not to end it. */
  stalled: Schema.NullOr(StallKind)
})
export type Outlook = typeof Outlook.Type

/** Nothing is to be said. */
export const calm: Outlook = { limit: null, engine: "unknown", slow: null, stalled: null }

/** Two beginnings of a limit that lie closer together are the same one, in milliseconds: clocks of hops differ. */
const SAME_MILLIS = 1500

/** Whether two outlooks say the same. */
export const isSame = (one: Outlook, other: Outlook): boolean =>
  one.engine === other.engine && one.slow === other.slow && one.stalled === other.stalled &&
  one.limit?.name === other.limit?.name && one.limit?.millis === other.limit?.millis &&
  one.limit?.origin === other.limit?.origin &&
  Math.abs((one.limit?.sinceMillis ?? 0) - (other.limit?.sinceMillis ?? 0)) < SAME_MILLIS

/** The outlook of a run now. */
export const outlookOf = (state: RunState): Outlook => {
  const { agent, finish, limits, outcome, run, slow } = state
  if (outcome !== undefined) return outcome._tag === "Stalled" ? { ...calm, stalled: outcome.kind } : calm
  if (finish !== undefined) return calm
  // The first heartbeat of an agent, which knows more, comes as late as this.
  const patience = agent === undefined ? 2 * limits.tickMillis * Limit.hopsFromEngine[run.hop] : 0
  if (slow === undefined && silence(state) <= limits.suspectFloorMillis + patience) return calm
  const limit = limitOf(state)
  const engine = engineDigestOf(state)
  return {
    limit,
    engine: engine === "moving" && limit?.name === "frozen" ? "still" : engine,
    slow: slow?.reason ?? null,
    stalled: null
  }
}

/** The limit that ends a silence first, and from when it counts, in milliseconds of the run; `null` where none does. */
export const limitOf = (state: RunState): CountingLimit | null => {
  const { agent } = state
  if (state.finish !== undefined || state.outcome !== undefined) return null
  if (agent === undefined) return hasEvidence(state) ? ofEvidence(state) : ofSilence(state)
  const unheardMillis = now(state) - agent.heardMillis
  if (unheardMillis > MISSED * agent.intervalMillis) {
    return counting(Limit.agentHeartbeat(state.limits, agent.intervalMillis), agent.heardMillis)
  }
  if (agent.limit !== undefined) {
    const { usedMillis, ...limit } = agent.limit
    return counting(limit, agent.heardMillis - usedMillis)
  }
  return vouches(agent) ? null : ofSilence(state)
}

/** So many heartbeats may be late before that is what counts. */
const MISSED = 2

const counting = (limit: LimitInForce, sinceMillis: number): CountingLimit => ({ ...limit, sinceMillis })

/** Nobody can say anything: the silence itself counts. */
const ofSilence = (state: RunState): CountingLimit => {
  const sinceMillis = now(state) - unvouchedFor(state)
  const { silent } = limitsOf(state)
  const headers = Limit.headers(state.limits, Limit.hopsFromEngine[state.run.hop])
  return counting(state.phase === "connecting" && headers.millis < silent.millis ? headers : silent, sinceMillis)
}

/** The metrics are of our engine: what they would have to show for so long. */
const ofEvidence = (state: RunState): CountingLimit | null => {
  const { binding, engine, limits, place, progress } = state
  const { sample } = engine
  if (sample === undefined || !isBound(binding)) return null
  const candidates: Array<CountingLimit> = []
  if (standstillOf(state) > limits.suspectFloorMillis && !onlyDeferred(sample)) {
    candidates.push(counting(limitsOf(state).frozen, Math.max(engine.movedMillis, progress.lastMillis)))
  }
  if (place.deferredSinceMillis !== undefined) {
    candidates.push(counting(
      Limit.unlearned("deferred", { millis: limits.deferredMillis, origin: "default" }),
      place.deferredSinceMillis
    ))
  }
  const endOf = ({ millis, sinceMillis }: CountingLimit) => sinceMillis + millis
  return candidates.toSorted((a, b) => endOf(a) - endOf(b))[0] ?? null
}
