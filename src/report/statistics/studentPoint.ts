/**
 * The point below which a share of Student's t distribution lies.
 *
 * From the beta distribution: T^2 / (T^2 + degrees) of a t variable with so many degrees of freedom is beta distributed
 * with parameters 1/2 and degrees/2 (Abramowitz and Stegun 1964, 26.7.1 and 26.5.27).
 */
import { betaPoint } from "./betaDistribution.ts"

/** For a share above 0 and below 1, and degrees of freedom above 0; 2.262 for 0.975 and 9 degrees. */
export const studentPoint = (share: number, degrees: number): number => {
  // The small one of the two complementary parts is asked for, which keeps its digits in a far tail.
  const rest = betaPoint(2 * Math.min(share, 1 - share), degrees / 2, 0.5)
  return Math.sign(share - 0.5) * Math.sqrt(degrees * (1 - rest) / rest)
}
