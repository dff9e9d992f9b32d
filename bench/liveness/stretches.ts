/**
 * What happens to a request, in stretches of one kind each, drawn by chance: the words in which worlds are written.
 */
import * as GapShape from "../../src/testing/GapShape.ts"
import { between, type Random } from "../../src/testing/Random.ts"
import type { Stretch } from "../../src/testing/World.ts"

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
export const steady = (from: number, to: number): Drawn<"tokens"> => tokens(from, to, GapShape.steady())

/** 0.2 tokens per second with a heavy tail; no single step longer than the 60 s after which an engine counts as hung. */
export const slow = (from: number, to: number): Drawn<"tokens"> =>
  tokens(from, to, GapShape.heavyTailed(5000, 0.65, 55_000))

/** Batches of 10 tokens on the average, 0.5 to 12 s between two. */
export const bursty = (from: number, to: number): Drawn<"tokens"> => tokens(from, to, GapShape.bursty())
