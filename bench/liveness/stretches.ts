/**
 * What happens to a request, in stretches of one kind each, drawn by chance: the words in which worlds are written.
 */
import { between, logNormal, type Random } from "./random.ts"

export interface Stretch<Kind extends string> {
  readonly kind: Kind
  readonly millis: number
  /** Between two tokens; a function for worlds with chance in them. */
  readonly gapMillis?: number | (() => number)
}

export type Drawn<Kind extends string> = (random: Random) => Stretch<Kind>

/** One kind for so many seconds. */
export const seconds = <Kind extends string>(kind: Kind, from: number, to = from): Drawn<Kind> => (random) => ({
  kind,
  millis: between(random, from * 1000, to * 1000)
})

const tokens = (from: number, to: number, gap: (random: Random) => number): Drawn<"tokens"> => (random) => ({
  ...seconds("tokens", from, to)(random),
  gapMillis: () => gap(random)
})

/** 30 tokens per second. */
export const steady = (from: number, to: number): Drawn<"tokens"> =>
  tokens(from, to, (random) => logNormal(random, 33, 0.3))

/** 0.2 tokens per second with a heavy tail; no single step longer than the 60 s after which an engine counts as hung. */
export const slow = (from: number, to: number): Drawn<"tokens"> =>
  tokens(from, to, (random) => Math.min(55_000, logNormal(random, 5000, 0.65)))

/** Batches of 10 tokens on the average, 0.5 to 12 s between two. */
export const bursty = (from: number, to: number): Drawn<"tokens"> =>
  tokens(from, to, (random) => random() < 0.1 ? between(random, 500, 12_000) : 5)

/** When its tokens come, from its beginning in whole milliseconds. */
export const tokenTimes = ({ gapMillis = 33, millis }: Stretch<string>): ReadonlyArray<number> => {
  const gap = typeof gapMillis === "number" ? () => gapMillis : gapMillis
  const times: Array<number> = []
  for (let at = 0; at < millis; at += Math.max(1, Math.round(gap()))) times.push(at)
  return times
}
