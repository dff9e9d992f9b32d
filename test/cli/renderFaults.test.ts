import { assert, describe, it } from "@effect/vitest"
import { renderFaults } from "../../src/cli/renderFaults.ts"
import { catalogue } from "../../src/simulator/faults/FaultCatalogue.ts"

describe("renderFaults", () => {
  it("has every fault with its outcome, never wider than the terminal", () => {
    for (const columns of [60, 80, 100]) {
      const lines = renderFaults({ columns, color: false }).split("\n")
      for (const line of lines) assert.isAtMost(line.length, columns)
      const starts = lines.filter((line) => /^ {2}[a-z-]+$/.test(line)).map((line) => line.trim())
      assert.deepStrictEqual(starts.toSorted(), catalogue.map(({ name }) => name).toSorted())
      assert.lengthOf(lines.filter((line) => line.startsWith("      → ")), catalogue.length)
    }
  })

  it("is coloured only if it may be", () => {
    assert.notInclude(renderFaults({ columns: 80, color: false }), "\u001b")
    assert.include(renderFaults({ columns: 80, color: true }), "\u001b[32mengine-hang\u001b[0m")
  })
})
