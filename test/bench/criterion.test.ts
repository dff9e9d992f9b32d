/** What a release has to reach: when a number is good enough, how it is told, and that a bench fails that missed one. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { failedCell } from "../../bench/latency/Results.ts"
import { type Cell, flatness, ratios } from "../../bench/relay/Cell.ts"
import { criteriaOf } from "../../bench/relay/criteria.ts"
import { atLeast, atMost, criteriaLines, requireMet } from "../../bench/support/Criterion.ts"

describe("a criterion", () => {
  it("is met at its bound, and by nothing that was not measured", () => {
    const most = (value: number) => atMost(10, { name: "delay", value, unit: "ms" }).passed
    assert.deepStrictEqual([9, 10, 10.001, NaN].map(most), [true, true, false, false])
    const least = (value: number) => atLeast(10, { name: "gain", value, unit: "x" }).passed
    assert.deepStrictEqual([9.999, 10, 11, NaN].map(least), [false, true, true, false])
  })

  it("takes a lower bound for what it is", () => {
    assert.isFalse(atMost(10, { name: "growth", value: 5, unit: "MB", atLeast: true }).passed)
    assert.isTrue(atLeast(10, { name: "gain", value: 11, unit: "x", atLeast: true }).passed)
  })

  it("is told in words", () => {
    assert.deepStrictEqual(atLeast(500, { name: "gain", value: 531.4, unit: "x", atLeast: true, note: "stopped" }), {
      name: "gain",
      wanted: "at least 500x",
      measured: "> 531x (stopped)",
      passed: true
    })
    assert.strictEqual(atMost(1, { name: "delay", value: NaN, unit: "ms" }).measured, "nothing")
  })

  it.effect("fails the bench that missed it, by name", () =>
    Effect.gen(function*() {
      const good = atMost(10, { name: "delay", value: 1, unit: "ms" })
      const bad = atMost(10, { name: "growth", value: 11, unit: "MB" })
      yield* requireMet([])
      yield* requireMet([good])
      const error = yield* Effect.flip(requireMet([good, bad]))
      assert.deepStrictEqual([error.exitCode, error.message], [1, "missed: growth at most 10 MB, is 11 MB"])
      assert.match(criteriaLines([good, bad]).join("\n"), /delay +at most 10 ms +1 ms +yes\ngrowth .* NO$/)
      assert.deepStrictEqual(criteriaLines([]), [])
    }))
})

describe("the relay's criteria", () => {
  const cell = (agent: Cell["agent"], tokens: number, micros: number, outcome: Cell["outcome"] = "complete"): Cell => ({
    agent,
    tokens,
    outcome,
    detail: null,
    completeRuns: 1,
    textComplete: true,
    wallMillis: tokens * micros / 1000,
    firstTokenMillis: 10,
    cpuMillis: tokens * micros / 1000,
    cpuMicrosPerToken: micros,
    peakRssBytes: 1,
    events: 1,
    tokensReceived: tokens
  })
  const judge = (cells: ReadonlyArray<Cell>, paceMillis = 0) =>
    criteriaOf({ cells, ratios: ratios(cells), flatness: flatness(cells), together: null, paceMillis }).map((
      { passed }
    ) => passed)
  const cells = (ours: number, sdk: Cell) => [
    cell("ours", 1000, 10),
    cell("raw", 1000, 10),
    cell("ours", 8000, 10),
    cell("raw", 8000, 10),
    sdk,
    cell("ours", 64_000, ours),
    cell("raw", 64_000, 10)
  ]

  it("are three: growth, throughput, and the gain over the SDK", () => {
    assert.deepStrictEqual(judge(cells(13, cell("sdk", 8000, 5000))), [true, true, true])
    assert.deepStrictEqual(judge(cells(14, cell("sdk", 8000, 5000))), [false, true, true])
    assert.deepStrictEqual(judge(cells(14.5, cell("sdk", 8000, 4999))), [false, false, false])
    assert.deepStrictEqual(judge(cells(13, cell("sdk", 8000, 5001, "stopped"))), [true, true, true])
  })

  it("compare all streams at once, too", () => {
    const together = (ours: number, detail: string | null = null) =>
      criteriaOf({
        cells: [],
        ratios: [],
        flatness: null,
        paceMillis: 0,
        together: [
          { ...failedCell("raw", ""), detail: null, tokensPerSecond: 1000, agentCpuMicrosPerToken: 10 },
          { ...failedCell("ours", ""), detail, tokensPerSecond: ours, agentCpuMicrosPerToken: 12 }
        ]
      })
    assert.deepStrictEqual(together(700).map(({ measured, passed }) => [passed, measured]), [
      [true, "0.7x (700 to 1000; CPU per token 1.2x)"]
    ])
    assert.deepStrictEqual(together(690).map(({ passed }) => passed), [false])
    assert.match(together(0, "gone")[0]!.measured, /gone/)
  })

  it("are about what was measured, flat out", () => {
    assert.deepStrictEqual(judge(cells(13, cell("sdk", 8000, 5000)), 5), [])
    assert.deepStrictEqual(judge([cell("ours", 1000, 10), cell("raw", 1000, 10)]), [])
    assert.lengthOf(judge(cells(13, cell("sdk", 8000, 5000, "failed"))), 2)
  })
})
