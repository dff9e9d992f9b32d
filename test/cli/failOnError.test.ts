// How many battles without a score are too many.
import { assert, describe, it } from "@effect/vitest"
import { excessOf, parse } from "../../src/cli/failOnError.ts"

const excess = (text: string, unscored: number, planned = 100) =>
  excessOf(parse(text)!, { planned, scored: planned - unscored, unscored, pending: 0 })

describe("--fail-on-error", () => {
  it("allows so many battles, or such a share of them, and not one more", () => {
    for (
      const [text, allowed] of [["0", 0], ["5", 5], ["0.1", 10], [".1", 10], ["10%", 10], ["2.5 %", 2], [
        "100%",
        100
      ]] as const
    ) {
      assert.isUndefined(excess(text, allowed), text)
      if (allowed < 100) assert.isDefined(excess(text, allowed + 1), text)
    }
    assert.strictEqual(excess("10%", 11), "11 of 100 battles have no score, more than --fail-on-error 10% allows")
  })

  it("refuses what is neither", () => {
    for (const text of ["", "often", "-1", "1.5", "101%", "10 percent", "0.5.1"]) assert.isUndefined(parse(text), text)
  })
})
