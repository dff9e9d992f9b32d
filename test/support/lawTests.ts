/** The laws of the kit as tests of their own: each a property, tried on as many cases as all properties are. */
import { assert, it } from "@effect/vitest"
import type { Law } from "../../src/testing/Law.ts"
import { subjectOf } from "../../src/testing/Reducer.ts"
import { runs } from "./propertyRuns.ts"

/** Tests of the laws with our own reducer and the default limits; numbers as in the model's list. */
export const testLaws = (laws: ReadonlyArray<Law>): void => {
  for (const law of laws) {
    it.prop(`${law.property ?? law.name}: ${law.statement}`, [law.cases(subjectOf())], ([one]) => {
      const violation = one.check()
      if (violation !== undefined) assert.fail(violation)
    }, runs)
  }
}
