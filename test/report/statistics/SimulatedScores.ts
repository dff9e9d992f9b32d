/**
 * Scores of simulated campaigns whose truth is known: each task has a chance of its own to pass, from a beta distribution.
 */
import type { SeededRandom } from "../../../src/simulator/SeededRandom.ts"

/** Gamma distributed with the given shape (Marsaglia and Tsang 2000). */
const gamma = (random: SeededRandom, shape: number): number => {
  if (shape < 1) return gamma(random, shape + 1) * random.uniform() ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = random.normal()
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}

/** The chance of one task to pass: `mean` over all tasks; the more `alike` (0 to 1), the nearer to never or always. */
export const chanceOf = (random: SeededRandom, mean: number, alike: number): number => {
  const both = 1 / alike - 1
  const passes = gamma(random, mean * both)
  return passes / (passes + gamma(random, (1 - mean) * both))
}

/** So many scores of 0 and 1 with the given chance. */
export const scoresOf = (random: SeededRandom, chance: number, count: number): ReadonlyArray<number> =>
  Array.from({ length: count }, () => random.uniform() < chance ? 1 : 0)
