/**
 * One request as the scheduler sees it: what it needs, how far it is, and what it holds.
 *
 * Laws: `generated` never falls and never exceeds `total`; with its prompt it never exceeds the KV cache, so an answer
 * that would is cut there ("length"), and a prompt that fills it gets no token at all.
 *
 * Gotcha: only the scheduler (Scheduler.ts) writes what is not readonly, and `due` and `place` belong to its queue.
 */
import type { Due } from "./DueQueue.ts"
import type { Pace } from "./Pacing.ts"

export interface SchedulerOptions {
  /** vLLM's --max-num-seqs. */
  readonly maxConcurrentRequests: number
  /** vLLM's --max-num-batched-tokens. */
  readonly maxNumBatchedTokens: number
  /** Tokens whose keys and values fit in memory; a request's prompt and answer together never have more. */
  readonly kvCacheTokens: number
  /** Durations grow linearly with the number of running requests, up to this factor when all places are taken. */
  readonly timeFactorUnderLoad: number
}

/** Why a request is held: for want of room ("capacity"), or for something outside of the scheduler ("deferred"). */
export type HoldReason = "capacity" | "deferred"

/** "abort": finished by the engine itself, before its answer was complete. */
export type FinishReason = "stop" | "length" | "abort"

/** What the scheduler knows of a request; only the scheduler writes it. Times are monotonic milliseconds. */
export interface Sequence extends Due {
  readonly promptTokens: number
  /** Tokens this request will get. */
  total: number
  /** The most tokens it could have got: what was asked for, or the room there is. */
  readonly limit: number
  finishReason: FinishReason
  readonly pace: Pace
  /** Tokens of the next decoding step, at least 1; undefined: always 1. A prefill always ends with one token. */
  readonly tokensOfStep: (() => number) | undefined
  /** The most tokens of one chunk of its prompt; Infinity: what the budget leaves. */
  readonly longestChunk: number
  readonly arrivedAt: number
  order: number
  state: "queued" | "prefill" | "decoding" | "finished"
  generated: number
  /** Tokens of its last output; 0 if that only said that it is finished. */
  made: number
  /** First admission; NaN before it, as the other times before they are known. */
  scheduledAt: number
  firstTokenAt: number
  lastTokenAt: number
  /** The output before the last one. */
  previousTokenAt: number
  /** How often it was preempted, and how often of these before its last output. */
  preemptions: number
  reportedPreemptions: number
  /** The present prefill: its tokens, how many of them are computed, and how long all of them take. */
  prefillTokens: number
  computed: number
  prefillMillis: number
  /** Tokens of the work that goes on; 0: none. */
  inFlight: number
  /** Blocks of the KV cache it holds. */
  blocks: number
}

/** Tokens per block of the KV cache. */
export const blockTokens = 16

export const blocksOf = (options: Pick<SchedulerOptions, "kvCacheTokens">): number =>
  Math.max(1, Math.floor(options.kvCacheTokens / blockTokens))

/** A request as it arrives; `maxTokens` may be Infinity. */
export const newSequence = (
  options: SchedulerOptions,
  request: {
    readonly promptTokens: number
    readonly answerTokens: number
    readonly maxTokens: number
    readonly pace: Pace
    readonly tokensOfStep?: (() => number) | undefined
    readonly longestChunk?: number | undefined
  },
  arrivedAt: number
): Sequence => {
  const room = Math.max(0, blocksOf(options) * blockTokens - request.promptTokens)
  const limit = Math.min(request.maxTokens, room)
  return {
    promptTokens: request.promptTokens,
    limit,
    total: Math.min(request.answerTokens, limit),
    finishReason: request.answerTokens > limit ? "length" : "stop",
    pace: request.pace,
    tokensOfStep: request.tokensOfStep,
    longestChunk: request.longestChunk ?? Infinity,
    arrivedAt,
    order: 0,
    due: 0,
    place: -1,
    state: "queued",
    generated: 0,
    made: 0,
    scheduledAt: NaN,
    firstTokenAt: NaN,
    lastTokenAt: NaN,
    previousTokenAt: NaN,
    preemptions: 0,
    reportedPreemptions: 0,
    prefillTokens: 0,
    computed: 0,
    prefillMillis: 0,
    inFlight: 0,
    blocks: 0
  }
}
