/**
 * Counts in bins that are equally wide by their logarithm: ten to a power of ten, so each is a quarter wider than the one
 * before. What is 0 or less lies in a first bin from 0.
 */
import type { Bin } from "./LatencyReport.ts"

const PER_DECADE = 10

const edge = (index: number): number => 10 ** (index / PER_DECADE)

/** Of the bin that a value above 0 lies in; its edges decide, because a logarithm is rounded. */
const indexOf = (value: number): number => {
  const near = Math.floor(Math.log10(value) * PER_DECADE)
  if (value < edge(near)) return near - 1
  return value >= edge(near + 1) ? near + 1 : near
}

export class LogBins {
  readonly #counts = new Map<number, number>()
  #zeros = 0

  add(value: number, count = 1): void {
    if (value <= 0) {
      this.#zeros += count
      return
    }
    const index = indexOf(value)
    this.#counts.set(index, (this.#counts.get(index) ?? 0) + count)
  }

  /** From the first that is not empty to the last, with the empty ones between. */
  get bins(): ReadonlyArray<Bin> {
    const indexes = [...this.#counts.keys()]
    const first = Math.min(...indexes)
    const bins: Array<Bin> = []
    for (let index = first; index <= Math.max(...indexes); index++) {
      bins.push({ from: edge(index), to: edge(index + 1), count: this.#counts.get(index) ?? 0 })
    }
    if (this.#zeros === 0) return bins
    return [{ from: 0, to: bins[0]?.from ?? edge(0), count: this.#zeros }, ...bins]
  }
}
