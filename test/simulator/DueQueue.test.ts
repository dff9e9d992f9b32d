// The queue of works in flight against a sorted list.
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as DueQueue from "../../src/simulator/DueQueue.ts"
import * as SeededRandom from "../../src/simulator/SeededRandom.ts"

describe("DueQueue", () => {
  it.prop("has the earliest in front, whatever was put in and taken out", [Schema.Int], ([seed]) => {
    const random = SeededRandom.make(seed)
    const queue = DueQueue.make<DueQueue.Due>()
    const expected: Array<DueQueue.Due> = []
    for (let order = 0; order < 300; order++) {
      if (random.uniform() < 0.6) {
        const member = { due: random.integer(20), order, place: -1 }
        queue.push(member)
        expected.push(member)
      } else if (expected.length > 0) {
        const [removed] = expected.splice(random.integer(expected.length), 1)
        queue.remove(removed!)
        queue.remove(removed!)
        assert.strictEqual(removed!.place, -1)
      }
      if (random.uniform() < 0.05) queue.shift(random.integer(20))
      expected.sort((left, right) => left.due - right.due || left.order - right.order)
      assert.strictEqual(queue.first(), expected[0])
    }
  })
})
