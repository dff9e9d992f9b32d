/** Order statistics of few numbers: the nearest rank, which is always one of them. */

/** The value that a share of them do not exceed; null for none. */
export const quantileOf = (values: ReadonlyArray<number>, share: number): number | null => {
  if (values.length === 0) return null
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!
}
