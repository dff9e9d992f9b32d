/** Requests that the specification forbids are refused with the field named; those of the official clients never are. */
import { Role, SendMessageRequest } from "@a2a-js/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { badRequest, describe as inOneLine, violationsOf } from "../../src/a2a/RequestValidation.ts"
import { runs } from "../support/propertyRuns.ts"

const part = { text: "hello" }
const message = { messageId: "m", role: "ROLE_USER", parts: [part] }
const legacyPart = { kind: "text", text: "hello" }
const legacyMessage = { kind: "message", messageId: "m", role: "user", parts: [legacyPart] }

const fields = (method: string, params: unknown) => violationsOf(method, params).map(({ field }) => field)

describe("1.0", () => {
  const accepted: ReadonlyArray<readonly [string, unknown]> = [
    ["SendMessage", { message }],
    ["SendMessage", { message: { ...message, contextId: "", taskId: null, metadata: null, somethingNew: 1 } }],
    ["SendMessage", { message: { message_id: "m", role: 1, parts: [{ url: "u", media_type: "x/y" }] } }],
    ["SendMessage", { message: { ...message, parts: [{ data: null }, { data: [1, null] }, { raw: "YQ==" }] } }],
    ["SendMessage", { message: { ...message, metadata: { some_key: null, text: 1 } } }],
    ["SendMessage", { message, configuration: { historyLength: "5", returnImmediately: true } }],
    ["SendMessage", { message, configuration: { acceptedOutputModes: [], taskPushNotificationConfig: { url: "u" } } }],
    ["GetTask", { id: "t", historyLength: 0 }],
    ["CancelTask", { id: "t", tenant: "acme", metadata: {} }],
    ["SubscribeToTask", { id: "t" }],
    ["ListTasks", {}],
    ["ListTasks", { pageSize: 1, status: "TASK_STATE_UNSPECIFIED", pageToken: "", contextId: "c" }],
    ["ListTasks", { pageSize: 100, status: 2, statusTimestampAfter: "2025-11-09T10:30:00Z", includeArtifacts: false }],
    ["ListTasks", { statusTimestampAfter: "2025-11-09T12:30:00.123456789+02:00", historyLength: 2 ** 31 - 1 }],
    ["GetExtendedAgentCard", {}],
    ["NoSuchMethod", 1]
  ]
  for (const [method, params] of accepted) {
    it(`accepts ${method} ${JSON.stringify(params)}`, () => assert.deepStrictEqual(violationsOf(method, params), []))
  }

  const refused: ReadonlyArray<readonly [string, unknown, ReadonlyArray<string>]> = [
    ["SendMessage", undefined, [""]],
    ["SendMessage", [message], [""]],
    ["SendMessage", {}, ["message"]],
    ["SendMessage", { message: null }, ["message"]],
    ["SendMessage", { message: "hello" }, ["message"]],
    ["SendMessage", { message: {} }, ["message.messageId", "message.role", "message.parts"]],
    ["SendStreamingMessage", { message: { ...message, messageId: "" } }, ["message.messageId"]],
    ["SendMessage", { message: { ...message, messageId: 1 } }, ["message.messageId"]],
    ["SendMessage", { message: { ...message, role: "user" } }, ["message.role"]],
    ["SendMessage", { message: { ...message, role: "ROLE_UNSPECIFIED" } }, ["message.role"]],
    ["SendMessage", { message: { ...message, role: "UNRECOGNIZED" } }, ["message.role"]],
    ["SendMessage", { message: { ...message, role: -1 } }, ["message.role"]],
    ["SendMessage", { message: { ...message, parts: [] } }, ["message.parts"]],
    ["SendMessage", { message: { ...message, parts: part } }, ["message.parts"]],
    ["SendMessage", { message: { ...message, parts: [part, null] } }, ["message.parts[1]"]],
    ["SendMessage", { message: { ...message, parts: [{}] } }, ["message.parts[0]"]],
    ["SendMessage", { message: { ...message, parts: [{ text: "a", data: null }] } }, ["message.parts[0]"]],
    ["SendMessage", { message: { ...message, parts: [{ kind: "text", text: 1 }] } }, ["message.parts[0].text"]],
    ["SendMessage", { message: { ...message, parts: [{ raw: "not base64" }] } }, ["message.parts[0].raw"]],
    ["SendMessage", { message: { ...message, metadata: [] } }, ["message.metadata"]],
    ["SendMessage", { message: { ...message, task_id: 1 } }, ["message.taskId"]],
    ["SendMessage", { message: { ...message, extensions: ["a", 1] } }, ["message.extensions"]],
    ["SendMessage", { message, configuration: { historyLength: -1 } }, ["configuration.historyLength"]],
    ["SendMessage", { message, configuration: { historyLength: "x" } }, ["configuration.historyLength"]],
    ["SendMessage", { message, configuration: { returnImmediately: "false" } }, ["configuration.returnImmediately"]],
    ["GetTask", {}, ["id"]],
    ["GetTask", { id: "" }, ["id"]],
    ["GetTask", { id: 7, historyLength: 1.5 }, ["id", "historyLength"]],
    ["GetTask", { id: "t", historyLength: 2 ** 31 }, ["historyLength"]],
    ["CancelTask", { id: null }, ["id"]],
    ["SubscribeToTask", { id: {} }, ["id"]],
    ["ListTasks", { pageSize: 0 }, ["pageSize"]],
    ["ListTasks", { pageSize: 101 }, ["pageSize"]],
    ["ListTasks", { pageSize: "ten", pageToken: 1, contextId: 1 }, ["contextId", "pageSize", "pageToken"]],
    ["ListTasks", { status: "TASK_STATE_RUNNING" }, ["status"]],
    ["ListTasks", { status: 99, includeArtifacts: "yes" }, ["status", "includeArtifacts"]],
    ["ListTasks", { statusTimestampAfter: "2025-11-09" }, ["statusTimestampAfter"]],
    ["ListTasks", { statusTimestampAfter: "2025-13-09T10:30:00Z" }, ["statusTimestampAfter"]],
    ["CreateTaskPushNotificationConfig", { taskId: "t" }, ["url"]],
    ["GetTaskPushNotificationConfig", { taskId: "t" }, ["id"]]
  ]
  for (const [method, params, expected] of refused) {
    it(`refuses ${method} ${JSON.stringify(params)}`, () => assert.deepStrictEqual(fields(method, params), expected))
  }

  it("says what a field must be, as the specification's own examples do", () => {
    const violations = violationsOf("SendMessage", { message: { ...message, parts: [] } })
    assert.deepStrictEqual(badRequest(violations), {
      "@type": "type.googleapis.com/google.rpc.BadRequest",
      fieldViolations: [{ field: "message.parts", description: "At least one part is required" }]
    })
    assert.strictEqual(inOneLine(violations), "Invalid parameters: message.parts: At least one part is required")
    assert.strictEqual(inOneLine(violationsOf("SendMessage", 1)), "Invalid parameters: Must be an object")
  })

  it("refuses what is nested so deep that nobody can write it back", () => {
    let nested: unknown = 1
    for (let depth = 0; depth < 100_000; depth++) nested = [nested]
    assert.deepStrictEqual(fields("CancelTask", { id: "t", metadata: { nested } }), [""])
  })

  it("names no more fields than anybody reads", () => {
    const parts = Array.from({ length: 1000 }, () => ({}))
    assert.lengthOf(violationsOf("SendMessage", { message: { ...message, parts } }), 20)
  })

  it("refuses more parts than can be looked at without holding up the others", () => {
    const parts = (length: number) => ({ message: { ...message, parts: Array.from({ length }, () => part) } })
    assert.deepStrictEqual(violationsOf("SendMessage", parts(1000)), [])
    assert.deepStrictEqual(fields("SendMessage", parts(1001)), ["message.parts"])
  })

  const Content = Schema.Union([
    Schema.Struct({ $case: Schema.Literal("text"), value: Schema.String }),
    Schema.Struct({ $case: Schema.Literal("url"), value: Schema.String }),
    Schema.Struct({ $case: Schema.Literal("data"), value: Schema.Record(Schema.String, Schema.String) })
  ])
  const Message = Schema.Struct({
    messageId: Schema.NonEmptyString,
    contextId: Schema.String,
    taskId: Schema.String,
    role: Schema.Literals([Role.ROLE_USER, Role.ROLE_AGENT]),
    contents: Schema.NonEmptyArray(Content),
    metadata: Schema.UndefinedOr(Schema.Record(Schema.String, Schema.String)),
    extensions: Schema.Array(Schema.String)
  })
  it.prop("accepts every message that the SDK's codec writes", [Message], ([{ contents, extensions, ...some }]) => {
    const json = SendMessageRequest.toJSON({
      tenant: "",
      message: {
        ...some,
        extensions: [...extensions],
        parts: contents.map((content) => ({ content, metadata: undefined, filename: "", mediaType: "" })),
        referenceTaskIds: []
      },
      configuration: undefined,
      metadata: undefined
    })
    assert.deepStrictEqual(violationsOf("SendMessage", JSON.parse(JSON.stringify(json))), [])
  }, runs)

  const methods = Schema.Literals(["SendMessage", "ListTasks", "GetTask", "message/send", "tasks/get"])
  const Hostile = Schema.Record(
    Schema.Literals(["message", "id", "pageSize", "parts", "role", "configuration", "__proto__"]),
    Schema.Unknown
  )
  it.prop("never breaks, and always says what a field must be", [methods, Hostile], ([method, params]) => {
    for (const params_ of [params, { message: params }, { message: { parts: [params] } }]) {
      assert.isTrue(violationsOf(method, params_).every(({ description }) => description.length > 3))
    }
  }, runs)
})

describe("0.3", () => {
  const accepted: ReadonlyArray<readonly [string, unknown]> = [
    ["message/send", { message: legacyMessage }],
    ["message/stream", { message: { ...legacyMessage, kind: undefined, contextId: null } }],
    ["message/send", { message: { ...legacyMessage, parts: [{ kind: "file", file: { bytes: "YQ==", name: "a" } }] } }],
    ["message/send", { message: { ...legacyMessage, parts: [{ kind: "data", data: { a: null } }] } }],
    ["message/send", { message: legacyMessage, configuration: { blocking: true, historyLength: 3 } }],
    ["tasks/get", { id: "t", historyLength: 0 }],
    ["tasks/resubscribe", { id: "t" }]
  ]
  for (const [method, params] of accepted) {
    it(`accepts ${method} ${JSON.stringify(params)}`, () =>
      assert.deepStrictEqual(violationsOf(method, JSON.parse(JSON.stringify(params))), []))
  }

  const refused: ReadonlyArray<readonly [string, unknown, ReadonlyArray<string>]> = [
    ["message/send", { message: { kind: "message" } }, ["message.messageId", "message.role", "message.parts"]],
    ["message/send", { message: { ...legacyMessage, kind: "task" } }, ["message.kind"]],
    ["message/send", { message: { ...legacyMessage, role: "ROLE_USER" } }, ["message.role"]],
    ["message/send", { message: { ...legacyMessage, parts: [part] } }, ["message.parts[0].kind"]],
    ["message/send", { message: { ...legacyMessage, parts: [{ kind: "image" }] } }, ["message.parts[0].kind"]],
    ["message/send", { message: { ...legacyMessage, parts: [{ kind: "text" }] } }, ["message.parts[0].text"]],
    ["message/send", { message: { ...legacyMessage, parts: [{ kind: "data" }] } }, ["message.parts[0].data"]],
    ["message/send", { message: { ...legacyMessage, parts: [{ kind: "data", data: [] }] } }, ["message.parts[0].data"]],
    ["message/send", { message: { ...legacyMessage, parts: [{ kind: "file", file: {} }] } }, ["message.parts[0].file"]],
    ["message/send", { message: { ...legacyMessage, parts: [] } }, ["message.parts"]],
    ["message/send", { message: legacyMessage, configuration: { blocking: "no" } }, ["configuration.blocking"]],
    ["tasks/get", { id: "t", historyLength: "3" }, ["historyLength"]],
    ["tasks/get", { id: "t", historyLength: -1 }, ["historyLength"]],
    ["tasks/cancel", {}, ["id"]],
    ["tasks/pushNotificationConfig/set", { taskId: "t" }, ["pushNotificationConfig"]]
  ]
  for (const [method, params, expected] of refused) {
    it(`refuses ${method} ${JSON.stringify(params)}`, () => assert.deepStrictEqual(fields(method, params), expected))
  }
})
