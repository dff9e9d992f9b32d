/** Silence and limits: who is silent for how long is stalled when. Numbers as in the model's list. */
import { describe } from "@effect/vitest"
import { silenceLaws } from "../../src/testing/laws/silenceLaws.ts"
import { testLaws } from "../support/lawTests.ts"

describe("the properties of the model: silence and limits", () => {
  testLaws(silenceLaws)
})
