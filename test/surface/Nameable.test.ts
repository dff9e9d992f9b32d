/** What stands in the signature of something that programs can import, they can import, too. */
import { assert, describe, it } from "@effect/vitest"
import { unnameable } from "./Nameable.ts"

describe("the types in public signatures", () => {
  it("can be imported themselves", () => {
    const missing = Array.from(unnameable(), ([type, places]) => `${type} in ${places.join(", ")}`)
    assert.deepStrictEqual(missing.toSorted(), [])
  })
})
