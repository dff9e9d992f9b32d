/** What a report says of campaigns that are no good night: true sentences of few, of none, and of what came too late. */
import { assert, describe, it } from "@effect/vitest"
import { composeReport } from "../../../src/report/render/composeReport.ts"
import { renderMarkdown } from "../../../src/report/render/renderMarkdown.ts"
import { headOf, reportOf, type Told, withAgents } from "../../support/campaignFacts.ts"
import { definitionOf } from "../../support/campaigns.ts"

const agents = ["agent-1", "agent-2"]
const head = headOf(withAgents(definitionOf({ tasks: ["a", "b"], repetitions: 3 }), agents))

/** The report by the titles of its sections. */
const sectionsOf = (battles: ReadonlyArray<Told>) => {
  const parts = renderMarkdown(composeReport(reportOf(head, battles), null), { figurePath: null }).split(/^## /m)
  return (title: string): string => parts.find((part) => part.startsWith(title))!
}

const scored: Told = { tries: [{ score: 1, at: [100, 120], tokensPerSecond: 50 }] }

describe("a campaign with", () => {
  it("one battle: its speed was measured, but too few times for a median", () => {
    const summary = sectionsOf([scored])("In a minute")
    assert.include(summary, "too few attempts for a median of the time to the first token: 1 of 6.")
    assert.notInclude(summary, "not measured")
    assert.include(summary, "1 has a score, none ended without one, none is pending")
  })

  it("agents that tell no first token: speed is not measured", () => {
    const blocking = { tries: [{ score: 1, mode: "blocking" as const }] }
    assert.include(sectionsOf([blocking])("In a minute"), "no completed attempt tells when its first token came")
  })

  it("two agents of the same score: neither is the best alone", () => {
    const summary = sectionsOf([scored, { ...scored, agent: "agent-2" }])("In a minute")
    assert.include(summary, "**agent-1** and 1 other alike")
  })

  it("nothing but stalls: no attempt was good, and no silence either", () => {
    const told = sectionsOf([{ unscored: "hung", tries: [{ verdict: "stalled", at: [100] }] }])
    assert.include(told("In a minute"), "| Longest good silence | **–** | no battle has a score |")
    assert.include(told("What a fixed timeout"), "no attempt was good, so what it would have killed is not known")
  })

  it("hung attempts without token times: those that are left out of the replay are not called good", () => {
    const told = sectionsOf([scored, { tries: [{ verdict: "stalled", mode: "blocking" }] }])
    assert.include(told("What a fixed timeout"), "1 attempt without token times, good or hung, is left out.")
  })

  it("stalls that came too late: the share is not called that of all of them", () => {
    const late: Told = { tries: [{ verdict: "stalled" }, { verdict: "stalled", superseded: true }] }
    assert.include(
      sectionsOf([scored, late])("What hung"),
      "2 attempts were given up as hung, 1 of them too late to count. The others are 50 % "
    )
    assert.include(sectionsOf([scored, { tries: [{ verdict: "stalled" }] }])("What hung"), "given up as hung: 50 % ")
  })

  it("a lost agent: nobody says that its user gave the battles up", () => {
    const gone: Told = { unscored: "agent agent-1 could not be played against for 3600 s", tries: [] }
    const failed = sectionsOf([scored, gone])("What failed")
    assert.notInclude(failed, "by the user")
    assert.include(failed, "(1 given up, as the reason says)")
  })

  it("retries that brought no score: nothing is said of their scores", () => {
    const told = sectionsOf([scored, { tries: [{ verdict: "failed" }, { verdict: "failed" }] }])
    assert.include(told("Retries"), "none was scored at a later try")
    assert.notInclude(told("Retries"), "score –")
  })

  it("gaps of nothing: they are counted beside the axis that has no 0", () => {
    const burst = { tries: [{ score: 1, at: [100, 100, 100, 150] }] }
    const latencies = sectionsOf([burst])("Latencies")
    assert.include(latencies, "2 of them (66.7 %) are 0 and left of the axis.")
    assert.include(latencies, "| 0 | 0 | 2 | 66.7 % |")
  })
})
