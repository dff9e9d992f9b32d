/**
 * Random numbers that depend on nothing but their seed.
 *
 * Everything in the simulator that varies (which answer, which words, how long a token takes) is drawn from here, so
 * that a campaign against the simulator gives the same scores on every machine and in every order of arrival.
 *
 * Laws: equal parts give an equal seed; equal seeds give equal sequences. The parts of a seed are kept apart
 * ("ab","c" differs from "a","bc"). The quality is that of a simulation, not of cryptography.
 */

/** A sequence of random numbers; each call moves it on. */
export interface SeededRandom {
  /** Uniform in [0, 1). */
  readonly uniform: () => number
  /** A uniform integer in [0, below); 0 when `below` is 0. */
  readonly integer: (below: number) => number
  /** Standard normal (mean 0, standard deviation 1). */
  readonly normal: () => number
}

/** Mixes the parts into one 32-bit seed (FNV-1a over the characters, finished as in MurmurHash3). */
export const seedOf = (...parts: ReadonlyArray<string | number>): number => {
  let hash = 0x811c9dc5
  for (const part of parts) {
    const text = String(part)
    for (let index = 0; index < text.length; index++) {
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
    }
    // A separator that no character code can imitate keeps the parts apart.
    hash = Math.imul(hash ^ 0x10000, 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** A sequence with the given seed (mulberry32; normal numbers by Box and Muller). */
export const make = (seed: number): SeededRandom => {
  let state = seed >>> 0
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
  return {
    uniform,
    integer: (below) => Math.floor(uniform() * below),
    // 1 - uniform lies in (0, 1], where the logarithm is finite.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  }
}

/** The numbers 0 to `length` - 1 in an order that depends only on the seed (Fisher and Yates). */
export const permutation = (length: number, seed: number): ReadonlyArray<number> => {
  const random = make(seed)
  const order = Array.from({ length }, (_, index) => index)
  for (let last = length - 1; last > 0; last--) {
    const other = random.integer(last + 1)
    const moved = order[last]!
    order[last] = order[other]!
    order[other] = moved
  }
  return order
}
