/** What is kept of finished runs says what all of the last of them say. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { FinishedRun } from "../../src/liveness/FinishedRun.ts"
import { learnedFrom, LearnedRuns } from "../../src/liveness/LearnedRuns.ts"

/** Few different ones, so that many are alike. */
const millis = [null, 0, 1, 2, 3, 5, 1e9, Infinity, Number.NaN]
const Place = Schema.Literals([0, 1, 2, 3, 4, 5, 6, 7, 8])
const Run = Schema.Tuple([Place, Place])

describe("LearnedRuns", () => {
  it.prop(
    "gives the limits of the last runs after each of them",
    [Schema.Array(Run), Schema.Literals([0, 1, 2, 5, 7.5, 40]), Schema.Literals([0, 0.1, 0.3, 0.5])],
    ([places, learnedRuns, learnedFalseAlarms]) => {
      const runs = places.map(([gap, first]) => ({ largestGapMillis: millis[gap]!, firstTokenMillis: millis[first]! }))
      const settings = { learnedRuns, learnedFalseAlarms }
      const learned = new LearnedRuns(settings)
      const before: Array<FinishedRun> = []
      assert.deepStrictEqual(learned.limits(), learnedFrom([], settings))
      for (const run of runs) {
        learned.add(run)
        before.push(run)
        const last = before.slice(Math.max(0, before.length - Math.floor(learnedRuns)))
        assert.deepStrictEqual(learned.limits(), learnedFrom(last, settings))
      }
    },
    { arbitrary: { runs: 500 } }
  )

  it("has room for as many as are to be kept, and no more", () => {
    const settings = { learnedRuns: 2000, learnedFalseAlarms: 0.005 }
    const learned = new LearnedRuns(settings)
    const runs = Array.from({ length: 5000 }, (_, index) => ({
      largestGapMillis: (index * 7919) % 5003,
      firstTokenMillis: index % 3 === 0 ? null : (index * 104_729) % 5003
    }))
    for (const run of runs) learned.add(run)
    assert.deepStrictEqual(learned.limits(), learnedFrom(runs.slice(-2000), settings))
    assert.strictEqual(learned.limits().learning?.gap.runs, 2000)
  })
})
