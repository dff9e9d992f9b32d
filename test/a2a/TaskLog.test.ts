import { assert, describe, it } from "@effect/vitest"
import { Artifact, Ended, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { TaskLog } from "../../src/a2a/TaskLog.ts"
import { said } from "../support/agents.ts"
import { taskEvents } from "../support/arbitraries.ts"

const makeLog = () => new TaskLog({ taskId: "t", contextId: "c" }, () => 42)
const completed = Ended.make({ state: "completed", text: "", error: null })

describe("TaskLog", () => {
  it.prop(
    "shows every reader every event once and in order, wherever it begins",
    [taskEvents, taskEvents],
    ([first, second]) => {
      const log = makeLog()
      const reader = (cursor: number) => {
        const seen: Array<TaskEvent> = []
        const read = (): void => {
          seen.push(...log.from(cursor + seen.length))
          // A reader that is woken waits again before it returns, as Effect's do.
          log.onLonger(cursor + seen.length, read)
        }
        read()
        return seen
      }
      const fromStart = reader(0)
      log.append(first)
      const cursor = log.length
      const fromMiddle = reader(cursor)
      for (const event of second) log.append([event])
      assert.deepStrictEqual(fromStart, log.from(0))
      assert.deepStrictEqual(fromMiddle, log.from(cursor))
    }
  )

  it("never changes after its end", () => {
    const log = makeLog()
    log.append([said("a"), completed, said("b")])
    log.append([Ended.make({ state: "failed", text: "", error: null })])
    assert.deepStrictEqual(log.from(0), [said("a"), completed])
    assert.deepInclude(log.snapshot, { state: "completed" })
  })

  it("keeps a snapshot of state, text and artifacts", () => {
    const log = makeLog()
    const result = (score: number) =>
      Artifact.make({ artifactId: "r", name: "r", parts: [{ _tag: "Data", data: { score } }] })
    log.append([Status.make({ state: "working", text: "hm" }), said("a"), said("b"), result(0), result(1)])
    assert.deepInclude(log.snapshot, { state: "working", statusText: "hm", statusAt: 42, artifacts: [result(1)] })
    assert.strictEqual(log.snapshot.transcript.content, "ab")
  })

  it("forgets its events only once it has ended, and keeps its end and its snapshot", () => {
    const log = makeLog()
    log.append([said("a"), said("b")])
    log.forgetEvents()
    assert.deepStrictEqual(log.from(0), [said("a"), said("b")])
    log.append([completed])
    const { length, snapshot } = log
    log.forgetEvents()
    log.forgetEvents()
    assert.deepStrictEqual([log.from(0), log.from(2), log.from(3)], [[completed], [completed], []])
    assert.deepStrictEqual([log.length, log.snapshot, log.ended], [length, snapshot, true])
    log.append([said("c")])
    assert.strictEqual(log.length, length)
  })

  it("stops waking a reader that stopped waiting", () => {
    const log = makeLog()
    let wakes = 0
    log.onLonger(0, () => wakes++)()
    log.append([said("a")])
    assert.strictEqual(wakes, 0)
  })
})
