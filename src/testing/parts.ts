/**
 * Parts of what a reducer is told, to be put together: frames after gaps, looks up to a time, one list from several.
 *
 * Inputs of one instant keep the order in which their lists are given; a law that depends on it says so.
 */
import type { LivenessInput } from "../liveness/LivenessInput.ts"
import { frame, tick } from "./inputs.ts"

/** One token after each gap, and when the last one comes; milliseconds. */
export const framesOf = (
  gaps: ReadonlyArray<number>
): { readonly frames: ReadonlyArray<LivenessInput>; readonly last: number } => {
  let last = 0
  const frames = gaps.map((gap) => frame(last += gap))
  return { frames, last }
}

/** Looks every `tickMillis`, from the first one to the last before or at the horizon's next. */
export const ticksTo = (horizonMillis: number, tickMillis: number): ReadonlyArray<LivenessInput> =>
  Array.from({ length: Math.ceil(horizonMillis / tickMillis) }, (_, index) => tick((index + 1) * tickMillis))

/** All of them in the order of their times. */
export const merged = (...parts: ReadonlyArray<ReadonlyArray<LivenessInput>>): ReadonlyArray<LivenessInput> =>
  parts.flat().toSorted((one, other) => one.at - other.at)

/** Those of other kinds. */
export const without = (
  inputs: ReadonlyArray<LivenessInput>,
  ...tags: ReadonlyArray<LivenessInput["_tag"]>
): ReadonlyArray<LivenessInput> => inputs.filter(({ _tag }) => !tags.includes(_tag))

/** The same, so much later; the scrapes were also asked for later. */
export const shifted = (input: LivenessInput, byMillis: number): LivenessInput =>
  input._tag === "Scrape"
    ? { ...input, at: input.at + byMillis, askedAt: input.askedAt + byMillis }
    : { ...input, at: input.at + byMillis }
