/**
 * What battles cost, from those that have ended and from the ages of those that go on: a distribution to draw from.
 *
 * Those that end first are the short ones, so an age counts as a cost that is more than itself: the product-limit estimate
 * (Kaplan and Meier, 1958, Nonparametric estimation from incomplete observations), in which each observation may weigh
 * more or less (Bayesian bootstrap: Rubin, 1981). Beyond the longest one the estimate says nothing; there it goes on as an
 * exponential distribution with the mean time per battle that ended.
 *
 * Laws: a cost that is drawn for an age is more than that age; without ages and with equal weights the costs drawn are those
 * that were seen, each as likely as the others.
 */

export interface CostSample {
  /** Costs and ages in milliseconds, the shortest first; where both are the same the cost comes first. */
  readonly millis: ReadonlyArray<number>
  /** Whether each is the cost of a battle that has ended. */
  readonly isEnded: ReadonlyArray<boolean>
}

/** Draws a cost that is more than `age`. */
export type Draw = (age: number) => number

export const of = (ended: ReadonlyArray<number>, ages: ReadonlyArray<number>): CostSample => {
  const all = [
    ...ended.map((millis) => ({ millis, isEnded: true })),
    ...ages.map((millis) => ({ millis, isEnded: false }))
  ].toSorted((a, b) => a.millis - b.millis || Number(b.isEnded) - Number(a.isEnded))
  return { millis: all.map(({ millis }) => millis), isEnded: all.map(({ isEnded }) => isEnded) }
}

/** The distribution in which the observation at `index` weighs `weightOf(index)`; `chance` gives numbers from 0 to 1. */
export const drawFrom = (
  { isEnded, millis }: CostSample,
  weightOf: (index: number) => number,
  chance: () => number
): Draw => {
  const weights = millis.map((_, index) => weightOf(index))
  let atRisk = weights.reduce((sum, weight) => sum + weight, 0)
  let survival = 1
  let exposure = 0
  let events = 0
  /** Costs, and the share of battles that cost more than each. */
  const costs: Array<number> = []
  const survivals: Array<number> = []
  for (const [index, weight] of weights.entries()) {
    exposure += weight * millis[index]!
    if (isEnded[index] === true) {
      events += weight
      survival *= Math.max(0, 1 - weight / atRisk)
      costs.push(millis[index]!)
      survivals.push(survival)
    }
    atRisk -= weight
  }
  const longest = millis.at(-1) ?? 0
  const tailMean = events === 0 ? longest : exposure / events
  return (age) => {
    // So many of the costs are not more than the age.
    const below = firstIndex(costs.length, (index) => costs[index]! > age)
    const alive = below === 0 ? 1 : survivals[below - 1]!
    const wanted = alive * chance()
    const found = below + firstIndex(costs.length - below, (index) => survivals[below + index]! <= wanted + NOTHING)
    return alive > NOTHING && found < costs.length
      ? costs[found]!
      : Math.max(age, longest) - tailMean * Math.log(chance())
  }
}

/** What is left of a share by rounding. */
const NOTHING = 1e-9

/** The first index from 0 for which the condition holds, which then holds for all later ones; `count` if it never does. */
const firstIndex = (count: number, condition: (index: number) => boolean): number => {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >> 1
    if (condition(middle)) high = middle
    else low = middle + 1
  }
  return low
}
