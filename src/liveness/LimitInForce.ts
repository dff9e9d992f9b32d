/**
 * The limits of one run at one moment, and where each comes from: pure formulas over its gaps and what is known of its
 * engine.
 *
 * With G the last gaps of the run in milliseconds (liveness model, section 3.5):
 *
 *     suspect     T_s = clamp(8 x Q95(G), 5 s, 60 s); 30 s, or 8 x the engine's p99, until there are 16 gaps
 *     frozen      T_e = clamp(max(3 x max G, 2 x longest healthy step), 60 s, 300 s); at least 180 s in the first run
 *                       after a start, and for a request the engine may not know of yet
 *     silent      T_n = clamp(max(16 x max G, q), 120 s, 900 s), q learned from finished runs
 *     first-token       clamp(q, 120 s, 1800 s), q learned likewise
 *
 * A q that is not learned counts as the ceiling: without evidence and experience nobody is in a hurry. So does one that
 * cannot be learned because too many of the runs were given up (ConformalBound.ts). At a hop further out both are longer
 * by a nested allowance, so that the innermost hop decides first.
 *
 * Law: every limit grows with each of its settings and with each gap.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { GapSummary } from "./Gaps.ts"
import type { LivenessLimits } from "./LivenessLimits.ts"

const LimitName = Schema.Literals([
  "suspect",
  "frozen",
  "undecoded",
  "silent",
  "first-token",
  "lost",
  "deferred",
  "dead",
  "restarted",
  "agent-heartbeat",
  "headers",
  "budget",
  "rate"
])
export type LimitName = typeof LimitName.Type

const LimitOrigin = Schema.Literals([
  /** The setting itself. */
  "default",
  /** A setting that bounds a formula from below, from above. */
  "floor",
  "ceiling",
  /** The gaps of this run. */
  "own-gaps",
  /** The engine's histogram of gaps. */
  "engine-latency",
  /** The longest step seen on this engine while it was well. */
  "engine-steps",
  /** Finished runs of the same key. */
  "learned",
  /** The ceiling, because too few runs have finished. */
  "not-learned",
  /** The ceiling, because too many of the runs that finished were given up to tell how long a healthy one takes. */
  "unbounded",
  /** The engine has just been started. */
  "first-run",
  /** The request may still be prepared in front of the engine. */
  "preparing"
])
export type LimitOrigin = typeof LimitOrigin.Type

/** Experience: the finished runs of the same key that have something to teach, and how many of them are enough. */
export const Learning = Schema.Struct({ runs: Schema.Int, needed: Schema.Int })
export type Learning = typeof Learning.Type

/** A limit of one run at one moment. */
export const LimitInForce = Schema.Struct({
  /** Which limit it is, such as "frozen" or "silent". */
  name: LimitName,
  /** How long it is, in milliseconds. */
  millis: Schema.Finite,
  /** Why it is so long. */
  origin: LimitOrigin,
  /** For a limit that experience has a say in, whether or not it decided; `null` for others, and if nobody learns. */
  learning: Schema.NullOr(Learning).pipe(Schema.withDecodingDefault(Effect.succeed(null)))
})
export type LimitInForce = typeof LimitInForce.Type

/**
 * Limits learned from finished runs of the same key, in milliseconds; `null` while too few have finished, or if too many
 * were given up. `learning` tells which, and is absent where nobody learns.
 */
export const LearnedLimits = Schema.Struct({
  /** For a silence between tokens. */
  gapMillis: Schema.NullOr(Schema.Finite),
  /** For the wait for the first token. */
  firstTokenMillis: Schema.NullOr(Schema.Finite),
  /** How many finished runs they rest on, or lack. */
  learning: Schema.optionalKey(Schema.Struct({ gap: Learning, firstToken: Learning }))
})
export type LearnedLimits = typeof LearnedLimits.Type

export const nothingLearned: LearnedLimits = { gapMillis: null, firstTokenMillis: null }

/** A limit that an agent counts, as its heartbeats tell it: `usedMillis` of it have passed. */
export const ToldLimit = Schema.Struct({
  ...LimitInForce.fields,
  /** How much of it has passed, in milliseconds. */
  usedMillis: Schema.Finite
})
export type ToldLimit = typeof ToldLimit.Type

/** The hops between a run and its engine. */
export const hopsFromEngine = { engine: 0, purple: 1, green: 2 } as const

interface Candidate {
  readonly millis: number
  readonly origin: LimitOrigin
}

const greater = (one: Candidate, other: Candidate): Candidate => other.millis > one.millis ? other : one

const clamp = (candidate: Candidate, floor: number, ceiling: number): Candidate => {
  if (candidate.millis > ceiling) return { millis: ceiling, origin: "ceiling" }
  if (candidate.millis < floor) return { millis: floor, origin: "floor" }
  return candidate
}

/** A limit that nobody learns. */
export const unlearned = (name: LimitName, { millis, origin }: Candidate): LimitInForce => ({
  name,
  millis,
  origin,
  learning: null
})

/** How long a run may be silent before it is suspect. */
export const suspect = (
  limits: LivenessLimits,
  gaps: GapSummary,
  engineP99Millis: number | null | undefined
): LimitInForce => {
  const candidate: Candidate = gaps.count >= limits.suspectPriorGaps
    ? { millis: limits.suspectFactor * gaps.quantile, origin: "own-gaps" }
    : gaps.count > 0 && typeof engineP99Millis === "number"
    ? { millis: limits.suspectFactor * engineP99Millis, origin: "engine-latency" }
    : { millis: limits.suspectPriorMillis, origin: "default" }
  return unlearned("suspect", clamp(candidate, limits.suspectFloorMillis, limits.suspectCeilingMillis))
}

export interface FrozenContext {
  readonly longestStepMillis: number
  /** The engine has just been started. */
  readonly firstRun: boolean
  /** No token yet, and the engine says that it holds no request. */
  readonly preparing: boolean
}

/** How long an engine may stand still before it is hung. */
export const frozen = (limits: LivenessLimits, gaps: GapSummary, context: FrozenContext): LimitInForce => {
  const seen = clamp(
    greater(
      { millis: limits.frozenGapFactor * gaps.largest, origin: "own-gaps" },
      { millis: limits.frozenStepFactor * context.longestStepMillis, origin: "engine-steps" }
    ),
    limits.frozenFloorMillis,
    limits.frozenCeilingMillis
  )
  const least: Candidate = greater(
    { millis: context.firstRun ? limits.frozenFirstRunMillis : 0, origin: "first-run" },
    { millis: context.preparing ? limits.frozenEmptyMillis : 0, origin: "preparing" }
  )
  return unlearned("frozen", greater(seen, least))
}

/** How long a run without evidence may be silent; `hops` is how many hops lie between it and the engine's. */
export const silent = (
  limits: LivenessLimits,
  gaps: GapSummary,
  learned: LearnedLimits,
  begun: boolean,
  hops: number
): LimitInForce => {
  const learning = (begun ? learned.learning?.gap : learned.learning?.firstToken) ?? null
  const bound = begun
    ? clamp(
      greater(
        fromLearned(learned.gapMillis, learning, limits.silentCeilingMillis),
        { millis: limits.silentGapFactor * gaps.largest, origin: "own-gaps" }
      ),
      limits.silentFloorMillis,
      limits.silentCeilingMillis
    )
    : clamp(
      fromLearned(learned.firstTokenMillis, learning, limits.firstTokenCeilingMillis),
      limits.firstTokenFloorMillis,
      limits.firstTokenCeilingMillis
    )
  return {
    name: begun ? "silent" : "first-token",
    millis: bound.millis + hops * nestedMillis(limits),
    origin: bound.origin,
    learning
  }
}

/** How long a server may take to answer a request at all. */
export const headers = (limits: LivenessLimits, hops: number): LimitInForce =>
  unlearned("headers", { millis: limits.headersMillis + hops * nestedMillis(limits), origin: "default" })

/** By how much each hop further out waits longer. */
export const nestedMillis = (limits: LivenessLimits): number =>
  limits.nestedHeartbeats * limits.heartbeatMillis + limits.nestedSlackMillis

/** How long an agent that sends heartbeats every `intervalMillis` may send none. */
export const agentHeartbeat = (limits: LivenessLimits, intervalMillis: number): LimitInForce =>
  unlearned("agent-heartbeat", {
    millis: limits.heartbeatsMissed * intervalMillis + limits.heartbeatSlackMillis,
    origin: "default"
  })

const fromLearned = (millis: number | null, learning: Learning | null, ceiling: number): Candidate => {
  if (millis !== null) return { millis, origin: "learned" }
  const isEnough = learning !== null && learning.runs >= learning.needed
  return { millis: ceiling, origin: isEnough ? "unbounded" : "not-learned" }
}
