/**
 * What a run has given so far: tokens, when the last one came, its gaps and its rate. A pure fold over frames.
 *
 * Progress is proof that a token was made: text that is not empty, a token counted, or a running count that rose above
 * everything counted. A constant count, however often repeated, is not.
 *
 * Laws: what arrives at one instant is one arrival, so the gaps do not depend on how tokens were cut into chunks. Tokens
 * are counted once: the engine's own count replaces what was counted before it and frames add to it. Numbers that are
 * no counts count as none.
 */
import * as Gaps from "./Gaps.ts"

export interface Progress {
  /** The engine's own count, as of its last rise. */
  readonly usage: number
  /** Tokens counted since, or in all where the engine does not tell. */
  readonly counted: number
  readonly begun: boolean
  /** When the last token came, or the run began. */
  readonly lastMillis: number
  readonly gaps: Gaps.Gaps
  /** When the first token came; 0 until then. */
  readonly firstMillis: number
  /** The largest gap of all the run, which `gaps` may have forgotten. */
  readonly longestGapMillis: number
  /** Two moments to measure the rate from, one to two windows ago. */
  readonly rateFrom: Mark
  readonly rateNext: Mark
}

interface Mark {
  readonly atMillis: number
  readonly tokens: number
}

const beginning: Mark = { atMillis: 0, tokens: 0 }

/** A run without a token, begun at 0; keeps the last `window` gaps. */
export const none = (window: number): Progress => ({
  usage: 0,
  counted: 0,
  begun: false,
  lastMillis: 0,
  gaps: Gaps.empty(window),
  firstMillis: 0,
  longestGapMillis: 0,
  rateFrom: beginning,
  rateNext: beginning
})

/** Tokens received. */
export const tokensOf = (progress: Progress): number => progress.usage + progress.counted

export interface Received {
  readonly tokens: number
  readonly text: boolean
  readonly usage: number | null
}

/** Whether something received proves a token. */
export const isLife = (progress: Progress, received: Received): boolean =>
  received.text || countOf(received.tokens) > 0 || countOf(received.usage) > tokensOf(progress)

/** The progress after a frame at `now`; only life is an arrival, but any frame may correct the count. */
export const receive = (
  progress: Progress,
  received: Received,
  now: number,
  rateWindowMillis: number
): Progress => {
  const usage = countOf(received.usage)
  const counted = usage > progress.usage
    ? { ...progress, usage, counted: 0 }
    : { ...progress, counted: progress.counted + countOf(received.tokens) }
  return isLife(progress, received) ? arrive(counted, now, rateWindowMillis) : counted
}

/** The progress after a token that came at `now`, wherever it is counted. */
export const arrive = (progress: Progress, now: number, rateWindowMillis: number): Progress => {
  const tokens = tokensOf(progress)
  const mark = { atMillis: now, tokens }
  if (!progress.begun) {
    return { ...progress, begun: true, firstMillis: now, lastMillis: now, rateFrom: mark, rateNext: mark }
  }
  const gap = now - progress.lastMillis
  const arrived = {
    ...progress,
    lastMillis: now,
    gaps: gap > 0 ? Gaps.append(progress.gaps, gap) : progress.gaps,
    longestGapMillis: Math.max(progress.longestGapMillis, gap)
  }
  return now - progress.rateNext.atMillis < rateWindowMillis
    ? arrived
    : { ...arrived, rateFrom: progress.rateNext, rateNext: mark }
}

/** Tokens per second as of `now`, and over how long; a silence lowers it. */
export const rateAt = (
  progress: Progress,
  now: number
): { readonly tokensPerSecond: number; readonly overMillis: number } => {
  const overMillis = progress.begun ? now - progress.rateFrom.atMillis : 0
  const tokens = Math.max(0, tokensOf(progress) - progress.rateFrom.tokens)
  return { tokensPerSecond: overMillis > 0 ? 1000 * tokens / overMillis : 0, overMillis }
}

const countOf = (value: number | null): number =>
  value !== null && value > 0 && value <= Number.MAX_SAFE_INTEGER ? Math.floor(value) : 0
