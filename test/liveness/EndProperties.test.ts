/** How runs end: once, and complete only with a finish reason. Numbers as in the model's list. */
import { describe } from "@effect/vitest"
import { endLaws } from "../../src/testing/laws/endLaws.ts"
import { testLaws } from "../support/lawTests.ts"

describe("the properties of the model: ends", () => {
  testLaws(endLaws)
})
