import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { keyOf, plan } from "../../src/campaign/Battle.ts"
import { definitionOf } from "../support/campaigns.ts"

const small = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))

describe("plan", () => {
  it.prop("plays every task in every repetition exactly once, and all once before any twice", [
    small,
    small,
    Schema.Int
  ], ([tasks, repetitions, seed]) => {
    const names = Array.from({ length: tasks }, (_, index) => `task-${index}`)
    const battles = plan(definitionOf({ tasks: names, repetitions, seed }))
    assert.strictEqual(new Set(battles.map(keyOf)).size, tasks * repetitions)
    assert.strictEqual(battles.length, tasks * repetitions)
    assert.deepStrictEqual(
      battles.map((battle) => battle.repetition),
      battles.map((_, index) => Math.floor(index / tasks) + 1)
    )
  })

  it("draws the order of a round from the seed", () => {
    const names = ["a", "b", "c", "d"]
    const order = (seed: number) => plan(definitionOf({ tasks: names, repetitions: 3, seed })).map(keyOf).join()
    assert.strictEqual(order(1), order(1))
    assert.isAbove(new Set([1, 2, 3, 4, 5].map(order)).size, 1)
  })
})
