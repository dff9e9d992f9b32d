/** Curves of many attempts are thinned for drawing, and lose nothing that is counted. */
import { assert, describe, it } from "@effect/vitest"
import { LogBins } from "../../src/report/LogBins.ts"
import { BEGAN, headOf, reportOf, type Told } from "../support/campaignFacts.ts"
import { definitionOf } from "../support/campaigns.ts"

const many = Array.from({ length: 1500 }, (_, index): Told => ({
  repetition: index + 1,
  tries: index % 3 === 0
    ? [{ verdict: "stalled", durationMillis: 1000 + index }]
    : [{ score: 1, at: [10 + index], durationMillis: 1000 + index }]
}))

describe("survival curves", () => {
  const { completion, firstToken } = reportOf(headOf(definitionOf({})), many).censored

  it("are thinned where a drawing cannot tell their steps apart", () => {
    const { censored, events, isThinned, n, steps } = completion.overall
    assert.isTrue(isThinned)
    assert.isAtMost(steps.length, 400)
    assert.deepStrictEqual([n, events, censored], [1500, 1000, 500])
    assert.strictEqual(steps.reduce((sum, step) => sum + step.events, 0), events)
    assert.strictEqual(steps.reduce((sum, step) => sum + step.censored, 0), censored)
    assert.strictEqual(steps.at(-1)!.atMillis, 2499)
    let atRisk = n
    for (const step of steps) {
      assert.strictEqual(step.atRisk, atRisk)
      atRisk -= step.events + step.censored
    }
  })

  it("count an attempt in flight for as long as something was told of it", () => {
    const report = reportOf(headOf(definitionOf({})), [{
      tries: [],
      inFlight: [{
        id: 1,
        number: 1,
        epoch: null,
        startedAt: BEGAN,
        tokens: 1,
        timings: Uint8Array.from([200, 1, 1]),
        told: { at: BEGAN + 30_000, phase: "decoding" }
      }]
    }])
    assert.deepInclude(report.censored.completion.overall, { n: 1, events: 0, censored: 1 })
    assert.strictEqual(report.censored.completion.overall.steps[0]!.atMillis, 30_000)
    assert.deepInclude(report.censored.firstToken.overall, { events: 1, medianMillis: 20 })
    assert.strictEqual(report.attemptEnds.inFlight, 1)
    assert.strictEqual(report.header.activeMillis, 30_000)
  })

  it("leave agents that tell no first token out of the curve of first tokens", () => {
    assert.strictEqual(firstToken.overall.n, 1500)
    const silent: Told = { tries: [{ score: 1, at: [500], mode: "blocking", timeToFirstTokenMillis: null }] }
    assert.strictEqual(reportOf(headOf(definitionOf({})), [silent]).censored.firstToken.overall.n, 0)
  })
})

describe("LogBins", () => {
  it("puts every value between the edges of its bin, powers of ten among them", () => {
    for (const value of [0.001, 0.1, 0.3, 1, 1.2589254117941673, 9.999999, 10, 1000, 1e6, 123_456.7]) {
      const bins = new LogBins()
      bins.add(value, 2)
      const [bin, ...rest] = bins.bins
      assert.deepStrictEqual(rest, [])
      assert.isAtMost(bin!.from, value)
      assert.isAbove(bin!.to, value)
      assert.strictEqual(bin!.count, 2)
    }
  })

  it("has the empty ones between, and one from 0 for nothing", () => {
    const bins = new LogBins()
    for (const value of [0, 1, 10]) bins.add(value)
    assert.deepStrictEqual(bins.bins.map(({ count }) => count), [1, 1, ...Array.from({ length: 9 }, () => 0), 1])
    assert.deepStrictEqual([bins.bins[0]!.from, bins.bins[0]!.to], [0, 1])
    assert.deepStrictEqual(new LogBins().bins, [])
  })
})
