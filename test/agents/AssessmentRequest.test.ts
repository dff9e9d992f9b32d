import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { bouts } from "../../src/agents/AssessmentRequest.ts"
import { demonstrationTasks } from "../../src/grading/DemonstrationTasks.ts"

const asked = (request: unknown) => bouts(typeof request === "string" ? request : JSON.stringify(request))
const refusal = (request: unknown) => {
  const result = asked(request)
  return Result.isFailure(result) ? result.failure : "not refused"
}

describe("AssessmentRequest", () => {
  it("plays every task against every participant", () => {
    const result = asked({
      participants: { a: "http://a/", b: "http://b/" },
      config: { tasks: ["run-length", "roman-numerals"] }
    })
    assert.deepStrictEqual(
      Result.getOrThrow(result).map(({ role, task, url }) => [role, url, task.id]),
      [
        ["a", "http://a/", "run-length"],
        ["a", "http://a/", "roman-numerals"],
        ["b", "http://b/", "run-length"],
        ["b", "http://b/", "roman-numerals"]
      ]
    )
  })

  it("takes tasks of its own, and the built-in ones where none are named, with or without a config", () => {
    const task = { ...demonstrationTasks[0]!, id: "own" }
    assert.strictEqual(
      Result.getOrThrow(asked({ participants: { a: "http://a/" }, config: { tasks: [task] } }))[0]?.task.id,
      "own"
    )
    for (const config of [{}, undefined]) {
      assert.strictEqual(
        Result.getOrThrow(asked({ participants: { a: "http://a/" }, config })).length,
        demonstrationTasks.length
      )
    }
  })

  it("says in one line what it expected", () => {
    const refusals = [
      refusal("hello"),
      refusal({}),
      refusal({ participants: {}, config: {} }),
      refusal({ participants: { a: 1 }, config: {} }),
      refusal({ participants: { a: "http://a/" }, config: { tasks: ["nope"] } })
    ]
    for (const text of refusals) {
      assert.notInclude(text, "\n")
      assert.match(text, /expected|no participant|no built-in task/)
    }
  })
})
