/**
 * How often something happens in independent trials that all have the same chance.
 *
 * By the identity with the incomplete beta function (Abramowitz and Stegun 1964, 26.5.24), so that it stays exact where
 * a sum of terms would be long: a pooled percentile asks it for millions of trials.
 */
import { betaShare } from "./betaDistribution.ts"

/** P(X <= count) for X binomial over `trials` with the given chance. */
export const binomialAtMost = (count: number, trials: number, chance: number): number => {
  if (count < 0) return 0
  if (count >= trials) return 1
  // P(X <= count) = I_(1 - chance)(trials - count, count + 1)
  return betaShare(1 - chance, trials - count, count + 1)
}
