/**
 * Chance from a seed: the same numbers on every machine.
 *
 * Law: the same seed gives the same numbers, in this version and the next. No generator here looks at the clock or at
 * the machine, so what a test drew can be drawn again.
 */

/** Numbers between 0 and 1, 1 excluded. */
export type Random = () => number

/** A generator of such numbers (mulberry32). */
export const randomOf = (seed: number): Random => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** A seed of its own for each run of each class, whatever else is simulated (FNV-1a, mixed). */
export const seedOf = (seed: number, name: string, run: number): number => {
  let state = 0x811c9dc5 ^ seed
  for (let index = 0; index < name.length; index++) state = Math.imul(state ^ name.charCodeAt(index), 0x01000193)
  state = Math.imul(state ^ run, 0x85ebca6b)
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35)
  return (state ^ (state >>> 16)) >>> 0
}

/** A whole number, uniform between the two. */
export const between = (random: Random, low: number, high: number): number => Math.round(low + random() * (high - low))

/** Standard normal (Box and Muller). */
const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())

/** Log-normal around a median. */
export const logNormal = (random: Random, median: number, sigma: number): number =>
  median * Math.exp(sigma * normal(random))
