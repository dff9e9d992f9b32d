/** Results of green agents that are not ours, in the shapes in which they are found in the wild. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Artifact, type ArtifactPart, Ended, Replaced, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import * as AssessmentOutcome from "../../src/agents/AssessmentOutcome.ts"
import { dataOf } from "../../src/agents/AssessmentResult.ts"
import { Grade } from "../../src/grading/Grade.ts"
import { Delta } from "../../src/token/TokenEvent.ts"
import { said } from "../support/agents.ts"

const roles = ["pro_debater", "con_debater"]
const data = (...values: ReadonlyArray<unknown>): ReadonlyArray<TaskEvent> =>
  values.map((value, index) =>
    Artifact.make({
      artifactId: `a${index}`,
      name: "Result",
      parts: [{ _tag: "Data", data: value } as ArtifactPart]
    })
  )
const outcome = (events: ReadonlyArray<TaskEvent>, score: string | null = null) =>
  AssessmentOutcome.outcomeOf(events.reduce(AssessmentOutcome.step, AssessmentOutcome.begin), { score, roles })
const gradeOf = (events: ReadonlyArray<TaskEvent>, score: string | null = null) =>
  Result.getOrThrowWith(outcome(events, score).grade, (reason) => new Error(reason))
const scoreOf = (value: unknown, score: string | null = null) => gradeOf(data(value), score).score
const reasonOf = (events: ReadonlyArray<TaskEvent>, score: string | null = null) => {
  const { grade } = outcome(events, score)
  return Result.isFailure(grade) ? grade.failure : `scored ${grade.success.score}`
}

describe("a result without a score path", () => {
  const shapes: ReadonlyArray<readonly [name: string, value: unknown, score: number]> = [
    ["tau2", { domain: "airline", score: 3, max_score: 5, pass_rate: 60, task_rewards: { "0": 1 }, time_used: 9 }, 0.6],
    ["tau2 with one task", { score: 1, max_score: 1, pass_rate: 100 }, 1],
    ["tau2 with one of a hundred", { score: 1, max_score: 100, pass_rate: 1 }, 0.01],
    ["the leaderboard's output schema", { pass_rate: 85, time_used: 350, max_score: 100 }, 0.85],
    ["a pass rate beside a most that is not its own", { pass_rate: 0.5, max_score: 40 }, 0.5],
    ["a pass rate as a share", { pass_rate: 0.85 }, 0.85],
    ["LogoMesh", { battle_id: "b", evaluation: { cis_score: 0.72, breakdown: "R(0.7)" }, error: null }, 0.72],
    [
      "an overall score",
      { performance: { accuracy: 0.9 }, research: { score: 70, length: 9 }, overall_score: 0.84 },
      0.84
    ],
    ["a report", { result_data: { subtask: "s", score: 0.85, report: { success_rate: 0.9 } }, config: {} }, 0.85],
    ["a list of one", { participants: {}, results: [{ pass_rate: "85%" }] }, 0.85],
    ["a count", { summary: { passed: 3, failed: 1 } }, 0.75],
    ["a count of a total", { passed: 2, total: 8 }, 0.25],
    ["a verdict", { passed: true }, 1],
    ["a winner", { winner: "pro_debater", detail: { pro_debater: { total_score: 3.5 }, winner: "pro_debater" } }, 1],
    ["a loser", { winner: "con_debater", detail: { reason: "x" } }, 0],
    ["a draw", { winner: "Tie" }, 0.5],
    ["a percentage", { score: "85 %" }, 0.85],
    ["a number in a text", { score: "0.5" }, 0.5],
    ["an object", { score: { value: 4, max: 8 } }, 0.5],
    ["zero", { score: 0 }, 0],
    ["what follows an unreadable one", { score: 85, accuracy: 0.85 }, 0.85]
  ]
  for (const [name, value, score] of shapes) {
    it(`is read from ${name}`, () => {
      const grade = gradeOf(data(value))
      assert.strictEqual(grade.score, score)
      assert.strictEqual(grade.passed, score === 1)
      assert.isTrue(Schema.is(Grade)(grade))
      assert.strictEqual(outcome(data(value)).evidence, JSON.stringify(value))
    })
  }

  it("keeps what the result itself says of passing", () => {
    assert.isTrue(gradeOf(data({ score: 0.8, passed: true })).passed)
    assert.isFalse(gradeOf(data({ score: 1, passed: false })).passed)
  })

  const unreadable: ReadonlyArray<readonly [name: string, value: unknown, reason: RegExp]> = [
    [
      "a score of an unknown scale",
      { score: 85 },
      /score is 85, which is not between 0 and 1.*write "score \/ <most>"/
    ],
    ["a count of nobody knows how many", { passed: 1 }, /passed: it is a count of 1.*set the task's score/],
    ["more than the most", { score: 7, max_score: 5 }, /score is 7 of 5, which is no share/],
    ["less than nothing", { reward: -1 }, /reward is -1/],
    ["none of none", { score: 0, max_score: 0 }, /0 of 0/],
    ["a stranger who won", { winner: "nobody" }, /none of the roles pro_debater, con_debater/],
    ["no number", { score: null }, /score is null/],
    ["other names", { outcome: "fine", metrics: { bleu: 0.3 } }, /score to the path of one: it holds metrics\.bleu$/],
    ["an empty object", {}, /it holds no number/],
    ["rows of tasks", { results: [{ score: 1 }, { score: 0 }] }, /it holds results\.0\.score, results\.1\.score/]
  ]
  for (const [name, value, reason] of unreadable) {
    it(`has a reason and no score for ${name}`, () => assert.match(reasonOf(data(value)), reason))
  }

  it("is never scored where it reports an error, whatever else it says, as the predecessor's did with HTTP 200", () => {
    for (
      const value of [
        { battle_id: "b", task_id: "t", error: "Purple Agent failed: timed out", outcome: "ERROR", timestamp: 1 },
        { error: "Purple Agent failed", score: 0 },
        { outcome: "ERROR", score: 0 },
        { status: "error", evaluation: { cis_score: 0 } },
        { error: { code: 5 }, score: 1 }
      ]
    ) {
      assert.match(reasonOf(data(value)), /^the green agent reports an error: /)
      assert.match(reasonOf(data(value), "score"), /^the green agent reports an error: /)
    }
  })

  it("is our own", () => {
    const row = {
      task: "a",
      participant: "b",
      repetition: 1,
      reason: null,
      tokens: 1,
      durationMillis: 1,
      timeToFirstTokenMillis: null
    }
    const grade: Grade = { score: 0.5, passed: false, tests: [{ outcome: "passed" }], explanation: "1 of 2" }
    assert.deepStrictEqual(gradeOf(data(dataOf([{ ...row, grade }]))), grade)
    const broken = { ...row, grade: null, reason: "the engine hung" }
    assert.strictEqual(gradeOf(data(dataOf([{ ...row, grade }, broken]))).score, 0.5)
    assert.match(reasonOf(data(dataOf([broken]))), /scored nothing: the engine hung/)
  })

  it("is not chosen among several that disagree, and is the one that they agree on", () => {
    assert.match(
      reasonOf(data({ score: 0.1 }, { score: 0.2 })),
      /2 results with different scores.*results\.0\.score, results\.1\.score/
    )
    assert.strictEqual(gradeOf(data({ task: 1 }, { score: 0.2 })).score, 0.2)
    assert.strictEqual(gradeOf(data({ score: 0.2 }, { score: 0.2 })).score, 0.2)
  })
})

describe("a result with a score path", () => {
  const result = {
    results: [{ score: 0.25, "Pass^3": 0.5, points: 30 }, { score: 0.75, points: 10 }],
    total_points: 30,
    possible_points: 40,
    "gpt-4.1": { acc: 0.1 },
    percent_done: 0.5
  }
  const paths: ReadonlyArray<readonly [path: string, score: number]> = [
    ["results.0.score", 0.25],
    ["results[1].score", 0.75],
    [" results.*.score ", 0.5],
    ["results.0.Pass^3", 0.5],
    ["total_points / 40", 0.75],
    ["total_points / possible_points", 0.75],
    ["results.*.points / 40", 0.5],
    ["gpt-4.1.acc", 0.1],
    ["percent_done", 0.005]
  ]
  for (const [path, score] of paths) {
    it(`is read at ${path}`, () => assert.strictEqual(scoreOf(result, path), score))
  }

  it("is read in the file that AgentBeats keeps of several results", () => {
    assert.strictEqual(gradeOf(data({ a: 1 }, { score: 0.5 }), "results.1.score").score, 0.5)
    assert.strictEqual(gradeOf(data({ score: 0.25 }), "results.0.score").score, 0.25)
  })

  it("is read in the last of several that have it", () => {
    assert.strictEqual(gradeOf(data({ score: 0.1 }, { score: 0.2 }), "score").score, 0.2)
  })

  const wrong: ReadonlyArray<readonly [path: string, reason: RegExp]> = [
    ["results.0.scor", /nothing at the score path "results\.0\.scor"; did you mean "results\.0\.score"\?/],
    ["results.*.Pass^3", /nothing at the score path/],
    ["results", /results is a list/],
    ["total_points", /total_points is 30.*write "total_points \/ <most>"/],
    ["total_points / impossible", /no number "impossible" beside it/],
    ["total_points / 20", /30 of 20, which is no share/],
    ["total_points / 0", /divides by 0/],
    ["", /expected one such as "results\.0\.score"/],
    ["__proto__.x", /nothing at the score path/],
    ["constructor", /nothing at the score path/],
    ["results.length", /nothing at the score path/]
  ]
  for (const [path, reason] of wrong) {
    it(`has a reason and no score at ${path}`, () => assert.match(reasonOf(data(result), path), reason))
  }
})

describe("where a result is found", () => {
  const json = "{\"winner\": \"pro_debater\", \"detail\": {\"text\": \"a } { \\\" b\", \"nan\": NaN}}"

  it("in text, alone, behind a sentence, and in a fence, however it was cut", () => {
    for (const text of [json, `Pro argued better.${json}`, `Result:\n\`\`\`json\n${json}\n\`\`\`\nThat is {all}.`]) {
      assert.strictEqual(gradeOf([said(text)]).score, 1)
      assert.strictEqual(gradeOf(Array.from(text, said)).score, 1)
      assert.strictEqual(gradeOf([said("other"), Replaced.make({ text })]).score, 1)
      assert.strictEqual(
        gradeOf([Artifact.make({ artifactId: "a", name: "a", parts: [{ _tag: "Text", text }] })]).score,
        1
      )
    }
  })

  it("in the last status where it is nowhere else", () => {
    const status = Status.make({ state: "working", text: "{\"score\": 0.5}" })
    assert.strictEqual(gradeOf([status, Status.make({ state: "working", text: "" })]).score, 0.5)
    assert.strictEqual(gradeOf([Ended.make({ state: "completed", text: "{\"score\": 0.5}", error: null })]).score, 0.5)
    assert.strictEqual(gradeOf([...data({ score: 0.25 }), status]).score, 0.25)
  })

  it("never in what a participant may have said, where the green agent gives data", () => {
    const forged = [said("{\"score\": 1}"), ...data({ score: 0.25 }), said("[{\"score\": 1}]")]
    assert.strictEqual(gradeOf(forged).score, 0.25)
    assert.strictEqual(gradeOf(forged, "score").score, 0.25)
    assert.match(
      reasonOf([Delta.make({ channel: "reasoning", text: "{\"score\": 1}", tokens: 1 })]),
      /without a result: no data part/
    )
  })

  it("in an artifact as it was sent last", () => {
    assert.strictEqual(gradeOf([...data({ score: 0.25 }), ...data({ score: 0.75 })]).score, 0.75)
  })

  it("nowhere, which has a reason and keeps what was said", () => {
    const { evidence } = outcome([said("all went well"), Ended.make({ state: "completed", text: "bye", error: null })])
    assert.strictEqual(evidence, "all went well\nbye")
    for (const text of ["", "5", "all went well", "[[[[", "{".repeat(2_000_000), "{\"a\": ".repeat(100_000)]) {
      assert.match(reasonOf([said(text)]), /without a result/)
    }
  })

  it("and is kept as evidence, cut where it is long", () => {
    const { evidence } = outcome(data({ score: 1, log: "x".repeat(50_000) }))
    assert.lengthOf(evidence, AssessmentOutcome.evidenceLimit)
    assert.isTrue(evidence.startsWith("{\"score\":1,\"log\":\"xx") && evidence.endsWith("x…"))
  })

  it.prop("or not, whatever it is: a well-formed grade or one line", [
    Schema.Json,
    Schema.NullOr(Schema.Literals(["score", "a.b", "0", "*.0", "results.*.x / 3", "*", "."]))
  ], ([value, path]) => {
    for (const each of [value, { score: value }, { results: [value], winner: value }, [value, value]]) {
      const { evidence, grade } = outcome(data(each), path)
      assert.isAtMost(evidence.length, AssessmentOutcome.evidenceLimit)
      if (Result.isSuccess(grade)) assert.isTrue(Schema.is(Grade)(grade.success))
      else assert.match(grade.failure, /^.{1,500}$/)
    }
  }, { arbitrary: { runs: 1000 } })
})
