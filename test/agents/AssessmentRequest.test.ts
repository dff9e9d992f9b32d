import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as AssessmentRequest from "../../src/agents/AssessmentRequest.ts"
import { demonstrationTasks } from "../../src/grading/DemonstrationTasks.ts"

const asked = (request: unknown) =>
  AssessmentRequest.decode(typeof request === "string" ? request : JSON.stringify(request))
const battles = (request: unknown) => Result.getOrThrow(asked(request)).battles
const participants = { a: "http://a/" }
const configured = (config: unknown) => ({ participants, config })
const own = { ...demonstrationTasks[0]!, id: "own" }

describe("AssessmentRequest", () => {
  it("plays every task against every participant, as often as it is told", () => {
    for (const key of ["repetitions", "repeat"]) {
      const request = {
        participants: { a: "http://a/", b: "http://b/" },
        config: { tasks: ["run-length", own], [key]: 2, concurrency: 16 }
      }
      assert.strictEqual(Result.getOrThrow(asked(request)).concurrency, 16)
      assert.deepStrictEqual(
        battles(request).map(({ repetition, role, task, url }) => `${role} ${url} ${task.id} ${repetition}`).toSorted(),
        ["own", "run-length"].flatMap((id) => ["a", "b"].flatMap((role) => [1, 2].map((n) => [role, id, n] as const)))
          .map(([role, id, n]) => `${role} http://${role}/ ${id} ${n}`).toSorted()
      )
    }
  })

  it("takes the built-in tasks where none are named, once and one at a time, with or without a config", () => {
    for (const config of [{}, undefined, null]) {
      const request = Result.getOrThrow(asked({ participants, config }))
      assert.strictEqual(request.concurrency, 1)
      assert.deepStrictEqual(request.battles.map(({ task }) => task), [...demonstrationTasks])
    }
  })

  it("does not read what stands beside participants and config", () => {
    assert.lengthOf(battles({ ...configured({ tasks: ["run-length"] }), battle_id: "x", seeed: 1 }), 1)
  })

  it("is read as it was written", () => {
    const config = { tasks: ["run-length", own], repetitions: 3, concurrency: 2, seed: 7 }
    assert.deepStrictEqual(asked(AssessmentRequest.encode(configured(config) as never)), asked(configured(config)))
    const other = JSON.parse(AssessmentRequest.assessmentMessage({ pro: "http://p/" }, { topic: "x", num_rounds: 3 }))
    assert.deepStrictEqual(other, { participants: { pro: "http://p/" }, config: { topic: "x", num_rounds: 3 } })
    for (const config of [null, undefined]) {
      assert.deepStrictEqual(JSON.parse(AssessmentRequest.assessmentMessage({}, config)), {
        participants: {},
        config: {}
      })
    }
  })

  const refusals: ReadonlyArray<readonly [request: unknown, ...parts: ReadonlyArray<string>]> = [
    ["please assess my agent", "expected {\"participants\"", "found \"please assess my agent\", which is no JSON"],
    ["", "found no text"],
    ["5", "expected {\"participants\"", "found 5"],
    ["[]", "found []"],
    [{}, "participants: expected {\"<role>\"", "found nothing"],
    [{ participants: {} }, "expected at least one role", "found no participant"],
    [{ participants: ["http://a/"] }, "found [\"http://a/\"]"],
    [{ participants: { a: 1 } }, "participant \"a\": expected the url of its agent; found 1"],
    [{ participants: { a: "a:9009/" } }, "participant \"a\"", "only http and https are spoken"],
    [{ participants: { a: "nowhere" } }, "participant \"a\": it is not a URL"],
    [{ participants: { a: "http://me:hunter2@a/x" } }, "participant \"a\" at http://a/x: it holds a user name"],
    [{ participants: { "": "http://a/" } }, "roles of 1 to 200 characters; found \"\""],
    [{ participants: { ["r".repeat(201)]: "http://a/" } }, "roles of 1 to 200 characters"],
    [configured([]), "config: expected an object; found []"],
    [configured({ concurency: 2 }), "unknown key \"concurency\"; did you mean \"concurrency\"?", "tasks, repetitions"],
    [configured({ tasks: "run-length" }), "config.tasks: expected a list", "found \"run-length\""],
    [configured({ tasks: [] }), "config.tasks: expected a list", "found []"],
    [configured({ tasks: ["run-lenght"] }), "config.tasks[0]: no built-in task", "did you mean \"run-length\"?"],
    [configured({ tasks: ["run-length", 5] }), "config.tasks[1]: expected a task", "found 5"],
    [configured({ tasks: [{ id: "x", prompt: "y" }] }), "config.tasks[0]: expected a task", "grader"],
    [configured({ tasks: [{ ...own, id: "i".repeat(201) }] }), "an id of at most 200 characters"],
    [configured({ tasks: ["run-length", "run-length"] }), "found \"run-length\" twice (see \"repetitions\")"],
    [configured({ concurrency: 0 }), "config.concurrency: expected a whole number from 1 to 16; found 0"],
    [configured({ concurrency: 17 }), "from 1 to 16; found 17"],
    [configured({ concurrency: "2" }), "from 1 to 16; found \"2\""],
    [configured({ repetitions: 0 }), "config.repetitions: expected a whole number from 1 to 10000; found 0"],
    [configured({ repeat: 1.5 }), "config.repeat: expected a whole number", "found 1.5"],
    [configured({ repeat: 2, repetitions: 3 }), "mean the same; found 3 and 2"],
    [configured({ seed: "x" }), "config.seed: expected a whole number; found \"x\""],
    [configured({ repetitions: 3334 }), "at most 10000 battles", "3 tasks × 1 participants × 3334 repetitions = 10002"],
    [
      configured({ repetitions: 10_000, tasks: [{ ...own, id: "i".repeat(200) }] }),
      "expected a result of at most 3145728 characters; found 10000 battles"
    ]
  ]
  for (const [request, ...parts] of refusals) {
    it(`refuses ${JSON.stringify(request).slice(0, 60)} in one line`, () => {
      const result = asked(request)
      const line = Result.isFailure(result) ? result.failure : "not refused"
      for (const part of parts) assert.include(line, part)
      assert.notInclude(line, "\n")
      assert.notInclude(line, "hunter2")
      assert.isAtMost(line.length, 500)
    })
  }

  it("takes as many battles as it says", () => {
    assert.lengthOf(battles(configured({ tasks: ["run-length"], repetitions: 10_000 })), 10_000)
  })
})
