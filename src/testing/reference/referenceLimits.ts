/**
 * The limits of a run, as docs/liveness.md states them: written anew from its words, without a line of
 * src/liveness/LimitInForce.ts, to be compared with it. Slow and simple; all times in milliseconds.
 */
import type { LearnedLimits } from "../../liveness/LimitInForce.ts"
import type { LivenessLimits } from "../../liveness/LivenessLimits.ts"

/** The gaps that count: the last ones of those that are longer than nothing. */
const counted = (limits: LivenessLimits, gaps: ReadonlyArray<number>): ReadonlyArray<number> =>
  gaps.filter((gap) => gap > 0).slice(-limits.gapWindow)

const largestOf = (gaps: ReadonlyArray<number>): number => gaps.reduce((most, gap) => Math.max(most, gap), 0)

const within = (value: number, floor: number, ceiling: number): number => Math.min(ceiling, Math.max(floor, value))

/** So long is usual: the least gap that at least this share of them is not longer than. */
const usualGap = (gaps: ReadonlyArray<number>, share: number): number =>
  gaps.toSorted((one, other) => one - other).find((_, index) => index + 1 >= share * gaps.length) ?? 0

/** When a silence makes a run suspect, from all its gaps; `engineP99` is what the engine's histogram says. */
export const suspectLimit = (
  limits: LivenessLimits,
  gaps: ReadonlyArray<number>,
  engineP99: number | null = null
): number => {
  const known = counted(limits, gaps)
  const enough = known.length >= limits.suspectPriorGaps
  const wanted = enough
    ? limits.suspectFactor * usualGap(known, limits.suspectQuantile)
    : known.length > 0 && engineP99 !== null
    ? limits.suspectFactor * engineP99
    : limits.suspectPriorMillis
  return within(wanted, limits.suspectFloorMillis, limits.suspectCeilingMillis)
}

/** What is known of an engine, for the limit after which it is hung. */
export interface EngineKnowledge {
  /** The longest step it made while it was well. */
  readonly longestStepMillis: number
  /** It has just been started. */
  readonly firstRun: boolean
  /** The request may be on its way to it. */
  readonly preparing: boolean
}

/** How long an engine may stand still before it is hung. */
export const frozenLimit = (limits: LivenessLimits, gaps: ReadonlyArray<number>, engine: EngineKnowledge): number =>
  Math.max(
    within(
      Math.max(
        limits.frozenGapFactor * largestOf(counted(limits, gaps)),
        limits.frozenStepFactor * engine.longestStepMillis
      ),
      limits.frozenFloorMillis,
      limits.frozenCeilingMillis
    ),
    engine.firstRun ? limits.frozenFirstRunMillis : 0,
    engine.preparing ? limits.frozenEmptyMillis : 0
  )

/** By how much longer a hop waits that is so many hops away from the engine. */
export const nestedAllowance = (limits: LivenessLimits, hops: number): number =>
  hops * (limits.nestedHeartbeats * limits.heartbeatMillis + limits.nestedSlackMillis)

/** How long a begun run may be silent of which nobody knows anything. */
export const silentLimit = (limits: LivenessLimits, gaps: ReadonlyArray<number>, learned: LearnedLimits): number =>
  learned.gapMillis === null
    ? limits.silentCeilingMillis
    : within(
      Math.max(learned.gapMillis, limits.silentGapFactor * largestOf(counted(limits, gaps))),
      limits.silentFloorMillis,
      limits.silentCeilingMillis
    )

/** The same before the first token. */
export const firstTokenLimit = (limits: LivenessLimits, learned: LearnedLimits): number =>
  learned.firstTokenMillis === null
    ? limits.firstTokenCeilingMillis
    : within(learned.firstTokenMillis, limits.firstTokenFloorMillis, limits.firstTokenCeilingMillis)
