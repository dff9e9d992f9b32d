/**
 * pass@k against the program in Chen and others 2021, figure 3 (1 - prod(1 - k / arange(n - c + 1, n + 1)), run with numpy),
 * and against counting all choices of k repetitions.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { clusteredMean } from "../../../src/report/statistics/clusteredMean.ts"
import { meanPassAllK, meanPassAtK, passAllK, passAtK } from "../../../src/report/statistics/passAtK.ts"

describe("passAtK and passAllK", () => {
  it("are what the program of the paper computes", () => {
    for (
      const [trials, passed, k, expected] of [
        [200, 1, 1, 0.005],
        [200, 1, 10, 0.05],
        [200, 1, 100, 0.5],
        [200, 37, 10, 0.8773745673794602],
        [10, 3, 5, 0.9166666666666666],
        [5, 2, 2, 0.7],
        [200, 100, 100, 1]
      ] as const
    ) assert.approximately(passAtK({ trials, passed }, k)!, expected, 1e-12)
    assert.approximately(passAllK({ trials: 200, passed: 37 }, 10)!, 1.5515124900677956e-8, 1e-18)
    assert.approximately(passAllK({ trials: 5, passed: 2 }, 2)!, 0.1, 1e-15)
  })

  it("are 0, and not -0, where there were too few passes", () => {
    assert.isTrue(Object.is(passAllK({ trials: 5, passed: 1 }, 3), 0))
    assert.strictEqual(passAtK({ trials: 5, passed: 0 }, 3), 0)
  })

  it("say nothing of more tries than there were", () => {
    assert.isNull(passAtK({ trials: 2, passed: 2 }, 3))
    assert.isNull(passAllK({ trials: 2, passed: 2 }, 3))
  })

  it.prop("are the shares of all choices of k repetitions, and rise and fall with k", [
    Schema.Array(Schema.Boolean).check(Schema.isMinLength(1), Schema.isMaxLength(9)),
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))
  ], ([outcomes, drawn]) => {
    const trials = outcomes.length
    const passed = outcomes.filter(Boolean).length
    const k = 1 + drawn % trials
    const choices = Array.from({ length: 2 ** trials }, (_, bits) => outcomes.filter((_, at) => bits & 2 ** at))
      .filter(({ length }) => length === k)
    const any = choices.filter((choice) => choice.some(Boolean)).length / choices.length
    const all = choices.filter((choice) => choice.every(Boolean)).length / choices.length
    assert.approximately(passAtK({ trials, passed }, k)!, any, 1e-12)
    assert.approximately(passAllK({ trials, passed }, k)!, all, 1e-12)
    if (k === 1) return
    assert.isAtLeast(passAtK({ trials, passed }, k)!, passAtK({ trials, passed }, k - 1)! - 1e-12)
    assert.isAtMost(passAllK({ trials, passed }, k)!, passAllK({ trials, passed }, k - 1)! + 1e-12)
  }, { arbitrary: { runs: 200 } })
})

describe("meanPassAtK", () => {
  const tasks = [{ trials: 4, passed: 2 }, { trials: 1, passed: 1 }, { trials: 3, passed: 0 }, { trials: 2, passed: 1 }]

  it("is the mean over tasks that have so many repetitions, with the interval of a mean of tasks", () => {
    const mean = meanPassAtK(tasks, 2, 0.95)!
    // 1 - C(2,2)/C(4,2) = 5/6; left out; 0; 1.
    assert.deepStrictEqual(mean, clusteredMean([[5 / 6], [0], [1]], 0.95))
    assert.approximately(mean.value, 11 / 18, 1e-12)
    assert.strictEqual(mean.clusters, 3)
    assert.approximately(meanPassAllK(tasks, 2, 0.95)!.value, (1 / 6 + 0 + 0) / 3, 1e-12)
  })

  it("is the share of passes for k = 1 where all tasks have the same repetitions", () => {
    assert.approximately(
      meanPassAtK([{ trials: 4, passed: 2 }, { trials: 4, passed: 3 }], 1, 0.95)!.value,
      5 / 8,
      1e-12
    )
  })

  it("is none where no task has so many repetitions", () => {
    assert.isNull(meanPassAtK(tasks, 5, 0.95))
    assert.isNull(meanPassAllK([], 1, 0.95))
  })
})
