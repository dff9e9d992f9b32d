/**
 * Is a silent run slow or hung? The rules, in the order in which they are asked. Pure; only ticks ask.
 *
 * A run whose silence is not longer than its suspect limit is neither. A suspect run is slow, and it is given up only if
 *
 * - evidence of the engine that serves it proves one of: gone, another process, request lost, standing still for the
 *   frozen limit, request deferred for ever, decoding dead; or
 * - its agent has stopped to send the heartbeats it promised; or
 * - nobody can vouch for it, and it has been silent for longer than the silent limit since anybody last could.
 *
 * Bound and fresh evidence that proves nothing of the kind keeps it slow, for ever if need be. The same holds for the
 * heartbeats of an agent whose engine moves, or that says it works on something else.
 *
 * A silence of exactly a limit is alive. A standstill counts only up to the time the last scrape was asked for, so the
 * engine was really seen to stand still for all of the limit.
 */
import { isBound } from "./Binding.ts"
import * as EngineRecord from "./EngineRecord.ts"
import { held, onlyDeferred, rise } from "./EngineSample.ts"
import * as Gaps from "./Gaps.ts"
import * as Limit from "./LimitInForce.ts"
import type { LimitInForce } from "./LimitInForce.ts"
import type { EngineDigest } from "./LivenessInput.ts"
import * as Progress from "./Progress.ts"
import { hasEvidence, lastToken, now, type RunState, silence, tokens, vouches } from "./RunState.ts"
import type { SlowReason } from "./SlowReason.ts"
import type { Confidence, StallKind } from "./StallKind.ts"
import type { DecidedBy } from "./Verdict.ts"

export interface Stall {
  readonly kind: StallKind
  readonly confidence: Confidence
  readonly decidedBy: DecidedBy
  readonly limit: LimitInForce
}

export interface Judgement {
  readonly slow: { readonly reason: SlowReason; readonly limit: LimitInForce } | undefined
  readonly stall: Stall | undefined
}

const fine: Judgement = { slow: undefined, stall: undefined }

/**
 * Intervals with a first token and no second that prove decoding dead: one suffices where our request was certainly not
 * put back; where it may have been, a request that only just began may have shared its fate.
 */
const WITNESSES = { running: 1, maybePutBack: 2 } as const

interface Limits {
  readonly suspect: LimitInForce
  readonly frozen: LimitInForce
  readonly silent: LimitInForce
}

/** The limits of a run at this moment. */
export const limitsOf = (state: RunState): Limits => {
  const { engine, learned, limits, progress } = state
  const gaps = Gaps.summarize(progress.gaps, limits.suspectQuantile)
  const sample = isBound(state.binding) ? engine.sample : undefined
  return {
    suspect: Limit.suspect(limits, gaps, sample?.decodeP99Millis),
    frozen: Limit.frozen(limits, gaps, {
      longestStepMillis: engine.longestStepMillis,
      firstRun: state.firstRun,
      preparing: !progress.begun && sample !== undefined && (held(sample) ?? 0) === 0
    }),
    silent: Limit.silent(limits, gaps, learned, hasBegun(state), Limit.hopsFromEngine[state.run.hop])
  }
}

/** An agent that writes a line has not begun its answer: where it says how many tokens it has, that is what counts. */
const hasBegun = (state: RunState): boolean => state.agent === undefined ? state.progress.begun : tokens(state) > 0

/** What is to be said of a run that has not ended. */
export const judge = (state: RunState): Judgement => {
  // No run is given up before this, so most are done here, and no gap has to be sorted.
  if (silence(state) <= state.limits.suspectFloorMillis) return slowByRate(state)
  const limits = limitsOf(state)
  const missing = agentMissing(state)
  if (missing !== undefined) {
    const stall: Stall = { kind: "agent-silent", confidence: "inferred", decidedBy: "limit", limit: missing }
    return { slow: { reason: "silent-unverified", limit: limits.suspect }, stall }
  }
  if (silence(state) <= limits.suspect.millis) return slowByRate(state)
  return {
    slow: { reason: reasonOf(state), limit: limits.suspect },
    stall: provedBy(state, limits) ??
      (vouchedFor(state) ? undefined : unanswered(state) ?? unvouched(state, limits.silent))
  }
}

/** What evidence proves against a suspect run. */
const provedBy = (state: RunState, { frozen, suspect }: Limits): Stall | undefined => {
  const { binding, engine, limits, place, progress } = state
  if (!isBound(binding)) return undefined
  if (EngineRecord.isDead(engine, limits)) return proved("engine-dead", { ...suspect, name: "dead" })
  if (EngineRecord.isRestarted(engine, limits)) {
    return proved("engine-restarted", { ...suspect, name: "restarted" })
  }
  const sample = engine.sample
  if (!hasEvidence(state) || sample === undefined) return undefined

  const standstill = standstillOf(state)
  const isEmpty = held(sample) === 0
  if (place.lost >= limits.lostScrapes) {
    const kind = isEmpty && !place.lostWhileMoving ? "engine-idle" : "orphaned"
    if (progress.begun) return proved(kind, { ...suspect, name: "lost" })
    // A request without a token may still be prepared somewhere in front of the engine.
    const limit = Limit.unlearned("lost", { millis: limits.frozenEmptyMillis, origin: "preparing" })
    if (silence(state) > limit.millis) return { ...proved(kind, limit), confidence: "inferred" }
  }
  if (standstill >= frozen.millis && !onlyDeferred(sample)) {
    return proved(isEmpty ? "engine-idle" : "engine-hung", frozen)
  }
  if (
    place.deferredSinceMillis !== undefined && engine.asOfMillis - place.deferredSinceMillis >= limits.deferredMillis
  ) {
    return proved("deferred-stuck", setting("deferred", limits.deferredMillis))
  }
  if (progress.begun && sample.decodeOutputs !== null) {
    const undecoded = engine.asOfMillis - Math.max(engine.decodedMillis, progress.lastMillis)
    const witnessed = place.undecoded >= (place.maybePutBack ? WITNESSES.maybePutBack : WITNESSES.running)
    const limit = witnessed ? frozen : setting("undecoded", limits.preemptedMillis)
    if (undecoded >= limit.millis) {
      return { ...proved("decode-hung", limit), confidence: witnessed ? "proved" : "inferred" }
    }
  }
  return undefined
}

/** The server has not even taken the request. */
const unanswered = (state: RunState): Stall | undefined => {
  const limit = Limit.headers(state.limits, Limit.hopsFromEngine[state.run.hop])
  return state.phase === "connecting" && unvouchedFor(state) > limit.millis ? inferred(state, limit) : undefined
}

/** Somebody who can know says that the run goes on. */
const vouchedFor = (state: RunState): boolean =>
  hasEvidence(state) || (state.agent !== undefined && vouches(state.agent))

/** For how long there has been neither a token nor anybody who vouched for the run, in milliseconds. */
export const unvouchedFor = (state: RunState): number => {
  const { agent, binding, engine } = state
  return now(state) -
    Math.max(lastToken(state), isBound(binding) ? engine.movedMillis : 0, agent?.vouchedMillis ?? 0)
}

/** What a silence says by itself, counted from when somebody last vouched for the engine. */
const unvouched = (state: RunState, limit: LimitInForce): Stall | undefined =>
  unvouchedFor(state) <= limit.millis ? undefined : inferred(state, limit)

const inferred = ({ agent, run }: RunState, limit: LimitInForce): Stall => ({
  kind: run.hop === "engine" || agent !== undefined ? "silent" : "agent-silent",
  confidence: "inferred",
  decidedBy: "limit",
  limit
})

/** The limit for heartbeats of its agent, if it is exceeded. */
const agentMissing = (state: RunState): LimitInForce | undefined => {
  const { agent } = state
  if (agent === undefined) return undefined
  const limit = Limit.agentHeartbeat(state.limits, agent.intervalMillis)
  return now(state) - Math.max(agent.heardMillis, state.progress.lastMillis) > limit.millis ? limit : undefined
}

const slowByRate = (state: RunState): Judgement => {
  const { minimumTokensPerSecond, rateWindowMillis } = state.limits
  const rate = Progress.rateAt(state.progress, now(state))
  return rate.overMillis >= rateWindowMillis && rate.tokensPerSecond < minimumTokensPerSecond
    ? { slow: { reason: "below-rate", limit: setting("rate", rateWindowMillis) }, stall: undefined }
    : fine
}

/** What a suspect run waits for. */
const reasonOf = (state: RunState): SlowReason => {
  if (state.agent?.working === true) return "agent-work"
  if (!hasEvidence(state)) return reasonByAgent(state)
  const { engine: { sample }, place: { baseline }, progress } = state
  if (sample?.asleep === true) return "engine-asleep"
  const waiting = (sample?.waiting ?? 0) > 0
  if (!progress.begun) return waiting ? "queued" : isDecodingAlone(state) ? "silent-decoding" : "prefill"
  const putBack = rise(baseline?.preemptions, sample?.preemptions) > 0 ||
    (waiting && rise(sample?.running, baseline?.running) > 0)
  return putBack ? "preempted" : "silent-decoding"
}

/** The only request that the engine holds gets its outputs, so it is ours that does, and we are not shown them. */
const isDecodingAlone = ({ engine, place }: RunState): boolean =>
  engine.sample?.running === 1 && place.lost === 0 && engine.decoding

const reasonByAgent = (state: RunState): SlowReason => {
  if (state.agent?.engine === "asleep") return "engine-asleep"
  if (state.agent?.engine !== "moving") return "silent-unverified"
  return state.phase === "queued" || state.phase === "prefill"
    ? state.phase
    : state.progress.begun
    ? "silent-decoding"
    : "prefill"
}

/** For how long the engine has been seen to stand still, as of the last scrape. */
export const standstillOf = (state: RunState): number =>
  Math.max(0, state.engine.asOfMillis - Math.max(state.engine.movedMillis, state.progress.lastMillis))

/** What this run knows of its engine, in one word for the next hop. */
export const engineDigestOf = (state: RunState): EngineDigest => {
  const { agent, binding, engine, limits } = state
  if (agent !== undefined) return agentMissing(state) === undefined ? agent.engine : "unknown"
  if (!isBound(binding)) return "unknown"
  if (EngineRecord.isDead(engine, limits) || EngineRecord.isRestarted(engine, limits)) return "gone"
  if (!hasEvidence(state)) return "unknown"
  if (engine.sample?.asleep === true) return "asleep"
  return standstillOf(state) >= limitsOf(state).frozen.millis ? "frozen" : "moving"
}

const proved = (kind: StallKind, limit: LimitInForce): Stall => ({
  kind,
  confidence: "proved",
  decidedBy: "evidence",
  limit
})

const setting = (name: LimitInForce["name"], millis: number): LimitInForce =>
  Limit.unlearned(name, { millis, origin: "default" })
