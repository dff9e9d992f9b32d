/** Time: shifted, paused, running back, not counted, and many things at one instant. Numbers as in the model's list. */
import { describe } from "@effect/vitest"
import { timeLaws } from "../../src/testing/laws/timeLaws.ts"
import { testLaws } from "../support/lawTests.ts"

describe("the properties of the model: time", () => {
  testLaws(timeLaws)
})
