/**
 * The last gaps between progress of one run, in milliseconds: a sliding window with its quantiles and its largest.
 *
 * Laws: it holds exactly the last `window` gaps in order; appending is O(1) whatever the window (amortised: it copies at
 * most one block of 32 and, once per block, the list of blocks); nothing is sorted until somebody asks, and then once,
 * because a silent run is asked about the same gaps with every tick.
 *
 * A value, not a buffer: an older state of a run keeps its own gaps.
 */

const BLOCK = 32

export interface Gaps {
  readonly window: number
  /** Full blocks, oldest first. */
  readonly blocks: ReadonlyArray<ReadonlyArray<number>>
  readonly open: ReadonlyArray<number>
}

/** No gaps yet; keeps the last `window`, at least 1. */
export const empty = (window: number): Gaps => ({ window: Math.max(1, Math.floor(window)), blocks: [], open: [] })

/** One more gap, in milliseconds. */
export const append = (gaps: Gaps, millis: number): Gaps => {
  const open = [...gaps.open, millis]
  if (open.length < BLOCK) return { window: gaps.window, blocks: gaps.blocks, open }
  const kept = Math.ceil(gaps.window / BLOCK)
  return { window: gaps.window, blocks: [...gaps.blocks, open].slice(-kept), open: [] }
}

/** How many gaps the window holds. */
export const count = (gaps: Gaps): number => Math.min(gaps.window, gaps.blocks.length * BLOCK + gaps.open.length)

/** The gaps in the window, oldest first. */
export const values = (gaps: Gaps): ReadonlyArray<number> => [...gaps.blocks.flat(), ...gaps.open].slice(-gaps.window)

export interface GapSummary {
  readonly count: number
  readonly quantile: number
  readonly largest: number
}

const summaries = new WeakMap<Gaps, { readonly share: number; readonly summary: GapSummary }>()

/** The `share` quantile by nearest rank, and the largest; both 0 without gaps. */
export const summarize = (gaps: Gaps, share: number): GapSummary => {
  const known = summaries.get(gaps)
  if (known?.share === share) return known.summary
  const summary = summaryOf(gaps, share)
  summaries.set(gaps, { share, summary })
  return summary
}

const summaryOf = (gaps: Gaps, share: number): GapSummary => {
  const sorted = Float64Array.from(values(gaps)).toSorted()
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil(share * sorted.length)))
  return { count: sorted.length, quantile: sorted[rank - 1] ?? 0, largest: sorted.at(-1) ?? 0 }
}
