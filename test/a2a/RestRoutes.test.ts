/** Which operation a method and a path name. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { find } from "../../src/a2a/RestRoutes.ts"
import { runs } from "../support/propertyRuns.ts"

const route = (method: string, path: string) => {
  const result = find(method, path)
  return result._tag === "Found"
    ? [result.route.operation, { ...result.route.params }]
    : result._tag === "WrongMethod"
    ? result.allow
    : result._tag
}

describe("routes", () => {
  const cases: ReadonlyArray<readonly [string, string, unknown]> = [
    ["POST", "/message:send", ["SendMessage", {}]],
    ["POST", "//message:send", ["SendMessage", {}]],
    ["POST", "/acme/message:send", ["SendMessage", { tenant: "acme" }]],
    ["POST", "/message:stream", ["SendStreamingMessage", {}]],
    ["GET", "/tasks", ["ListTasks", {}]],
    ["GET", "/acme/tasks", ["ListTasks", { tenant: "acme" }]],
    ["GET", "/tasks/tasks", ["GetTask", { id: "tasks" }]],
    ["GET", "/tasks/urn:uuid:1", ["GetTask", { id: "urn:uuid:1" }]],
    ["POST", "/tasks/1:cancel", ["CancelTask", { id: "1" }]],
    ["POST", "/tasks/a:b:cancel", ["CancelTask", { id: "a:b" }]],
    ["GET", "/tasks/1%3Acancel", ["GetTask", { id: "1:cancel" }]],
    ["POST", "/acme/tasks/1:subscribe", ["SubscribeToTask", { tenant: "acme", id: "1" }]],
    ["GET", "/tasks/1:subscribe", ["SubscribeToTask", { id: "1" }]],
    ["POST", "/tasks/1/pushNotificationConfigs", ["CreateTaskPushNotificationConfig", { taskId: "1" }]],
    ["GET", "/tasks/1/pushNotificationConfigs", ["ListTaskPushNotificationConfigs", { taskId: "1" }]],
    ["GET", "/tasks/1/pushNotificationConfigs/2", ["GetTaskPushNotificationConfig", { taskId: "1", id: "2" }]],
    ["DELETE", "/a/tasks/1/pushNotificationConfigs/2", [
      "DeleteTaskPushNotificationConfig",
      { tenant: "a", taskId: "1", id: "2" }
    ]],
    ["GET", "/extendedAgentCard", ["GetExtendedAgentCard", {}]],
    ["GET", "/message:send", ["POST"]],
    ["GET", "/tasks/1:cancel", ["POST"]],
    ["PUT", "/tasks/1:subscribe", ["GET", "POST"]],
    ["DELETE", "/tasks/1", ["GET"]],
    ["PATCH", "/tasks/1/pushNotificationConfigs", ["POST", "GET"]],
    ["GET", "/", "NotFound"],
    ["GET", "/tasks/", "NotFound"],
    ["POST", "/tasks/:cancel", "NotFound"],
    ["POST", "/message:sent", "NotFound"],
    ["GET", "/tasks/%E0%A4%A", "NotFound"],
    ["GET", "/a/b/tasks/1", "NotFound"],
    ["GET", "/tasks/1/2", "NotFound"]
  ]
  for (const [method, path, expected] of cases) {
    it(`${method} ${path}`, () => assert.deepStrictEqual(route(method, path), expected))
  }

  const wellFormed = Schema.NonEmptyString.check(Schema.makeFilter((text) => text.isWellFormed()))
  it.prop("finds any task of any tenant behind its escapes", [wellFormed, wellFormed], ([id, tenant]) => {
    const path = `/tasks/${encodeURIComponent(id)}`
    const tenanted = `/${encodeURIComponent(tenant)}${path}`
    assert.deepStrictEqual(route("GET", path), ["GetTask", { id }])
    assert.deepStrictEqual(route("GET", tenanted), ["GetTask", { tenant, id }])
    assert.deepStrictEqual(route("POST", `${path}:cancel`), ["CancelTask", { id }])
    assert.deepStrictEqual(route("POST", `${tenanted}:subscribe`), ["SubscribeToTask", { tenant, id }])
  }, runs)
})
