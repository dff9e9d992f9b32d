/**
 * What every statistic of the report comes with: the interval in which the true value is expected.
 *
 * A confidence of 0.95 says: of a hundred intervals made like this from a hundred campaigns, at least about 95 contain the
 * true value. All intervals here are two-sided with equal tails: half of what may be missed is missed on either side.
 *
 * Laws of this folder: pure functions of numbers; the order of the observations is nothing; `null`, or a tagged reason,
 * where a sample cannot carry the number, and never NaN; a confidence or share is a part of 1.
 */
export interface Interval {
  readonly low: number
  readonly high: number
}

/** A number with its interval. */
export interface Estimate extends Interval {
  readonly value: number
}

/** What may be missed on one side: 0.025 for a confidence of 0.95. */
export const tailOf = (confidence: number): number => (1 - confidence) / 2
