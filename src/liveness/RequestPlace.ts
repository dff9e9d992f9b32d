/**
 * Where our request is in the engine, as far as counting can tell: a pure reducer over the samples since its last token.
 *
 * - Lost: the engine holds fewer requests than we have open there. Only our streams that have begun are counted, because
 *   one that is still being tokenised is in no gauge; and only scrapes asked for after our last token. Counting does not
 *   say which one is gone, and another may be silent and alive: that is decided by who sees all of them.
 * - Deferred: those it runs or queues for room are too few for all of ours, so one of ours is among the deferred.
 * - Put back (preempted): vLLM counts a preemption only with the next output of the request it hit, which is the very
 *   output that is missing, so its counter cannot excuse us in time. The gauges can: the request must have gone from
 *   running to waiting. If any scrape since the one *before* our last token shows a waiting request, it may be ours.
 * - Undecoded: intervals in which a request got its first token, did not end with it, and nobody got a second one. After
 *   a first token the very next step decodes, so this is what proves that decoding is dead; movement without any first
 *   token (one long prefill, the recomputation of a preempted request) proves nothing.
 */
import { type EngineSample, held, rise } from "./EngineSample.ts"

export interface RequestPlace {
  /** The last sample before the last token: what later ones are compared with. */
  readonly baseline: EngineSample | undefined
  /** Scrapes in a row with fewer requests than we have open. */
  readonly lost: number
  /** Whether the engine moved between any two of them. */
  readonly lostWhileMoving: boolean
  readonly deferredSinceMillis: number | undefined
  readonly maybePutBack: boolean
  /** Intervals since the last token, or the last decode output, that show a first token and no second. */
  readonly undecoded: number
}

/** A request that has just shown a token; `sample` is the last one before it. */
export const seen = (sample: EngineSample | undefined): RequestPlace => ({
  baseline: sample,
  lost: 0,
  lostWhileMoving: false,
  deferredSinceMillis: undefined,
  maybePutBack: false,
  undecoded: 0
})

export interface PlaceContext {
  /** When the sample was asked for, by the clock of the run. */
  readonly askedMillis: number
  readonly lastTokenMillis: number
  /** Our streams that must be in this engine, with this one. */
  readonly expected: number
  /** Whether it may be this one, where the engine holds fewer. */
  readonly isMissing: boolean
}

/** The place after one more sample of the same process; `before` is the sample before it. */
export const observe = (
  place: RequestPlace,
  before: EngineSample,
  sample: EngineSample,
  context: PlaceContext
): RequestPlace => {
  // What was asked for before the token cannot speak against it.
  if (context.askedMillis < context.lastTokenMillis) return place
  const moved = sample.heartbeat !== before.heartbeat
  const holds = held(sample)
  const asleep = sample.asleep === true
  const lost = holds !== undefined && holds < context.expected && context.isMissing && !asleep
  const deferred = sample.deferred ?? 0
  const isDeferred = deferred > 0 && holds !== undefined && holds - deferred < context.expected && !asleep
  const decoded = rise(before.decodeOutputs, sample.decodeOutputs) > 0
  const begun = rise(before.firstTokens, sample.firstTokens) > rise(before.finished, sample.finished)
  return {
    baseline: place.baseline,
    lost: lost ? place.lost + 1 : 0,
    // The first interval also shows what moved before the request was lost.
    lostWhileMoving: place.lost > 0 && (place.lostWhileMoving || moved),
    deferredSinceMillis: isDeferred ? place.deferredSinceMillis ?? context.askedMillis : undefined,
    maybePutBack: place.maybePutBack || (sample.waiting ?? 1) > 0 || (place.baseline?.waiting ?? 0) > 0 ||
      rise(place.baseline?.preemptions, sample.preemptions) > 0,
    undecoded: decoded ? 0 : place.undecoded + (begun && sample.decodeOutputs !== null ? 1 : 0)
  }
}
