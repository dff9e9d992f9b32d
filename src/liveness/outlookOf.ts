/**
 * The outlook of a run (`Outlook.ts`). Nothing is decided here; it is what `Judgement.ts` goes by, in advance.
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
import { isBound } from "./Binding.ts"
import { onlyDeferred } from "./EngineSample.ts"
import { engineDigestOf, limitsOf, standstillOf, unvouchedFor } from "./Judgement.ts"
import * as Limit from "./LimitInForce.ts"
import type { LimitInForce } from "./LimitInForce.ts"
import { calm, type CountingLimit, type Outlook } from "./Outlook.ts"
import { hasEvidence, now, type RunState, silence, vouches } from "./RunState.ts"

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
