/**
 * When the tokens of an attempt arrived, small enough to keep for every attempt.
 *
 * Arrivals are kept in order as pairs: the gap since the previous arrival (the first since the attempt began) in tenths
 * of a millisecond, and the number of tokens that arrived together. Both are stored as unsigned LEB128 integers, so 500
 * single tokens 20 ms apart take 1.5 kB. Gaps are rounded by carrying the remainder on, so times never drift.
 */

/** Tokens that arrived together. */
export interface Arrival {
  /** Time since the attempt began, in milliseconds. */
  readonly atMillis: number
  /** How many there were. */
  readonly tokens: number
}

const UNITS_PER_MILLISECOND = 10

/** Encodes arrivals whose times do not fall. */
export const encode = (arrivals: ReadonlyArray<Arrival>): Uint8Array => {
  const bytes: Array<number> = []
  let before = 0
  for (const { atMillis, tokens } of arrivals) {
    const units = Math.max(before, Math.round(atMillis * UNITS_PER_MILLISECOND))
    pushInteger(bytes, units - before)
    pushInteger(bytes, tokens)
    before = units
  }
  return Uint8Array.from(bytes)
}

/** The arrivals that `encode` was given, with times to a tenth of a millisecond. A cut-off pair is left out. */
export const decode = (bytes: Uint8Array): ReadonlyArray<Arrival> => {
  const arrivals: Array<Arrival> = []
  const integers = readIntegers(bytes)
  let units = 0
  for (let index = 0; index + 1 < integers.length; index += 2) {
    units += integers[index]!
    arrivals.push({ atMillis: units / UNITS_PER_MILLISECOND, tokens: integers[index + 1]! })
  }
  return arrivals
}

const pushInteger = (bytes: Array<number>, value: number): void => {
  let rest = value
  while (rest >= 128) {
    bytes.push(rest % 128 + 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
}

const readIntegers = (bytes: Uint8Array): ReadonlyArray<number> => {
  const integers: Array<number> = []
  let value = 0
  let scale = 1
  for (const byte of bytes) {
    value += byte % 128 * scale
    scale *= 128
    if (byte < 128) {
      integers.push(value)
      value = 0
      scale = 1
    }
  }
  return integers
}
