import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Ended, Status } from "../../src/a2a/TaskEvent.ts"
import * as TaskList from "../../src/a2a/TaskList.ts"
import { TaskLog } from "../../src/a2a/TaskLog.ts"

/** A task whose status is of that time. */
const taskAt = (millis: number, taskId: string, contextId = "c") => {
  const log = new TaskLog({ taskId, contextId, tenant: "", user: "" }, {
    currentTimeMillisUnsafe: () => millis,
    monotonicTimeNanosUnsafe: () => 0n
  })
  log.append([Status.make({ state: "working", text: "" })])
  return log
}

const all: TaskList.TaskQuery = {
  contextId: "",
  state: undefined,
  statusTimestampAfter: undefined,
  pageSize: undefined,
  pageToken: ""
}

const idsOf = (logs: ReadonlyArray<TaskLog>, query: Partial<TaskList.TaskQuery> = {}) =>
  TaskList.page(logs, { ...all, ...query })?.logs.map(({ taskId }) => taskId)

describe("TaskList", () => {
  it.prop(
    "gives every task once over its pages, the latest first, whatever their times",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 }))), Schema.Literals([1, 2, 7])],
    ([times, pageSize]) => {
      const logs = times.map((time, index) => taskAt(time, `task-${index}`))
      const seen: Array<TaskLog> = []
      let pageToken = ""
      do {
        const page = TaskList.page(logs, { ...all, pageSize, pageToken })!
        assert.deepInclude(page, { pageSize, totalSize: logs.length })
        assert.isAtMost(page.logs.length, pageSize)
        assert.strictEqual(page.nextPageToken === "", seen.length + page.logs.length === logs.length)
        seen.push(...page.logs)
        pageToken = page.nextPageToken
      } while (pageToken !== "")
      assert.sameMembers(seen.map(({ taskId }) => taskId), logs.map(({ taskId }) => taskId))
      const found = seen.map((log) => log.snapshot.statusAt)
      assert.deepStrictEqual(found, found.toSorted((left, right) => right - left))
    }
  )

  it("gives nobody else's place away when tasks come or go between two pages", () => {
    const logs = [1, 2, 3, 4].map((time) => taskAt(time, `${time}`))
    const { nextPageToken } = TaskList.page(logs, { ...all, pageSize: 2 })!
    assert.deepStrictEqual(idsOf([taskAt(9, "9"), ...logs.slice(0, 3)], { pageSize: 2, pageToken: nextPageToken }), [
      "2",
      "1"
    ])
    assert.isUndefined(idsOf(logs, { pageToken: "nonsense" }))
  })

  it("finds by context, by state, and from a time on, that time included", () => {
    const over = taskAt(5, "over", "d")
    over.append([Ended.make({ state: "completed", text: "", error: null })])
    const logs = [taskAt(1000, "a"), taskAt(2000, "b"), over]
    assert.deepStrictEqual(idsOf(logs, { contextId: "d" }), ["over"])
    assert.deepStrictEqual(idsOf(logs, { state: "completed" }), ["over"])
    assert.deepStrictEqual(idsOf(logs, { statusTimestampAfter: "1970-01-01T00:00:01Z" }), ["b", "a"])
    assert.deepStrictEqual(idsOf(logs, { statusTimestampAfter: "1970-01-01T00:00:01.001Z" }), ["b"])
  })
})
