/** How agents were followed decides what is known of their tokens: what is not known has no part in any figure. */
import { assert, describe, it } from "@effect/vitest"
import type { Definition } from "../../src/campaign/Definition.ts"
import { headOf, reportOf, type Told, type Try, withAgents } from "../support/campaignFacts.ts"
import { definitionOf } from "../support/campaigns.ts"
import { errorOf } from "../support/runErrors.ts"

const agents = ["ours", "asked", "tapped", "able", "unable"] as const

const definition: Definition = withAgents(definitionOf({ repetitions: 2 }), agents)
const address = { url: "http://agent/", tokenVariable: null, command: null }
const foreign = { kind: { _tag: "Agent" as const, address } }
const [ours, asked, tapped, able, unable] = definition.agents

const followed: Definition = {
  ...definition,
  agents: [
    ours,
    { ...asked!, ...foreign, following: { mode: "stream", tap: null } },
    { ...tapped!, ...foreign, following: { mode: null, tap: { _tag: "Running", url: "http://tap" } } },
    { ...able!, ...foreign },
    { ...unable!, ...foreign }
  ]
}

const at = [1000, 2000, 4000]
const battle = (agent: string, repetition: number, more: Try): Told => ({
  agent,
  repetition,
  tries: [{ score: 1, at, durationMillis: 5000, ...more }]
})

const report = reportOf(headOf(followed), [
  battle("ours", 1, {}),
  battle("asked", 1, {}),
  battle("asked", 2, { mode: "poll", tokenBasis: "usage" }),
  battle("tapped", 1, { mode: "tap" }),
  battle("able", 1, { tokenBasis: "pieces", tokensPerSecond: null }),
  battle("unable", 1, { mode: "poll", tokenBasis: "pieces" }),
  battle("unable", 2, { mode: "blocking", tokenBasis: "pieces", timeToFirstTokenMillis: null, at: [4000] })
])

describe("how agents were followed", () => {
  it("is told by agent, with why as far as anybody knows", () => {
    const told = report.delivery.byAgent.map(({ agent, asked, modes, why }) => [
      agent,
      asked,
      modes.map(({ attempts, mode, untold }) => [mode, attempts, untold]),
      why
    ])
    assert.deepStrictEqual(told, [
      ["ours", null, [["stream", 1, 0]], "our own agent in front of the engine tells every token"],
      [
        "asked",
        "stream",
        [["stream", 1, 0], ["poll", 1, 0]],
        "mode stream was asked for; where it ended as poll, its connection broke or it refused"
      ],
      ["tapped", null, [["tap", 1, 0]], "a tap stands between it and its engine"],
      ["able", null, [["stream", 1, 1]], "the most that it can do, by its card and by what it then did"],
      [
        "unable",
        null,
        [["poll", 1, 1], ["blocking", 1, 1]],
        "the most that it could do at each attempt; why is not stored"
      ]
    ])
  })

  it("keeps times that are not those of tokens out of what is said of tokens", () => {
    const { overall } = report.latencies
    assert.deepStrictEqual(overall.basis, { usage: 4, deltas: 0, pieces: 3 })
    const counts = [overall.ttft, overall.itl, overall.meanItl, overall.tpot, overall.e2e].map(({ n }) => n)
    // Three are told token by token; all but the one that answers all at once have a first text.
    assert.deepStrictEqual(counts, [6, 6, 3, 3, 7])
    assert.deepStrictEqual(overall.itl.leftOut.map(({ attempts }) => attempts), [4])
    assert.deepStrictEqual(overall.tpot.leftOut.map(({ attempts }) => attempts), [4])
    assert.strictEqual(report.attemptEnds.byVerdict[0]!.tokens, 12)
    const curves = report.counterfactual.curves.map(({ good, leftOut, timeout }) => [timeout, good, leftOut])
    assert.deepStrictEqual(curves, [["total", 7, 0], ["first-token", 3, 4], ["gap", 3, 4]])
    assert.isTrue(report.unknown.some((statement) => statement.startsWith("Of 4 of 7 completed attempts")))
  })
})

describe("what came too late or was ended alive", () => {
  const { failures, stalls, unknown } = reportOf(headOf(definitionOf({ repetitions: 2 })), [
    { tries: [{ score: 1, at }, { verdict: "stalled", superseded: true }] },
    { repetition: 2, tries: [{ verdict: "slow", error: errorOf("budget"), durationMillis: 7_200_000 }] }
  ])

  it("is a stall of a battle that was scored before", () => {
    assert.deepInclude(stalls.rows[0], { afterwards: "scored-before", scoredIn: 1, superseded: true })
    assert.deepInclude(stalls.rate, { value: 0, n: 2 })
    assert.strictEqual(stalls.byKind[0]!.scoredLater, 0)
  })

  it("is a class of its own, and no failure", () => {
    assert.deepInclude(failures.classes[0], { kind: "slow", failures: 1, battles: 1, hours: 2 })
    assert.deepInclude(failures.rate, { value: 0, n: 2 })
    assert.isTrue(unknown.some((statement) => statement.startsWith("The hard cap ended 1 attempt that was alive")))
  })
})
