/** What a report says of campaigns in each state, and of two beside each other. */
import { assert, describe, it } from "@effect/vitest"
import type { Comparison } from "../../../src/report/Comparison.ts"
import type { Estimate } from "../../../src/report/Estimate.ts"
import { composeReport } from "../../../src/report/render/composeReport.ts"
import { renderMarkdown } from "../../../src/report/render/renderMarkdown.ts"
import { type Header, type Report } from "../../../src/report/Report.ts"
import { reportOf } from "../../support/reports.ts"

const markdownOf = (report: Report, comparison: Comparison | null = null): string =>
  renderMarkdown(composeReport(report, comparison), { figurePath: null })

const section = (markdown: string, title: string): string =>
  markdown.split(/^## /m).find((part) => part.startsWith(title))!

const withState = (state: Header["state"], isRunning: boolean, pending: number): string => {
  const report = reportOf({ samples: 12 })
  return section(
    markdownOf({
      ...report,
      header: { ...report.header, state, isRunning },
      glance: { ...report.glance, pending }
    }),
    "In a minute"
  )
}

describe("the first section", () => {
  it("says whether all of it may still change, and why", () => {
    assert.include(
      withState("running", true, 3),
      "> **Beware:** The campaign runs while this is written. Everything here is as of 2026-01-01 06:00 UTC, with 3 battles pending"
    )
    assert.include(
      withState("running", false, 1),
      "1 battle is pending, because the campaign's process is gone without a word; it is in"
    )
    assert.include(
      withState("paused", false, 2),
      "2 battles are pending, because the campaign was paused; they are in none"
    )
    assert.include(withState("paused", false, 2), "Go on with `campaign resume`")
    assert.notInclude(withState("cancelled", false, 2), "campaign resume")
    assert.notInclude(withState("ended", false, 0), "Beware")
  })

  it("names the best of several agents and what its interval rests on", () => {
    const text = section(markdownOf(reportOf({ agents: ["first", "second"], samples: 36 })), "In a minute")
    assert.include(
      text,
      "| Highest mean score | **0.90 \\[0.85, 0.95\\]** | **first**, 95 % interval by Korn and Graubard, for repetitions in tasks, 36 battles in 3 tasks |"
    )
  })
})

describe("a percentile", () => {
  it("has bounds or no value at all", () => {
    const rows = section(markdownOf(reportOf({ samples: 40 })), "Latencies").split("\n")
    assert.include(
      rows,
      "| TTFT | 40 | 400 ms \\[360 ms, 480 ms\\] | 800 ms \\[720 ms, 960 ms\\] | not enough: 40 of 72 samples | " +
        "not enough: 40 of 368 samples | 440 ms |"
    )
  })
})

describe("a stall", () => {
  it("stands with its limit, its evidence and what became of its battle", () => {
    const row = section(markdownOf(reportOf({ stalls: 2 })), "What hung").split("\n").find((line) =>
      line.includes("#1")
    )
    assert.strictEqual(
      row,
      "| task-1 × agent-1 #1, attempt 1 2026-01-01 03:00 UTC | **engine-hung**, proved; silent for 66.0 s in phase decoding, " +
        "no token from the engine; limit frozen: 60 s, floor | after 120 tokens; engine stood still for 62.0 s; connections " +
        "refused; no metrics could be read; decided by evidence; not seen that the engine dropped it | scored in attempt 2; " +
        "used up no attempt; epoch 1 |"
    )
  })
})

describe("a comparison", () => {
  const change = (value: number | null, lower: number | null = null, upper: number | null = null): Estimate => ({
    value,
    lower,
    upper,
    level: 0.95,
    n: 12,
    clusters: 3,
    method: lower === null ? null : "paired"
  })
  const { header } = reportOf()
  const comparison: Comparison = {
    schema: "a2a-campaign/comparison/1",
    first: { ...header, campaign: "before" },
    second: header,
    scores: [{
      name: "all",
      tasks: 3,
      first: { scoredOnly: 0.5, infrastructureAsFailure: 0.4, bestCase: 0.6 },
      second: { scoredOnly: 0.7, infrastructureAsFailure: 0.7, bestCase: 0.7 },
      difference: {
        scoredOnly: change(0.2, 0.05, 0.35),
        infrastructureAsFailure: change(-0.3),
        bestCase: change(null)
      }
    }],
    byTask: [],
    latencies: [{ name: "TTFT, all", first: 400, second: 600, change: change(1.5, 1.2, 1.9), kind: "ratio" }],
    rates: [{ name: "attempts that stalled", first: 0.02, second: 0, change: change(-0.02), kind: "difference" }],
    notCompared: ["Task x: only in the first campaign."],
    cautions: ["Repetitions of a task: 2 in the first, 3 in the second."]
  }
  const text = section(markdownOf(reportOf(), comparison), "Compared with another campaign")

  it("says which is which, what differs by how much, and what may be why", () => {
    for (
      const said of [
        "First: **before**",
        "| all | 3 | 0.50 | 0.70 | +0.20 \\[+0.05, +0.35\\] | −0.30 | – |",
        "| TTFT, all | 400 ms | 600 ms | × 1.50 \\[× 1.20, × 1.90\\] |",
        "| attempts that stalled | 2 % | 0 % | −2 % |",
        "- Repetitions of a task: 2 in the first, 3 in the second.",
        "- Task x: only in the first campaign."
      ]
    ) {
      assert.include(text, said)
    }
  })
})
