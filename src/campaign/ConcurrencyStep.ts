/**
 * How many battles may run at once in a lane: additive increase, multiplicative decrease, as a pure reducer.
 *
 * Every battle that completes while the lane is full adds 1 / limit, which is one more for a round of battles, as in TCP's
 * congestion avoidance (RFC 5681, 3.1). A refusal (429, 503) halves it. Queue time that rises says the same earlier: an
 * engine that lets requests wait twice as long as at its best, and longer than a second, gets a quarter fewer.
 *
 * Laws: 1 ≤ limit ≤ most, and it is fixed where a campaign says so; it rises only by completions; trouble of one round
 * cuts it once, because what began before a cut says nothing about the limit after it.
 *
 * Gotcha: the queue of an engine is shared with strangers. What makes it longer need not be ours, and fewer battles of ours
 * is all we can do about it.
 */
import { type Concurrency, mostOf } from "./Concurrency.ts"

export interface ConcurrencyState {
  /** Not a whole number; its floor is the limit. */
  readonly level: number
  readonly most: number
  readonly adapts: boolean
  /** When it was last cut; what began before changes nothing. Milliseconds. */
  readonly cutAtMillis: number
  /** The shortest mean queue time seen, in seconds; it drifts upward, so that a lucky moment is not for ever. */
  readonly leastQueueSeconds: number | null
}

export type ConcurrencyInput =
  /** A battle has completed. `full`: no more battles were allowed to run. */
  | { readonly _tag: "Completed"; readonly at: number; readonly full: boolean }
  /** The engine would not have a battle that began then. */
  | { readonly _tag: "Refused"; readonly at: number; readonly beganAtMillis: number }
  /** The mean time that requests which have left the engine's queue since the last time had waited in it. */
  | { readonly _tag: "Queued"; readonly at: number; readonly sinceMillis: number; readonly seconds: number }

const REFUSED_FACTOR = 0.5
const QUEUED_FACTOR = 0.75
/** Queue time that is never too long. */
const FREE_QUEUE_SECONDS = 1
/** How many times its best a queue time has to be. */
const QUEUE_RISE = 2
/** How fast the best is forgotten: a share of it for each time that is told. */
const QUEUE_DRIFT = 0.02

export const initial = (concurrency: Concurrency): ConcurrencyState => ({
  level: concurrency._tag === "Fixed" ? concurrency.battles : concurrency.first,
  most: mostOf(concurrency),
  adapts: concurrency._tag === "Adaptive",
  cutAtMillis: -Infinity,
  leastQueueSeconds: null
})

/** How many battles may run at once. */
export const limitOf = ({ level }: ConcurrencyState): number => Math.floor(level)

export const step = (state: ConcurrencyState, input: ConcurrencyInput): ConcurrencyState => {
  if (!state.adapts) return state
  switch (input._tag) {
    case "Completed":
      return input.full ? { ...state, level: Math.min(state.most, state.level + 1 / state.level) } : state
    case "Refused":
      return input.beganAtMillis < state.cutAtMillis ? state : cut(state, input.at, REFUSED_FACTOR)
    case "Queued": {
      const least = state.leastQueueSeconds
      const leastQueueSeconds = least === null
        ? input.seconds
        : Math.min(input.seconds, least + (input.seconds - least) * QUEUE_DRIFT)
      const rises = least !== null && input.seconds > Math.max(FREE_QUEUE_SECONDS, QUEUE_RISE * least)
      const next = { ...state, leastQueueSeconds }
      return rises && input.sinceMillis >= state.cutAtMillis ? cut(next, input.at, QUEUED_FACTOR) : next
    }
  }
}

const cut = (state: ConcurrencyState, at: number, factor: number): ConcurrencyState => ({
  ...state,
  level: Math.max(1, state.level * factor),
  cutAtMillis: at
})
