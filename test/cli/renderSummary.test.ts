import { assert, describe, it } from "@effect/vitest"
import { Outcome } from "../../src/campaign/Battle.ts"
import { summarize } from "../../src/campaign/CampaignSummary.ts"
import { renderSummary } from "../../src/cli/renderSummary.ts"
import { fromTests } from "../../src/grading/Grade.ts"
import { widthOf } from "../../src/terminal/TextWidth.ts"
import { definitionOf } from "../support/campaigns.ts"

const battleOf = (task: string, repetition: number) => ({ task, agent: "agent-1", repetition })
const scored = (passes: ReadonlyArray<boolean>) =>
  Outcome.cases.Scored.make({
    attempt: 1,
    grade: fromTests(passes.map((passed) => ({ outcome: passed ? "passed" as const : "threw" as const })))
  })
const attempt = (task: string, verdict: "completed" | "stalled", ttft: number | null) => ({
  battle: battleOf(task, 1),
  number: 1,
  verdict,
  startedAt: 0,
  superseded: false,
  charged: true,
  epoch: null,
  tokens: 100,
  tokenBasis: "usage" as const,
  mode: "stream" as const,
  timeToFirstTokenMillis: ttft,
  tokensPerSecond: ttft === null ? null : 50,
  durationMillis: 2000
})

const summary = summarize({
  definition: definitionOf({ tasks: ["a", "long-task-name"], repetitions: 2 }),
  battles: [
    { battle: battleOf("a", 1), outcome: scored([true, true]) },
    { battle: battleOf("a", 2), outcome: scored([true, false]) },
    {
      battle: battleOf("long-task-name", 1),
      outcome: Outcome.cases.Unscored.make({ reason: "engine: hung", attempt: 1 })
    },
    { battle: battleOf("long-task-name", 2), outcome: Outcome.cases.Pending.make({}) }
  ],
  attempts: [
    attempt("a", "completed", 400),
    attempt("a", "completed", 600),
    attempt("a", "completed", 500),
    attempt("long-task-name", "stalled", 9999)
  ]
})

describe("summarize", () => {
  it("counts what is not scored beside the score, and takes latencies of completed attempts only", () => {
    assert.deepInclude(summary, {
      battles: { planned: 4, scored: 2, unscored: 1, pending: 1 },
      score: 0.75,
      passed: 1,
      tokens: 300,
      tokenBasis: "usage",
      ttftMs: { p50: 500, p95: 600, n: 3 },
      attempts: { total: 4, completed: 3, stalled: 1, slow: 0, failed: 0, cancelled: 0, abandoned: 0 },
      unscored: [{ task: "long-task-name", agent: "agent-1", repetition: 1, reason: "engine: hung" }]
    })
    assert.deepInclude(summary.tasks[1], { score: null, ttftMs: { p50: null, p95: null, n: 0 } })
  })
})

describe("renderSummary", () => {
  const text = renderSummary(summary, { database: "c.db", resume: "campaign resume --db c.db" })

  it("says what is not known instead of a number, what is not scored, and how to go on", () => {
    assert.match(text, /long-task-name\s+0\/2\s+–\s+0\/0\s+–\s+–\s+0/)
    assert.include(text, "Not scored: long-task-name #1: engine: hung")
    assert.include(text, "Go on with: campaign resume --db c.db")
  })

  it("fits 80 columns and aligns its table", () => {
    const lines = text.split("\n")
    assert.isAtMost(Math.max(...lines.map((line) => line.length)), 80)
    assert.strictEqual(new Set(lines.slice(2, 6).map((line) => line.length)).size, 1)
  })

  it("tells a reason once, with the battles that have it, and names as a terminal shows them", () => {
    const names = ["ローマ数字", "red\u001b[31m"] as const
    const reasons = Array.from({ length: 40 }, (_, index) => index < 25 ? "no space left" : `reason ${index}`)
    const told = renderSummary(
      summarize({
        definition: definitionOf({ tasks: names, repetitions: 20 }),
        battles: reasons.map((reason, index) => ({
          battle: battleOf(names[index % 2]!, 1 + Math.floor(index / 2)),
          outcome: Outcome.cases.Unscored.make({ reason, attempt: 1 })
        })),
        attempts: []
      }),
      { database: "c.db", resume: "" }
    )
    const lines = told.split("\n").filter((line) => line.startsWith("Not scored"))
    assert.strictEqual(
      lines[0],
      "Not scored: 25 battles (ローマ数字 #1, red #1, ローマ数字 #2 and 22 more): no space left"
    )
    assert.strictEqual(lines[1], "Not scored: red #13: reason 25")
    assert.deepStrictEqual([lines.length, lines.at(-1)], [11, "Not scored: 6 more, for other reasons"])
    assert.notInclude(told, "\u001b")
    assert.lengthOf(new Set(told.split("\n").slice(2, 6).map(widthOf)), 1)
  })

  it("rounds a score once: 0.7648 is 0.76, and so it stands in the report", () => {
    // 26 of 34 tests passed.
    const passes = Array.from({ length: 34 }, (_, index) => index < 26)
    const once = summarize({
      definition: definitionOf({ tasks: ["a"] }),
      battles: [{ battle: battleOf("a", 1), outcome: scored(passes) }],
      attempts: []
    })
    assert.include(renderSummary(once, { database: "c.db", resume: "" }), "0.76")
  })

  it("says how agents were followed, and that text is no token", () => {
    const definition = definitionOf({ tasks: ["a"], repetitions: 1 })
    const [agent] = definition.agents
    const told = attempt("a", "completed", 400)
    const untold = {
      ...told,
      battle: { ...told.battle, agent: "agent-2" },
      mode: "poll" as const,
      tokenBasis: "pieces" as const,
      tokensPerSecond: null
    }
    const text = (attempts: ReadonlyArray<typeof told | typeof untold>) =>
      renderSummary(
        summarize({
          definition: { ...definition, agents: [agent, { ...agent, name: "agent-2" }] },
          battles: [],
          attempts
        }),
        { database: "c.db", resume: "" }
      )
    const both = text([told, told, untold])
    assert.match(both, /^Followed: 2 by stream \(agent-1\), 1 by poll \(agent-2\)$/m)
    assert.match(both, /^a +0\/0 +– +0\/0 +400 ms +50\.0 +200$/m)
    assert.match(both, /^agent-2 .* – +–$/m)
    assert.include(both, "1 completed attempt tells no tokens, only text; see `campaign probe`.")
    assert.match(text([told]), /^Followed: 1 by stream$/m)
    assert.notInclude(text([told]), "only text")
    assert.notInclude(text([]), "Followed")
  })
})
