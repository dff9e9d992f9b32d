import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { PlannedBattle } from "../../src/agents/AssessmentPlan.ts"
import { AssessmentResult, type BattleResult, dataOf, largestResult } from "../../src/agents/AssessmentResult.ts"
import { romanNumerals } from "../../src/grading/DemonstrationTasks.ts"

const decode = Schema.decodeUnknownSync(AssessmentResult)

const row = (score: number | null, name = "a"): BattleResult => ({
  task: name,
  participant: "agent",
  repetition: 1,
  grade: score === null ? null : {
    score,
    passed: score === 1,
    tests: Array.from({ length: 10 }, () => ({ outcome: "threw" as const, detail: "d".repeat(200) })),
    explanation: "e".repeat(300)
  },
  reason: score === null ? "r".repeat(300) : null,
  tokens: 123_456,
  durationMillis: 1_234_567.8,
  timeToFirstTokenMillis: 1_234_567.8
})

describe("the result of an assessment", () => {
  it("has its rows as they are, and a mean of what is scored", () => {
    const rows = [row(1), row(null), row(0.5)]
    const result = decode(dataOf(rows))
    assert.deepStrictEqual(result.results, rows)
    assert.deepStrictEqual(result.summary, { scored: 2, unscored: 1, meanScore: 0.75 })
  })

  it("has no mean where nothing is scored, which is not a mean of 0", () => {
    assert.deepStrictEqual(decode(dataOf([row(null)])).summary, { scored: 0, unscored: 1, meanScore: null })
    assert.deepStrictEqual(decode(dataOf([row(0)])).summary, { scored: 1, unscored: 0, meanScore: 0 })
  })

  it("leaves out words before scores where it would be too large, and no more than it must", () => {
    const rows = [row(0.5), row(null), row(1)]
    const size = (most?: number) => JSON.stringify(dataOf(rows, most)).length
    const whole = size()
    const seen = new Set<number>()
    for (let most = whole; most >= 700; most -= 50) {
      const { results, summary } = decode(dataOf(rows, most))
      assert.isAtMost(size(most), most)
      assert.deepStrictEqual(results.map(({ grade }) => grade?.score), [0.5, undefined, 1])
      assert.deepStrictEqual(summary, { scored: 2, unscored: 1, meanScore: 0.75 })
      if (results[0]!.grade!.tests.length === 0 && results[0]!.grade!.explanation !== "") seen.add(2)
      else if (results[0]!.grade!.explanation === "") seen.add(3)
      else seen.add(results[0]!.grade!.tests[0]!.detail === undefined ? 1 : 0)
    }
    assert.deepStrictEqual([...seen], [0, 1, 2, 3])
  })

  it("fits where the plan was taken, whatever comes of its battles", () => {
    const name = "\"ä".repeat(15)
    const battle: PlannedBattle = { task: { ...romanNumerals, id: name }, role: "agent", url: "u", repetition: 1 }
    const most = (count: number) => largestResult(Array.from({ length: count }, () => battle)) === undefined
    let count = 10_000
    while (!most(count)) count -= 100
    assert.isAbove(count, 5000)
    for (const score of [null, 1 / 3]) {
      const rows = Array.from({ length: count }, () => ({ ...row(score, name), repetition: 10_000 }))
      assert.isAtMost(JSON.stringify(dataOf(rows)).length, 3 * 1024 * 1024)
    }
  })

  it("is read where an older agent made it", () => {
    const { results, summary } = decode({ results: [{ task: "a", participant: "b", grade: null, reason: "x" }] })
    assert.isNull(summary)
    assert.deepStrictEqual(results, [{
      task: "a",
      participant: "b",
      repetition: 1,
      grade: null,
      reason: "x",
      tokens: 0,
      durationMillis: null,
      timeToFirstTokenMillis: null
    }])
  })
})
