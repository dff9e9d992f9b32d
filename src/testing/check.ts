/**
 * Runs laws without a test runner: for a program, a script, or one test that asks all of them.
 *
 * A law that is broken is told with its smallest counter-example as text, the verdict that broke it, and a token that
 * replays it. With the same seed the same cases are tried; without one they differ from run to run.
 *
 * Gotcha: a law is not proved by a hundred cases, and each asks thousands of looks at a run: 100 of each take seconds.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { contradictionsOf } from "../liveness/LimitContradictions.ts"
import { inWords } from "./describeWorld.ts"
import type { Law, LawCase } from "./Law.ts"
import { laws } from "./laws.ts"
import { type Subject, subjectOf } from "./Reducer.ts"

/** One law that does not hold. */
export const BrokenLaw = Schema.Struct({
  /** What the law is called. */
  name: Schema.String,
  /** Its number in the list of docs/liveness.md; `null` if it has none. */
  property: Schema.NullOr(Schema.Int),
  /** What it says, in words. */
  statement: Schema.String,
  /** The smallest input found that breaks it, as text. */
  counterExample: Schema.String,
  /** What is wrong there. */
  violation: Schema.String,
  /** Gives the same case again, as `replay` of `check`. */
  replay: Schema.String
})
/** One law that does not hold. */
export type BrokenLaw = typeof BrokenLaw.Type

const indented = (text: string): string => text.split("\n").map((line) => `    ${line}`).join("\n")

const inText = ({ counterExample, name, property, replay, statement, violation }: BrokenLaw): string =>
  [
    `${property === null ? "" : `${property}: `}${statement.includes(name) ? "" : `${name}: `}${statement}`,
    "  does not hold for",
    indented(counterExample),
    "  because",
    indented(violation),
    `  replay ${replay}`
  ].join("\n")

/** At least one law does not hold; the message tells each of them in lines. */
export class LawsBroken extends Schema.TaggedError<LawsBroken>()("LawsBroken", {
  /** Each of them, in the order of the laws. */
  broken: Schema.Array(BrokenLaw)
}) {
  override get message(): string {
    const count = this.broken.length
    return [`${count} ${count === 1 ? "law does" : "laws do"} not hold`, ...this.broken.map(inText)].join("\n\n")
  }
}

/** The limits do not go together, so no law is asked; one line for each contradiction. */
export class LimitsContradict extends Schema.TaggedError<LimitsContradict>()("LimitsContradict", {
  /** What does not go together, one line each. */
  contradictions: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return ["the limits do not go together, so the laws cannot hold:", ...this.contradictions].join("\n  ")
  }
}

/** How laws are tried. */
export interface CheckOptions {
  /** Cases of each law; 100 unless given. */
  readonly runs?: number
  /** The same cases again; by chance unless given. */
  readonly seed?: number | string
  /** How often a counter-example may be tried smaller; 0 to keep it as it was found, 1000 unless given. */
  readonly shrinks?: number
}

const USUAL_RUNS = 100

/** Tries one law; nothing if it holds in all cases. `replay` is that of a `BrokenLaw`. */
export const check = (
  law: Law,
  subject: Subject = subjectOf(),
  { replay, runs = USUAL_RUNS, seed, shrinks }: CheckOptions & { readonly replay?: string } = {}
): Effect.Effect<BrokenLaw | undefined> =>
  Effect.map(
    Arbitrary.checkEffect(law.cases(subject), holds, { runs, seed, replay, maxShrinks: shrinks }),
    (result): BrokenLaw | undefined => {
      if (result._tag === "Passed") return undefined
      const { name, property, statement } = law
      if (result._tag !== "Falsified") {
        const violation = Arbitrary.formatCheckFailure(result) ?? ""
        return { name, property, statement, counterExample: "nothing: no case could be tried", violation, replay: "" }
      }
      const smallest = result.shrunkInput
      return {
        name,
        property,
        statement,
        counterExample: smallest.toString(),
        violation: violationOf(smallest) ?? "",
        replay: result.replay
      }
    }
  )

/** A reducer that throws breaks the law as well as one that is wrong. */
const violationOf = (one: LawCase): string | undefined =>
  Effect.runSync(
    Effect.match(Effect.try({ try: () => one.check(), catch: (thrown) => `it throws ${String(thrown)}` }), {
      onFailure: (thrown) => thrown,
      onSuccess: (violation) => violation
    })
  )

const holds = (one: LawCase): boolean => violationOf(one) === undefined

/**
 * Asks all laws, or some, of limits and a reducer; what is not given is usual (Reducer.ts).
 *
 * @example
 * import * as Testing from "a2a-campaign/testing"
 * import * as Liveness from "a2a-campaign/Liveness"
 * import * as Effect from "effect/Effect"
 *
 * const limits = { ...Liveness.defaults, frozenFloorMillis: 90_000 }
 *
 * await Effect.runPromise(Testing.checkAll({ limits }, { runs: 20, seed: 1 }))
 * console.log("all laws hold")
 * // prints: all laws hold
 */
export const checkAll = (
  some: Partial<Subject> = {},
  options: CheckOptions & { readonly laws?: ReadonlyArray<Law> } = {}
): Effect.Effect<void, LawsBroken | LimitsContradict> =>
  Effect.gen(function*() {
    const subject = subjectOf(some)
    const contradictions = contradictionsOf(subject.limits, { scrapeMillis: subject.scrapeMillis, write: inWords })
    if (contradictions.length > 0) return yield* new LimitsContradict({ contradictions })
    const results = yield* Effect.forEach(options.laws ?? laws, (law) => check(law, subject, options))
    const broken = results.filter((result) => result !== undefined)
    if (broken.length > 0) return yield* new LawsBroken({ broken })
  })
