/** Between agents: who knows most decides first. Numbers as in the model's list. */
import { describe } from "@effect/vitest"
import { hopLaws } from "../../src/testing/laws/hopLaws.ts"
import { testLaws } from "../support/lawTests.ts"

describe("the properties of the model: hops", () => {
  testLaws(hopLaws)
})
