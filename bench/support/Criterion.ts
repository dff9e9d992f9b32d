/**
 * What a release has to reach, against what was measured: pure, but for the failure of a bench that missed one.
 *
 * A criterion about something that was not measured is not in the list: it is neither met nor missed.
 */
import * as Effect from "effect/Effect"
import { BenchError } from "./BenchError.ts"
import { significant, table } from "./table.ts"

export interface Criterion {
  readonly name: string
  /** What it takes to meet it, in words. */
  readonly wanted: string
  readonly measured: string
  readonly passed: boolean
}

interface Bounded {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** More about what was measured. */
  readonly note?: string
  /** The true value may be above the one measured. */
  readonly atLeast?: boolean
}

/** A number that may not be above a bound. NaN is never good enough, and neither is a lower bound. */
export const atMost = (bound: number, options: Bounded): Criterion => ({
  name: options.name,
  wanted: `at most ${amount(bound, options.unit)}`,
  measured: told(options),
  passed: options.value <= bound && options.atLeast !== true
})

/** A number that may not be below a bound; a lower bound that is not below it will do. */
export const atLeast = (bound: number, options: Bounded): Criterion => ({
  name: options.name,
  wanted: `at least ${amount(bound, options.unit)}`,
  measured: told(options),
  passed: options.value >= bound
})

const amount = (value: number, unit: string): string =>
  Number.isNaN(value) ? "nothing" : `${significant(value)}${unit === "x" || unit === "" ? unit : ` ${unit}`}`

const told = ({ atLeast = false, note, unit, value }: Bounded): string =>
  `${atLeast ? "> " : ""}${amount(value, unit)}${note === undefined ? "" : ` (${note})`}`

/** Lines for people; none where there is nothing to say. */
export const criteriaLines = (criteria: ReadonlyArray<Criterion>): ReadonlyArray<string> =>
  criteria.length === 0 ? [] : table([
    ["criterion", "wanted", "measured", "met"],
    ...criteria.map(({ measured, name, passed, wanted }) => [name, wanted, measured, passed ? "yes" : "NO"])
  ], ["left", "left", "left", "left"])

/** Fails with exit code 1, naming each criterion that was missed. */
export const requireMet = (criteria: ReadonlyArray<Criterion>): Effect.Effect<void, BenchError> => {
  const missed = criteria.filter(({ passed }) => !passed)
  return missed.length === 0 ? Effect.void : Effect.fail(
    new BenchError({
      message: `missed: ${missed.map(({ measured, name, wanted }) => `${name} ${wanted}, is ${measured}`).join("; ")}`,
      exitCode: 1
    })
  )
}
