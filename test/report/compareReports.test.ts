/** Two campaigns side by side: differences by hand, and what is refused to be compared. */
import { assert, describe, it } from "@effect/vitest"
import type { Definition } from "../../src/campaign/Definition.ts"
import { compareReports } from "../../src/report/compareReports.ts"
import type { Report } from "../../src/report/Report.ts"
import { AnyBattles, anyHead, headOf, reportOf, type Told, toldOf, withAgents } from "../support/campaignFacts.ts"
import { definitionOf } from "../support/campaigns.ts"
import { runs } from "../support/propertyRuns.ts"

const tasks = Array.from({ length: 8 }, (_, index) => `task-${index}`)
const definition = definitionOf({ tasks })

interface Campaign {
  readonly agents?: ReadonlyArray<string>
  readonly definition?: Definition
  /** The score of a task; `null` for a battle without one. */
  readonly scoreOf: (task: string, index: number) => number | null
  /** Milliseconds between tokens. */
  readonly gap?: number
  readonly repetitions?: number
}

const campaignOf = (
  { agents = ["agent-1"], definition: of = definition, gap = 20, scoreOf, ...more }: Campaign
): Report =>
  reportOf(
    headOf({ ...withAgents(of, agents), repetitions: more.repetitions ?? 1 }),
    agents.flatMap((agent) =>
      of.tasks.map(({ id: task }, index): Told => {
        const score = scoreOf(task, index)
        const at = [100, 100 + gap, 100 + 2 * gap].map((time) => time + index)
        const common = { task, agent }
        return score === null
          ? { ...common, unscored: "it hung", tries: [{ verdict: "stalled", at: [100], durationMillis: 61_000 }] }
          : { ...common, tries: [{ score, at, durationMillis: 500 + 2 * gap, tokensPerSecond: 1000 / gap }] }
      })
    )
  )

const plain = campaignOf({ scoreOf: (_, index) => index % 2 })

describe("compareReports", () => {
  it("pairs scores by task: what both find hard is no difference", () => {
    const better = campaignOf({ scoreOf: (_, index) => index % 2 === 1 || index === 0 ? 1 : 0 })
    const { byTask, notCompared, scores } = compareReports(plain, better)
    const [all, ...rest] = scores
    assert.deepStrictEqual(rest, [])
    assert.deepInclude(all, { name: "all", tasks: 8 })
    assert.deepStrictEqual([all!.first.scoredOnly, all!.second.scoredOnly], [0.5, 5 / 8])
    const { lower, method, n, upper, value } = all!.difference.scoredOnly
    assert.deepStrictEqual({ method, n, value }, { method: "paired", n: 8, value: 1 / 8 })
    assert.isBelow(lower!, 1 / 8)
    assert.isAbove(upper!, 1 / 8)
    // Unpaired, 4 of 8 and 5 of 8 would reach far more widely.
    assert.isBelow(upper! - lower!, 0.7)
    assert.deepStrictEqual(byTask.map(({ difference }) => difference), [1, 0, 0, 0, 0, 0, 0, 0])
    assert.deepStrictEqual(notCompared, [])
  })

  it("compares medians by their ratio, and rates by their difference", () => {
    const slower = campaignOf({ scoreOf: (_, index) => index === 7 ? null : 1, gap: 40 })
    const { latencies, rates } = compareReports(plain, slower)
    const change = (name: string) => latencies.find((compared) => compared.name === `${name}, all`)!
    assert.deepInclude(change("TPOT"), { first: 20, second: 40, kind: "ratio" })
    assert.closeTo(change("TPOT").change.value!, 2, 1e-9)
    assert.closeTo(change("tokens/s").change.value!, 0.5, 1e-9)
    const { lower, upper, value } = change("TTFT").change
    assert.isBelow(lower!, value!)
    assert.isAbove(upper!, value!)
    const [stalled, , unscored] = rates
    assert.deepInclude(stalled, { first: 0, second: 1 / 8, kind: "difference" })
    assert.deepInclude(unscored, { name: "battles without a score", second: 1 / 8 })
    // 1/8 less 0/8 by Newcombe's method 10: Wilson gives 0.0224 to 0.4709, and 0 to 0.3244.
    assert.closeTo(unscored!.change.lower!, -0.2152, 1e-4)
    assert.closeTo(unscored!.change.upper!, 0.4709, 1e-4)
  })

  it("compares only tasks that are the same, and says which are not", () => {
    const [first, second, ...rest] = definition.tasks
    const other: Definition = {
      ...definition,
      tasks: [{ ...first, prompt: "another" }, second!, ...rest.slice(1), { ...first, id: "new" }]
    }
    const { latencies, notCompared, scores } = compareReports(
      plain,
      campaignOf({ definition: other, scoreOf: () => 1 })
    )
    assert.strictEqual(scores[0]!.tasks, 6)
    assert.deepStrictEqual(latencies.map(({ name }) => name), ["ITL, all", "TPOT, all", "tokens/s, all"])
    assert.deepStrictEqual(notCompared, [
      "Task task-0: another prompt, grader or judge under the same name.",
      "Task task-2: only in the first campaign.",
      "Task new: only in the second campaign.",
      "TTFT and E2E: they depend on what was asked, and the tasks are not the same."
    ])
  })

  it("takes a task that another model judges for another task, and one that nobody judges for the same", () => {
    const judgedBy = (model: string, grader: Definition["tasks"][number]["grader"]): Definition => ({
      ...definition,
      judge: { engine: "engine-1", model, maxTokens: 500 },
      tasks: [{ ...definition.tasks[0], grader }]
    })
    const comparedTasks = (grader: Definition["tasks"][number]["grader"]) => {
      const [one, other] = ["small", "large"].map((model) =>
        campaignOf({ definition: judgedBy(model, grader), scoreOf: () => 1 })
      )
      return compareReports(one!, other!).scores[0]!.tasks
    }
    assert.strictEqual(comparedTasks({ _tag: "ModelGraded", rubric: "Is it good?" }), 0)
    assert.strictEqual(comparedTasks(definition.tasks[0].grader), 1)
  })

  it("compares one agent with one of another name, and says so", () => {
    const { cautions, notCompared, scores } = compareReports(plain, campaignOf({ agents: ["other"], scoreOf: () => 1 }))
    assert.deepStrictEqual(scores.map(({ name }) => name), ["all"])
    assert.deepStrictEqual(notCompared, [])
    assert.deepStrictEqual(cautions, ["Agent: agent-1 in the first, other in the second."])
  })

  it("compares agent by agent where the campaigns have others besides", () => {
    const several = campaignOf({ agents: ["agent-1", "other"], scoreOf: () => 1, repetitions: 2 })
    const { byTask, cautions, latencies, notCompared, scores } = compareReports(plain, several)
    assert.deepStrictEqual(scores.map(({ name }) => name), ["agent-1"])
    assert.deepStrictEqual(byTask, [])
    assert.include(latencies.map(({ name }) => name), "TTFT, agent-1")
    assert.lengthOf(notCompared, 2)
    assert.include(notCompared.join(), "Agent other: only in one of the campaigns.")
    assert.deepStrictEqual(cautions, ["Repetitions of a task: 1 in the first, 2 in the second."])
  })

  it("says that nothing is shared", () => {
    const strange = campaignOf({ definition: definitionOf({ tasks: ["x"] }), agents: ["x", "y"], scoreOf: () => 1 })
    const { byTask, latencies, scores } = compareReports(plain, strange)
    assert.deepStrictEqual({ byTask, latencies, scores }, { byTask: [], latencies: [], scores: [] })
  })

  it.prop("finds no difference of a campaign from itself, and turns round with its sides", [AnyBattles, AnyBattles], (
    [some, others]
  ) => {
    const [one, other] = [reportOf(anyHead, toldOf(some)), reportOf(anyHead, toldOf(others))]
    const itself = compareReports(one, one)
    assert.deepStrictEqual([itself.notCompared, itself.cautions.filter((text) => !text.includes("pending"))], [[], []])
    for (const { difference } of itself.scores) assert.oneOf(difference.scoredOnly.value, [0, null])
    for (const { change, first, kind } of [...itself.latencies, ...itself.rates]) {
      if (first !== null && first > 0) assert.strictEqual(change.value, kind === "ratio" ? 1 : 0)
    }
    const [there, back] = [compareReports(one, other), compareReports(other, one)]
    for (const [index, { difference }] of there.scores.entries()) {
      const reverse = back.scores[index]!.difference.bestCase
      const { lower, upper, value } = difference.bestCase
      if (value !== null) assert.closeTo(value, -reverse.value!, 1e-9)
      if (lower !== null) assert.closeTo(lower, -reverse.upper!, 1e-9)
      if (upper !== null) assert.closeTo(upper, -reverse.lower!, 1e-9)
    }
    assert.deepStrictEqual(JSON.parse(JSON.stringify(there)), there)
  }, { ...runs, arbitrary: { runs: Math.min(20, runs.arbitrary.runs) } })
})
