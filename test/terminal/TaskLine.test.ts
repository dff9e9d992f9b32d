import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { Verdict } from "../../src/liveness/Verdict.ts"
import * as TaskLine from "../../src/terminal/TaskLine.ts"
import * as TaskView from "../../src/terminal/TaskView.ts"
import { TokenEvent } from "../../src/token/TokenEvent.ts"
import { stalled } from "../support/runErrors.ts"

describe("TaskLine", () => {
  it.prop(
    "is one line, and says what it was made from",
    [TaskEvent, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e9 }))],
    ([event, at]) => {
      const line = TaskLine.encode(at + 0.04, event)
      assert.notInclude(line, "\n")
      assert.deepStrictEqual(TaskLine.decode(line), { atMs: at, content: event })
    }
  )

  it("has an end with its evidence, and a battle with its outcome", () => {
    const error = stalled("engine-hung")
    const view = TaskView.ended(TaskView.begin(0), { _tag: "Broken", error }, 1234.56)
    const end = TaskLine.decode(TaskLine.encode(1234.56, TaskLine.end(view, 2000))).content
    assert.deepStrictEqual(end, {
      _tag: "End",
      outcome: "stalled",
      error,
      mode: null,
      unit: "tokens",
      tokens: 0,
      ttftMs: null,
      tokensPerSecond: null,
      largestGapMs: null,
      promptTokens: null,
      completionTokens: null,
      finishReason: null,
      durationMs: 1234.6
    })
    const battle = { task: "a", agent: "b", repetition: 1 }
    for (const content of [TaskLine.attempt(battle, 2), TaskLine.outcome(battle, { _tag: "Pending" })]) {
      assert.deepStrictEqual(TaskLine.decode(TaskLine.encode(0, content)), { atMs: 0, content })
    }
  })

  it("is described, every kind of it", () => {
    const text = readFileSync(join(import.meta.dirname, "../../docs/watching.md"), "utf8")
    const ours = [
      "Status",
      "Artifact",
      "Heartbeat",
      "Followed",
      "Replaced",
      "Ended",
      "Verdict",
      "End",
      "Attempt",
      "Outcome"
    ]
    const tags = [...Object.keys(TokenEvent.cases), ...Object.keys(Verdict.cases), ...ours]
    for (const tag of tags) assert.include(text, `\`${tag}\``)
  })
})
