/** The reducer says what the reference model says. */
import { describe } from "@effect/vitest"
import { referenceLaws } from "../../src/testing/laws/referenceLaws.ts"
import { testLaws } from "../support/lawTests.ts"

describe("the reference model", () => {
  testLaws(referenceLaws)
})
