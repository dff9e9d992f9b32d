/**
 * The nearest rank: of the smallest observation that at least this share of all do not exceed, from 1.
 *
 * vLLM's benchmark interpolates between two observations instead, which differs by less than the gap between the two.
 */
export const nearestRank = (count: number, share: number): number =>
  // 0.95 * 20 is 19, but 0.07 * 100 is 7.000000000000001.
  Math.min(count, Math.max(1, Math.ceil(count * share - 1e-9)))
