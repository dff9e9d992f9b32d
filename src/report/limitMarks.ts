/**
 * Where the limits stood that decided the stalls of a campaign. Those in force while attempts were well are not stored.
 */
import type { LimitMark } from "./CounterfactualReport.ts"
import { medianOf } from "./OutcomeFold.ts"
import type { StallRow } from "./OutcomeReport.ts"

export const limitMarksOf = (rows: ReadonlyArray<StallRow>): ReadonlyArray<LimitMark> =>
  Array.from(
    Map.groupBy(rows.filter(({ superseded }) => !superseded).map(({ limit }) => limit), ({ name }) => name),
    ([name, limits]): LimitMark => {
      const millis = limits.map((limit) => limit.millis).toSorted((left, right) => left - right)
      return {
        name,
        origins: [...new Set(limits.map(({ origin }) => origin))],
        stalls: limits.length,
        leastMillis: millis[0]!,
        medianMillis: medianOf(millis),
        mostMillis: millis.at(-1)!
      }
    }
  ).toSorted((left, right) => right.stalls - left.stalls)
