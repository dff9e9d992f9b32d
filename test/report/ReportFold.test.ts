/** A small night, whose report is computed by hand, and laws that hold for the report of any campaign. */
import { assert, describe, it } from "@effect/vitest"
import type { Report, ScoreCut } from "../../src/report/Report.ts"
import { AnyBattles, anyHead, BEGAN, headOf, reportOf, type Told, toldOf } from "../support/campaignFacts.ts"
import { definitionOf } from "../support/campaigns.ts"
import { runs } from "../support/propertyRuns.ts"

const HOUR = 3_600_000
const epoch = (id: number, modelId: string) => ({
  id,
  engine: "engine-1",
  modelId,
  modelRoot: null,
  serverStartedAt: null,
  beganAt: BEGAN
})

/** Task a: a first try, and one that stalled twice before. Task b: one that failed for good, and one that nobody began. */
const night: ReadonlyArray<Told> = [
  {
    task: "a",
    tries: [{
      score: 0.5,
      at: [100, 120, [150, 2]],
      durationMillis: 1000,
      epoch: 1,
      tokensPerSecond: 60,
      startedAt: BEGAN
    }]
  },
  {
    task: "a",
    repetition: 2,
    tries: [
      { verdict: "stalled", at: [200], durationMillis: 61_000, epoch: 1, startedAt: BEGAN + 500 },
      { verdict: "stalled", durationMillis: 90_000, epoch: 1, superseded: true, startedAt: BEGAN + 600 },
      { score: 1, at: [300, 310], durationMillis: 2000, epoch: 2, startedAt: BEGAN + HOUR }
    ]
  },
  {
    task: "b",
    unscored: "engine: the stream ended without a finish reason; no attempt is left",
    tries: [{ verdict: "abandoned", durationMillis: 5000, startedAt: BEGAN + HOUR }, {
      verdict: "failed",
      at: [50],
      durationMillis: 3000,
      tokenBasis: "deltas",
      startedAt: BEGAN + HOUR + 5000
    }]
  },
  { task: "b", repetition: 2, tries: [] }
]

const definition = definitionOf({ tasks: ["a", "b"], repetitions: 2 })
const report = reportOf(headOf(definition), night, [epoch(1, "small"), epoch(2, "large")])

const valuesOf = ({ bestCase, infrastructureAsFailure, scoredOnly }: ScoreCut["score"]) => [
  infrastructureAsFailure.value,
  scoredOnly.value,
  bestCase.value
]

describe("the report of a small night", () => {
  it("says when it was, leaving out the time in which nothing ran", () => {
    assert.deepInclude(report.header, {
      campaign: "campaign-1",
      file: "night.db",
      isRunning: false,
      firstAttemptAt: BEGAN,
      lastAttemptEndedAt: BEGAN + HOUR + 8000,
      // 0 to 90.6 s, then 0 to 8 s of the second hour.
      activeMillis: 98_600
    })
    assert.deepStrictEqual(report.header.agents, [{ name: "agent-1", kind: "Model", engine: "engine-1", model: null }])
    assert.deepStrictEqual(report.header.tasks.map(({ grader, id }) => [id, grader]), [
      ["a", "JavaScriptTests"],
      ["b", "JavaScriptTests"]
    ])
  })

  it("counts a battle without a score as nothing, as 0 and as 1", () => {
    const { byTask, cells, overall } = report.scores
    assert.deepInclude(overall, { planned: 4, scored: 2, unscored: 1, pending: 1, passed: 1 })
    assert.deepStrictEqual(valuesOf(overall.score), [0.5, 0.75, 2.5 / 3])
    assert.deepStrictEqual(valuesOf(overall.passRate), [1 / 3, 0.5, 2 / 3])
    assert.deepStrictEqual(byTask.map(({ score }) => valuesOf(score)), [[0.75, 0.75, 0.75], [0, null, 1]])
    assert.deepStrictEqual(report.coverage.cells.map(({ agent, meanScore, task }) => [task, agent, meanScore]), [
      ["a", "agent-1", 0.75],
      ["b", "agent-1", null]
    ])
    assert.strictEqual(cells.length, 2)
    assert.strictEqual(report.coverage.cellsWithScore, 1)
    // One task says nothing of others.
    assert.deepInclude(overall.score.scoredOnly, { n: 2, clusters: 1, lower: null, method: null })
    assert.deepInclude(overall.score.bestCase, { n: 3, clusters: 2, method: "clustered" })
  })

  it("says how likely k tries are to pass, over tasks with so many scores", () => {
    const rows = report.passAtK.byAgent[0]!.rows.map(({ cellsLeftOut, k, passAllK, passAtK }) => [
      k,
      passAtK.value,
      passAllK.value,
      cellsLeftOut
    ])
    assert.deepStrictEqual(rows, [[1, 0.5, 0.5, 1], [2, 1, 0, 1]])
  })

  it("measures what completed in time, as vLLM's benchmark would", () => {
    const { byAgent, overall } = report.latencies
    assert.deepStrictEqual(overall, { ...byAgent[0]!, name: "all" })
    assert.deepStrictEqual(overall.basis, { usage: 2, deltas: 0, pieces: 0 })
    const meansOf = [overall.ttft, overall.itl, overall.meanItl, overall.tpot, overall.e2e, overall.duration]
      .map(({ mean, n }) => [n, mean])
    assert.deepStrictEqual(meansOf, [
      [2, 200],
      // 20, 30 and 10 ms: two tokens at once are one arrival.
      [3, 20],
      [2, (25 + 10) / 2],
      // 50 ms for the three tokens after the first, 10 for the one.
      [2, (50 / 3 + 10) / 2],
      [2, (150 + 310) / 2],
      [2, 1500]
    ])
    assert.deepStrictEqual(overall.gapBasis, { tokens: 6, arrivals: 5, coalesced: 0.2 })
    assert.deepInclude(overall.tokensPerSecond, { n: 1, mean: 60 })
    assert.strictEqual(overall.tokensPerSecond.leftOut[0]!.attempts, 1)
    assert.deepInclude(overall.ttft.percentiles[0]!, { share: 0.5, value: null, needed: 6 })
  })

  it("counts what was given up as what is known of it", () => {
    const { completion, firstToken } = report.censored
    const { overall } = completion
    assert.deepInclude(overall, { n: 5, events: 2, censored: 3 })
    // Five at risk, then four, of which one completes after 2 s; the rest ends without.
    assert.deepStrictEqual(overall.steps.map((step) => [step.atMillis, step.atRisk, step.events, step.censored]), [
      [1000, 5, 1, 0],
      [2000, 4, 1, 0],
      [3000, 3, 0, 1],
      [5000, 2, 0, 1],
      [61_000, 1, 0, 1]
    ])
    assert.closeTo(overall.steps.at(-1)!.survival, 0.6, 1e-12)
    assert.isNull(overall.medianMillis)
    assert.deepInclude(firstToken.overall, { n: 5, events: 4, censored: 1, medianMillis: 200 })
    assert.deepStrictEqual(completion.byAgent, [{ ...overall, name: "agent-1" }])
  })

  it("lists every stall with its evidence and what became of its battle", () => {
    const { byKind, hours, rate, rows, tokensLost } = report.stalls
    assert.deepStrictEqual(
      rows.map(({ afterwards, attempt, confidence, kind, scoredIn, superseded }) => ({
        afterwards,
        attempt,
        confidence,
        kind,
        scoredIn,
        superseded
      })),
      [false, true].map((superseded, index) => ({
        afterwards: "scored-later" as const,
        attempt: index + 1,
        confidence: "proved" as const,
        kind: "engine-hung" as const,
        scoredIn: 3,
        superseded
      }))
    )
    assert.strictEqual(rows[0]!.at, BEGAN + 500 + 61_000)
    assert.strictEqual(rows[0]!.evidence.binding, "proven")
    assert.strictEqual(rows[0]!.decidedBy, "evidence")
    assert.include(rows[0]!.message, "proved by the engine's metrics")
    assert.deepInclude(byKind[0]!, { stalls: 2, scoredLater: 2, medianSilentMillis: 60_000 })
    assert.closeTo(hours, 151_000 / HOUR, 1e-12)
    assert.strictEqual(tokensLost, 1)
    // Of the four that ended in time and by themselves.
    assert.deepInclude(rate, { value: 0.25, n: 4, method: "wilson" })
  })

  it("classifies failures, and says what trying again changed", () => {
    assert.deepInclude(report.failures.classes[0]!, { kind: "truncated", hop: "engine", failures: 1, scoredLater: 0 })
    const { attemptsPerBattle, difference, firstTry, hoursLost, rescued, retried, retries, withoutRetries } =
      report.retries
    assert.deepStrictEqual(attemptsPerBattle, [
      { attempts: 0, battles: 1 },
      { attempts: 1, battles: 1 },
      { attempts: 2, battles: 1 },
      { attempts: 3, battles: 1 }
    ])
    assert.deepStrictEqual([firstTry.battles, firstTry.score.value], [1, 0.5])
    assert.deepStrictEqual([retried.battles, retried.score.value, rescued], [1, 1, 1])
    assert.strictEqual(difference.value, 0.5)
    // The battle that was only scored later counts as one without a score.
    assert.deepStrictEqual(valuesOf(withoutRetries), [0.5 / 3, 0.5, 2.5 / 3])
    assert.strictEqual(retries, 1)
    assert.closeTo(hoursLost, 64_000 / HOUR, 1e-12)
  })

  it("says what was played in which epoch, and where a score mixes them", () => {
    const { mixedCells, mixedModelCells, rows } = report.epochs
    assert.deepStrictEqual(
      rows.map(({ attempts, epoch, meanScore, scored, stalled }) => [
        epoch?.modelId ?? null,
        attempts,
        stalled,
        scored,
        meanScore
      ]),
      [["small", 3, 2, 1, 0.5], ["large", 1, 0, 1, 1], [null, 2, 0, 0, null]]
    )
    assert.deepStrictEqual([mixedCells, mixedModelCells], [1, 1])
  })

  it("says why a battle has no score, and how each attempt ended", () => {
    assert.deepStrictEqual(report.unscored.byVerdict, [{ verdict: "failed", battles: 1 }])
    assert.deepInclude(report.unscored.battles[0]!, { attempts: 2, verdict: "failed" })
    const ends = report.attemptEnds.byVerdict.filter(({ attempts }) => attempts > 0)
    assert.deepStrictEqual(ends.map(({ attempts, tokens, verdict }) => [verdict, attempts, tokens]), [
      ["completed", 2, 6],
      ["stalled", 1, 1],
      ["failed", 1, 1],
      ["abandoned", 1, 0]
    ])
    assert.deepInclude(report.attemptEnds, { total: 6, superseded: 1, inFlight: 0 })
  })

  it("says where limits stood, and what fixed ones would have done", () => {
    assert.deepStrictEqual(report.counterfactual.limits, [{
      name: "frozen",
      origins: ["default"],
      stalls: 1,
      leastMillis: 60_000,
      medianMillis: 60_000,
      mostMillis: 60_000
    }])
    assert.deepStrictEqual(
      report.counterfactual.curves.map(({ good, hung, timeout, unseen }) => [timeout, good, hung, unseen]),
      [["total", 2, 1, 0], ["first-token", 2, 0, 1], ["gap", 2, 1, 0]]
    )
  })

  it("tells the judge the same numbers as its sections", () => {
    assert.deepInclude(report.glance, {
      scored: 2,
      attempts: 6,
      stalled: 2,
      stalledProved: 2,
      stalledButScored: 2,
      rescuedByRetry: 1,
      longestGoodAttemptMillis: 2000,
      longestGoodSilenceMillis: 30
    })
    assert.deepStrictEqual(report.glance.score, report.scores.overall.score)
  })

  it("says what is not known", () => {
    for (
      const words of [
        "1 battle is pending",
        "1 battle ended without a score",
        "stalls are not independent",
        "1 attempt was abandoned",
        "engine of some attempts is not known",
        "more than one model",
        "of one task",
        "20 % of arrivals"
      ]
    ) assert.isTrue(report.unknown.some((statement) => statement.includes(words)), words)
    const silent = reportOf(headOf({ ...definition, stallPolicy: "warn" }), [])
    assert.deepStrictEqual(silent.unknown.map((statement) => statement.slice(0, 12)), ["Stalls were "])
  })
})

const cutsOf = ({ scores: { byAgent, byTask, cells, overall } }: Report): ReadonlyArray<ReadonlyArray<ScoreCut>> => [
  [overall],
  byAgent,
  byTask,
  cells
]

describe("any campaign", () => {
  it.prop("adds up in every cut, and keeps the order of its columns", [AnyBattles], ([battles]) => {
    const told = toldOf(battles)
    const report = reportOf(anyHead, told)
    for (const cuts of cutsOf(report)) {
      const sum = (of: (cut: ScoreCut) => number) => cuts.reduce((total, cut) => total + of(cut), 0)
      assert.strictEqual(sum(({ planned }) => planned), told.length)
      for (const cut of cuts) {
        assert.strictEqual(cut.planned, cut.scored + cut.unscored + cut.pending)
        for (const columns of [cut.score, cut.passRate]) {
          const [least, middle, most] = valuesOf(columns)
          if (typeof middle === "number") {
            assert.isAtMost(least!, middle + 1e-12)
            assert.isAtLeast(most!, middle - 1e-12)
          }
          assert.strictEqual(columns.bestCase.n, cut.scored + cut.unscored)
          for (const { lower, upper, value } of Object.values(columns)) {
            if (lower === null) continue
            assert.isAtMost(lower, value! + 1e-12)
            assert.isAtLeast(upper!, value! - 1e-12)
          }
        }
      }
    }
    const { attemptEnds, censored, latencies, retries, stalls, summary } = report
    assert.deepInclude(summary.battles, { planned: told.length, scored: report.scores.overall.scored })
    assert.strictEqual(attemptEnds.total, summary.attempts.total)
    assert.strictEqual(
      attemptEnds.superseded + attemptEnds.byVerdict.reduce((sum, { attempts }) => sum + attempts, 0),
      attemptEnds.total
    )
    assert.strictEqual(stalls.rows.length, summary.attempts.stalled)
    assert.strictEqual(latencies.overall.attempts, latencies.byAgent.reduce((sum, { attempts }) => sum + attempts, 0))
    assert.strictEqual(censored.completion.overall.n, attemptEnds.total - attemptEnds.superseded)
    assert.strictEqual(retries.firstTry.battles + retries.retried.battles, summary.battles.scored)
    assert.strictEqual(retries.attemptsPerBattle.reduce((sum, { battles }) => sum + battles, 0), told.length)
    const score = report.scores.overall.score.scoredOnly.value
    assert.strictEqual(summary.score, score === null ? null : Math.round(score * 1e6) / 1e6)
  }, { ...runs, arbitrary: { runs: Math.min(40, runs.arbitrary.runs) } })

  it.prop("is data that JSON carries", [AnyBattles], ([battles]) => {
    const report = reportOf(anyHead, toldOf(battles))
    assert.deepStrictEqual(JSON.parse(JSON.stringify(report)), report)
  }, { ...runs, arbitrary: { runs: Math.min(10, runs.arbitrary.runs) } })
})
