import { assert, describe, it } from "@effect/vitest"
import { Ended, type FinalState, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { TaskLog } from "../../src/a2a/TaskLog.ts"
import { summaryOf } from "../../src/a2a/TaskSummary.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Slow } from "../../src/liveness/Slow.ts"
import { Finish, Usage } from "../../src/token/TokenEvent.ts"
import { said } from "../support/agents.ts"
import { circumstances, failed, stalled } from "../support/runErrors.ts"

const clock = { currentTimeMillisUnsafe: () => 0, monotonicTimeNanosUnsafe: () => 0n }

const summaryAfter = (events: ReadonlyArray<TaskEvent>, state: FinalState, error: RunError | null) => {
  const log = new TaskLog({ taskId: "t", contextId: "c", tenant: "", user: "" }, clock)
  const ended = Ended.make({ state, text: "", error })
  log.append([...events, ended])
  return summaryOf(log, ended)
}

describe("the summary of a task", () => {
  it("has what the engine said, and what it did not say is not made up", () => {
    const events = [said("a"), said("b"), Finish.make({ reason: "length" })]
    const timings = { firstTokenMillis: 0, lastTokenMillis: 0, endMillis: 0 }
    const known = { finishReason: "length", tokens: 2, timings, verdict: "completed" } as const
    assert.deepStrictEqual(summaryAfter(events, "completed", null), { ...known, usage: null })
    assert.deepStrictEqual(
      summaryAfter([...events, Usage.make({ promptTokens: 7, completionTokens: 3 })], "completed", null),
      { ...known, usage: { promptTokens: 7, completionTokens: 3 } }
    )
    assert.deepStrictEqual(summaryAfter([], "canceled", null), {
      finishReason: null,
      usage: null,
      tokens: 0,
      timings: { firstTokenMillis: null, lastTokenMillis: null, endMillis: 0 },
      verdict: "canceled"
    })
  })

  it("tells stalled and slow from failed", () => {
    const { hop, limit, phase, silentMillis, tokens } = stalled("engine-hung")
    const slow = new Slow({
      hop,
      reason: "prefill",
      phase,
      tokens,
      silentMillis,
      limit,
      circumstances,
      cancel: "confirmed"
    })
    const verdicts = [stalled("engine-hung"), slow, failed({ _tag: "Truncated" })].map((error) =>
      summaryAfter([], "failed", error).verdict
    )
    assert.deepStrictEqual(verdicts, ["stalled", "slow", "failed"])
    assert.strictEqual(summaryAfter([], "rejected", null).verdict, "rejected")
  })
})
