/** What metrics may and may not change. Numbers as in the model's list. */
import { describe } from "@effect/vitest"
import { evidenceLaws } from "../../src/testing/laws/evidenceLaws.ts"
import { testLaws } from "../support/lawTests.ts"

describe("the properties of the model: evidence", () => {
  testLaws(evidenceLaws)
})
