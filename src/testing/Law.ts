/**
 * A law of the liveness logic: what must hold, in words; the cases it is about; and a check.
 *
 * A law is asked of a subject: limits, the rhythm of looks and scrapes, and a reducer (Reducer.ts). Its cases are an
 * `Arbitrary`, so any runner of properties can try them (`it.prop` of @effect/vitest takes one as it is), and each case
 * knows how to check itself and what it looks like. `check.ts` runs them without a runner.
 *
 * Laws hold for all limits that go together (LimitContradictions.ts). Where a case would take too many looks at a run
 * because a limit is a thousand times the interval between two of them, a law lets it pass.
 */
import type * as Arbitrary from "effect/Arbitrary"
import * as ArbitraryOf from "effect/Arbitrary"
import * as Equal from "effect/Equal"
import * as Formatter from "effect/Formatter"
import type { Subject } from "./Reducer.ts"

/** What is wrong, in one or two lines; `undefined` if nothing is. */
export type Violation = string | undefined

/** One case of a law; prints as the input that was drawn. */
export interface LawCase {
  /** Asks the law of this case; pure. */
  readonly check: () => Violation
  /** The input as text. */
  readonly toString: () => string
}

/** Something that must hold of every reducer and all limits that go together. */
export interface Law {
  /** What it is called in a program and in reports. */
  readonly name: string
  /** Its number in the list of docs/liveness.md; `null` for one that is not in it. */
  readonly property: number | null
  /** What it says, in words. */
  readonly statement: string
  /** The cases it is about. */
  readonly cases: (subject: Subject) => Arbitrary.Arbitrary<LawCase>
}

/** A law from its inputs and its check. */
export const law = <A>(made: {
  readonly name: string
  readonly property: number | null
  readonly statement: string
  readonly inputs: (subject: Subject) => Arbitrary.Arbitrary<A>
  readonly check: (input: A, subject: Subject) => Violation
  /** As the values print themselves unless given. */
  readonly describe?: (input: A) => string
}): Law => ({
  name: made.name,
  property: made.property,
  statement: made.statement,
  cases: (subject) =>
    ArbitraryOf.map(made.inputs(subject), (input): LawCase => ({
      check: () => made.check(input, subject),
      toString: () => (made.describe ?? inText)(input)
    }))
})

const inText = (input: unknown): string =>
  Array.isArray(input)
    ? input.map(inText).join("\n")
    : typeof input === "object" && input !== null && Object.getPrototypeOf(input) === Object.prototype &&
        !Object.hasOwn(input, "toString")
    ? Object.entries(input).map(([key, value]) => `${key}: ${inText(value)}`).join("\n")
    : Formatter.format(input)

/** Nothing if both are the same in all their parts, else what is different. */
export const differs = (what: string, actual: unknown, expected: unknown): Violation =>
  Equal.equals(actual, expected)
    ? undefined
    : `${what} is ${Formatter.format(actual)}, and should be ${Formatter.format(expected)}`

/** Nothing if the condition holds. */
export const unless = (holds: boolean, otherwise: () => string): Violation => holds ? undefined : otherwise()
