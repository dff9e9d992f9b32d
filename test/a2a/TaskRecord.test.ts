import { Message } from "@a2a-js/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Ended, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { TaskLog } from "../../src/a2a/TaskLog.ts"
import { TaskRecord } from "../../src/a2a/TaskRecord.ts"
import { summaryOf } from "../../src/a2a/TaskSummary.ts"
import { toTask } from "../../src/a2a/WireTask.ts"
import { ToolCallDelta } from "../../src/token/TokenEvent.ts"
import { said } from "../support/agents.ts"
import { taskEvents } from "../support/arbitraries.ts"
import { runs } from "../support/propertyRuns.ts"

const identity = { taskId: "t", contextId: "c", tenant: "u", user: "v" }
const completed = Ended.make({ state: "completed", text: "done", error: null })

const clockOf = (millis: number) => {
  const clock = { millis, currentTimeMillisUnsafe: () => 1_000_000 + clock.millis, monotonicTimeNanosUnsafe: () => 0n }
  clock.monotonicTimeNanosUnsafe = () => BigInt(clock.millis) * 1_000_000n
  return clock
}

/** A log of these events, one every 10 ms, and the one that is made of its record as a file would have it. */
const restored = (events: ReadonlyArray<TaskEvent>) => {
  const clock = clockOf(0)
  const log = new TaskLog(identity, clock)
  log.history.push(Message.fromJSON({ messageId: "m", role: "ROLE_USER", parts: [{ text: "hi" }, { data: { a: 1 } }] }))
  for (const event of events) {
    clock.millis += 10
    log.append([event])
  }
  const json = JSON.stringify(Schema.encodeSync(TaskRecord)(log.record))
  const later = clockOf(5_000_000)
  const again = TaskLog.restore(Schema.decodeSync(Schema.fromJsonString(TaskRecord))(json), later)
  return { again, later, log }
}

const wire = (log: TaskLog) => JSON.stringify(toTask(log, log.snapshot, { exact: true }))

describe("TaskRecord", () => {
  it.prop(
    "makes a log again that is the same to whoever comes to it",
    [taskEvents, Schema.Boolean],
    ([events, ends]) => {
      const { again, log } = restored(ends ? [...events, completed] : events)
      assert.strictEqual(wire(again), wire(log))
      assert.deepStrictEqual(
        [again.state, again.ended, again.interrupted, again.generation, again.tenant, again.user],
        [log.state, log.ended, log.interrupted, log.generation, "u", "v"]
      )
      assert.deepStrictEqual(again.timings, log.timings)
      if (log.end !== undefined) {
        assert.deepStrictEqual(again.end, log.end)
        assert.deepStrictEqual(summaryOf(again, again.end!), summaryOf(log, log.end))
      }
    },
    runs
  )

  it("makes a log that goes on, and counts no time for which it lay there", () => {
    const { again, later } = restored([said("a"), Status.make({ state: "input-required", text: "which?" })])
    const { reader, snapshot } = again.readOn()
    assert.strictEqual(snapshot.transcript.content, "a")
    later.millis += 30
    again.append([said("b"), completed])
    assert.deepStrictEqual(reader.take().map(({ generation, total }) => [generation, total]), [[3, 2], [4, 2]])
    assert.isTrue(reader.done)
    assert.strictEqual(again.snapshot.transcript.content, "ab")
    assert.deepStrictEqual(again.timings, { firstTokenMillis: 10, lastTokenMillis: 50, endMillis: 50 })
  })

  it("refuses what is no record of a task, before a log is made of it", () => {
    const decode = Schema.decodeUnknownResult(TaskRecord)
    const record = Schema.encodeSync(TaskRecord)(restored([said("a"), completed]).again.record)
    assert.strictEqual(decode({ ...record, later: "a field of tomorrow" })._tag, "Success")
    for (
      const wrong of [
        { history: [null] },
        { history: [5] },
        { history: [{ messageId: "m", role: "ROLE_USER", parts: [null] }] },
        { history: [{ kind: "message", messageId: "m", role: "user", parts: [{ kind: "text", text: "hi" }] }] },
        { end: null },
        { state: "working" },
        { state: "failed" }
      ]
    ) assert.strictEqual(decode({ ...record, ...wrong })._tag, "Failure", JSON.stringify(wrong))
  })

  it("keeps tool calls where an agent left numbers out", () => {
    const { again } = restored([ToolCallDelta.make({ index: 1, id: "x", name: "f", arguments: "{}", tokens: 1 })])
    assert.deepStrictEqual(again.snapshot.transcript.toolCalls.map((call) => call.name), [undefined, "f"])
  })
})
