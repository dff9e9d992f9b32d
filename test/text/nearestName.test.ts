import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { nearestName } from "../../src/text/nearestName.ts"

const names = ["frozen-floor", "frozen-ceiling", "silent-floor", "tick"]

describe("nearestName", () => {
  it("is the name with the fewest changes, the first of several", () => {
    const meant = { "frozen-flor": "frozen-floor", "silentFloor": "silent-floor", ticks: "tick", "": "tick" }
    for (const [word, name] of Object.entries(meant)) assert.strictEqual(nearestName(word, names), name, word)
    assert.strictEqual(nearestName("c", ["a", "b"]), "a")
  })

  it.prop("is a known name, and a known name's own", [Schema.String, Schema.Literals(names)], ([word, name]) => {
    assert.include(names, nearestName(word, names))
    assert.strictEqual(nearestName(name, names), name)
  })
})
