/** What counts as a token, and what does not. Numbers as in the model's list. */
import { describe } from "@effect/vitest"
import { tokenLaws } from "../../src/testing/laws/tokenLaws.ts"
import { testLaws } from "../support/lawTests.ts"

describe("the properties of the model: tokens", () => {
  testLaws(tokenLaws)
})
