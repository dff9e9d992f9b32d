import { assert, describe, it } from "@effect/vitest"
import { EventFrames } from "../../src/a2a/EventFrames.ts"
import { Status } from "../../src/a2a/TaskEvent.ts"
import { TaskLog } from "../../src/a2a/TaskLog.ts"
import { dataOf, said } from "../support/agents.ts"

const clock = { currentTimeMillisUnsafe: () => 0, monotonicTimeNanosUnsafe: () => 0n }
const asks = Status.make({ state: "input-required", text: "?" })
const working = Status.make({ state: "working", text: "" })

describe("EventFrames", () => {
  it("ends behind the question, where the stream ends there, also if the task has gone on since", () => {
    const framesOf = (endsAtInterruption: boolean) => {
      const log = new TaskLog({ taskId: "t", contextId: "c", tenant: "", user: "" }, clock)
      const frames = new EventFrames(
        { dialect: "1.0", envelope: (event) => event, first: "first" },
        { log, reader: log.readAll(), begun: [], exact: false, endsAtInterruption },
        { now: () => 0, onDue: () => () => {} }
      )
      log.append([said("a"), asks, working, said("b")])
      return { data: dataOf(frames.take()), ended: frames.ended }
    }
    const sent = framesOf(true)
    assert.lengthOf(sent.data, 3)
    assert.strictEqual(sent.data[2]?.["statusUpdate"].status.state, "TASK_STATE_INPUT_REQUIRED")
    assert.isTrue(sent.ended)
    const subscribed = framesOf(false)
    assert.lengthOf(subscribed.data, 5)
    assert.isFalse(subscribed.ended)
  })
})
