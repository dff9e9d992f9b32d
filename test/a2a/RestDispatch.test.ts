/** The HTTP+JSON binding over a handler that says what it is told to: no sockets. */
import { type AgentCard as Card, type ListTasksResponse, type Message, Role, type Task, TaskState } from "@a2a-js/sdk"
import { PushNotificationNotSupportedError, TaskNotCancelableError, TaskNotFoundError } from "@a2a-js/sdk/errors"
import type { A2ARequestHandler, ServerCallContext } from "@a2a-js/sdk/server"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as AgentCard from "../../src/a2a/AgentCard.ts"
import type { HttpAnswer } from "../../src/a2a/HttpAnswer.ts"
import * as RestDispatch from "../../src/a2a/RestDispatch.ts"
import { TOKEN_EXTENSION_URI } from "../../src/a2a/TokenExtension.ts"
import { runs } from "../support/propertyRuns.ts"

const card = AgentCard.make({
  name: "n",
  description: "d",
  version: "1",
  skill: { id: "s", name: "s", description: "d", tags: ["t"] }
}, "http://localhost/")

const task = (id: string): Task => ({
  id,
  contextId: "c",
  status: { state: TaskState.TASK_STATE_WORKING, message: undefined, timestamp: undefined },
  artifacts: [],
  history: [],
  metadata: undefined
})

const reply: Message = {
  messageId: "r",
  contextId: "",
  taskId: "",
  role: Role.ROLE_AGENT,
  parts: [],
  metadata: undefined,
  extensions: [],
  referenceTaskIds: []
}

interface Told {
  readonly method: string
  readonly params: any
  readonly context: ServerCallContext
}

/** A dispatcher over a handler with these answers, and what the handler was told. */
const dispatcher = (answers: Partial<A2ARequestHandler> = {}, theCard: Card = card) => {
  const told: Array<Told> = []
  const handler = new Proxy({} as A2ARequestHandler, {
    get: (_, method: keyof A2ARequestHandler) => (params: unknown, context: ServerCallContext) => {
      told.push({ method, params, context })
      return (answers[method] as any)?.(params, context)
    }
  })
  const dispatch = RestDispatch.make(theCard, handler)
  const call = (method: string, target: string, body: unknown = "", headers: Record<string, string> = {}) => {
    const [path = "", query = ""] = target.split("?")
    return dispatch({
      method,
      path,
      query: new URLSearchParams(query),
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: { "a2a-version": "1.0", ...headers },
      signal: new AbortController().signal
    })
  }
  return { call, told }
}

const json = (answer: HttpAnswer): { readonly status: number; readonly body: any; readonly headers: any } => {
  assert(answer._tag === "Json")
  assert.strictEqual(answer.contentType, "application/a2a+json")
  return { status: answer.status, body: answer.json, headers: answer.headers }
}

const errorOf = (answer: HttpAnswer) => {
  const { body, status } = json(answer)
  assert.hasAllKeys(body, ["error"])
  assert.hasAllKeys(body.error, ["code", "status", "message", "details"])
  assert.strictEqual(body.error.code, status)
  assert.isTrue(body.error.details.every((each: any) => each["@type"].startsWith("type.googleapis.com/google.rpc.")))
  const info = body.error.details.find((each: any) => each["@type"].endsWith(".ErrorInfo"))
  const fields = body.error.details.find((each: any) => each["@type"].endsWith(".BadRequest"))?.fieldViolations
  return {
    status: [status, body.error.status],
    reason: info === undefined ? undefined : [info.reason, info.domain],
    message: body.error.message as string,
    fields: fields?.map((each: any) => each.field)
  }
}

const message = { message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "hello" }] } }

describe("answers", () => {
  it("sends a message and wraps what comes back", async () => {
    const asTask = dispatcher({ sendMessage: () => Promise.resolve(task("1")) })
    const sent = json(await asTask.call("POST", "/message:send", message, { "content-type": "application/a2a+json" }))
    assert.deepInclude(sent.body.task, { id: "1", contextId: "c", status: { state: "TASK_STATE_WORKING" } })
    assert.strictEqual(sent.status, 200)
    assert.strictEqual(asTask.told[0]!.params.message.parts[0].content.value, "hello")
    assert.isUndefined(asTask.told[0]!.context.tenant)

    const asMessage = dispatcher({ sendMessage: () => Promise.resolve(reply) })
    assert.deepInclude(json(await asMessage.call("POST", "/message:send", message)).body.message, { messageId: "r" })
  })

  it("gets, cancels and finds the tenant in the path, the body or the query", async () => {
    const { call, told } = dispatcher({
      getTask: ({ id }) => Promise.resolve(task(id)),
      cancelTask: ({ id }) => Promise.resolve(task(id)),
      sendMessage: () => Promise.resolve(task("1"))
    })
    assert.strictEqual(json(await call("GET", "/tasks/a%2Fb%20c?historyLength=3")).body.id, "a/b c")
    await call("POST", "/acme/tasks/7:cancel")
    await call("POST", "/tasks/7:cancel", { metadata: { why: "enough" }, id: "other" })
    await call("POST", "/message:send", { ...message, tenant: "inside" })
    await call("POST", "/acme/message:send", { ...message, tenant: "inside" })
    await call("GET", "/tasks/7?tenant=asked")
    assert.deepStrictEqual(told.map(({ context, method, params }) => [method, params.id, context.tenant]), [
      ["getTask", "a/b c", undefined],
      ["cancelTask", "7", "acme"],
      ["cancelTask", "7", undefined],
      ["sendMessage", undefined, "inside"],
      ["sendMessage", undefined, "acme"],
      ["getTask", "7", "asked"]
    ])
    assert.strictEqual(told[0]!.params.historyLength, 3)
    assert.deepStrictEqual(told[2]!.params.metadata, { why: "enough" })
    assert.strictEqual(told[4]!.params.tenant, "acme")
  })

  it("lists with every field that must be there, and artifacts only if asked for", async () => {
    const { call, told } = dispatcher({
      listTasks: () =>
        Promise.resolve<ListTasksResponse>({ tasks: [task("1")], nextPageToken: "", pageSize: 0, totalSize: 0 })
    })
    const plain = json(await call("GET", "/tasks")).body
    assert.deepInclude(plain, { nextPageToken: "", pageSize: 0, totalSize: 0 })
    assert.notProperty(plain.tasks[0], "artifacts")
    const query = "contextId=c&status=TASK_STATE_WORKING&pageSize=7&pageToken=p&historyLength=0" +
      "&statusTimestampAfter=2025-11-09T10:30:00Z&includeArtifacts=true"
    assert.deepStrictEqual(json(await call("GET", `/acme/tasks?${query}`)).body.tasks[0].artifacts, [])
    assert.deepStrictEqual(told[1]!.params, {
      tenant: "acme",
      contextId: "c",
      status: TaskState.TASK_STATE_WORKING,
      pageSize: 7,
      pageToken: "p",
      historyLength: 0,
      statusTimestampAfter: "2025-11-09T10:30:00Z",
      includeArtifacts: true
    })
    await call("GET", "/tasks?status=3&includeArtifacts=false")
    assert.deepInclude(told[2]!.params, { status: TaskState.TASK_STATE_COMPLETED, includeArtifacts: false })
  })

  it("tells the client which extensions are active", async () => {
    const { call, told } = dispatcher({ getTask: () => Promise.resolve(task("1")) })
    const headers = { "a2a-extensions": `https://example.org/other, ${TOKEN_EXTENSION_URI}` }
    const answer = json(await call("GET", "/tasks/1", "", headers))
    assert.deepStrictEqual(answer.headers, { vary: "Accept", "A2A-Extensions": TOKEN_EXTENSION_URI })
    assert.deepStrictEqual(told[0]!.context.activatedExtensions, [TOKEN_EXTENSION_URI])
    assert.deepStrictEqual(json(await call("GET", "/tasks/1")).headers, { vary: "Accept" })
  })

  it("speaks the media type that the client speaks", async () => {
    const { call } = dispatcher({ getTask: () => Promise.resolve(task("1")) })
    const types: ReadonlyArray<readonly [Record<string, string>, string]> = [
      [{}, "application/a2a+json"],
      [{ accept: "application/a2a+json, application/json" }, "application/a2a+json"],
      [{ accept: "*/*", "content-type": "application/a2a+json" }, "application/a2a+json"],
      [{ accept: "*/*" }, "application/json"],
      [{ accept: "application/json" }, "application/json"],
      [{ "content-type": "application/json" }, "application/json"]
    ]
    for (const [headers, expected] of types) {
      for (const path of ["/tasks/1", "/tasks/1?historyLength=-1", "/nothing"]) {
        const answer = await call("GET", path, "", headers)
        assert(answer._tag === "Json")
        assert.strictEqual(answer.contentType, expected, JSON.stringify(headers))
      }
    }
  })
})

describe("streams", () => {
  /** Three events, and whether it was asked for more than one. */
  const events = () => {
    const asked: Array<number> = []
    async function* generate() {
      for (const index of [1, 2, 3]) {
        asked.push(index)
        yield { payload: { $case: "task" as const, value: task(String(index)) } }
      }
    }
    return { asked, generate }
  }

  for (
    const [method, path, body] of [
      ["POST", "/message:stream", message],
      ["POST", "/acme/tasks/1:subscribe", ""],
      ["GET", "/tasks/1:subscribe", ""]
    ] as const
  ) {
    it(`${method} ${path} begins with the first event and asks for no other`, async () => {
      const { asked, generate } = events()
      const { call, told } = dispatcher({ sendMessageStream: generate, resubscribe: generate })
      const answer = await call(method, path, body, { "a2a-extensions": TOKEN_EXTENSION_URI })
      assert(answer._tag === "Events")
      assert.deepInclude((answer.first as any).task, { id: "1" })
      assert.strictEqual(answer.dialect, "1.0")
      assert.strictEqual(answer.context, told[0]!.context)
      assert.deepStrictEqual(answer.headers, { "A2A-Extensions": TOKEN_EXTENSION_URI })
      assert.deepStrictEqual(answer.envelope({ a: 1 }), { a: 1 })
      assert.deepStrictEqual(asked, [1])
    })
  }

  it("that fail before their first event are a plain answer", async () => {
    const { call } = dispatcher({
      resubscribe: async function*() {
        throw new TaskNotFoundError({ message: "No task 1.", metadata: { taskId: "1" } })
      },
      sendMessageStream: async function*() {}
    })
    const { reason, status } = errorOf(await call("GET", "/tasks/1:subscribe"))
    assert.deepStrictEqual([status, reason], [[404, "NOT_FOUND"], ["TASK_NOT_FOUND", "a2a-protocol.org"]])
    const empty = errorOf(await call("POST", "/message:stream", message))
    assert.deepStrictEqual(empty.reason, ["INVALID_AGENT_RESPONSE", "a2a-protocol.org"])
  })
})

describe("errors", () => {
  it("are worded as the specification words them", async () => {
    const { call } = dispatcher({
      getTask: () => Promise.reject(new TaskNotFoundError({ message: "No task 1.", metadata: { taskId: "1" } })),
      cancelTask: () => Promise.reject(new TaskNotCancelableError()),
      listTasks: () => Promise.reject(new Error("the disk is full"))
    })
    assert.deepStrictEqual(json(await call("GET", "/tasks/1")).body, {
      error: {
        code: 404,
        status: "NOT_FOUND",
        message: "No task 1.",
        details: [{
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          reason: "TASK_NOT_FOUND",
          domain: "a2a-protocol.org",
          metadata: { taskId: "1" }
        }]
      }
    })
    const cancel = errorOf(await call("POST", "/tasks/1:cancel"))
    assert.deepStrictEqual([cancel.status, cancel.reason?.[0]], [[400, "FAILED_PRECONDITION"], "TASK_NOT_CANCELABLE"])
    assert.deepStrictEqual(errorOf(await call("GET", "/tasks")).status, [500, "INTERNAL"])
  })

  it("name the fields at fault, of bodies and of queries", async () => {
    const { call, told } = dispatcher()
    const refused: ReadonlyArray<readonly [string, string, unknown, ReadonlyArray<string>]> = [
      ["POST", "/message:send", {}, ["message"]],
      ["POST", "/message:send", "", ["message"]],
      ["POST", "/message:stream", { message: { ...message.message, role: "user" } }, ["message.role"]],
      ["POST", "/tasks/1:cancel", { metadata: 1 }, ["metadata"]],
      ["GET", "/tasks/1?historyLength=-1", "", ["historyLength"]],
      ["GET", "/tasks/1?historyLength=", "", ["historyLength"]],
      ["GET", "/tasks?pageSize=150&historyLength=-5&status=TASK_STATE_RUNNING", "", [
        "status",
        "pageSize",
        "historyLength"
      ]],
      ["GET", "/tasks?pageSize=1.5&includeArtifacts=1", "", ["pageSize", "includeArtifacts"]],
      ["GET", "/tasks?statusTimestampAfter=yesterday", "", ["statusTimestampAfter"]],
      ["GET", "/tasks?pageSize=1&pageSize=2", "", ["pageSize"]]
    ]
    for (const [method, target, body, expected] of refused) {
      const { fields, reason, status } = errorOf(await call(method, target, body))
      assert.deepStrictEqual(fields, expected, target)
      assert.deepStrictEqual(status, [400, "INVALID_ARGUMENT"])
      assert.strictEqual(reason?.[0], "INVALID_PARAMS")
    }
    assert.isEmpty(told)
  })

  it("tell bodies that are not JSON objects, or not said to be", async () => {
    const { call } = dispatcher({ cancelTask: ({ id }) => Promise.resolve(task(id)) })
    for (const body of ["{", "[]", "1", "null"]) {
      const { message, status } = errorOf(await call("POST", "/message:send", body))
      assert.deepStrictEqual(status, [400, "INVALID_ARGUMENT"], body)
      assert.match(message, body === "{" ? /^The body is not JSON: / : /^The body must be a JSON object/)
    }
    const wrong = errorOf(await call("POST", "/message:send", message, { "content-type": "text/plain" }))
    assert.deepStrictEqual(wrong.reason, ["CONTENT_TYPE_NOT_SUPPORTED", "a2a-protocol.org"])
    assert.deepStrictEqual(wrong.status, [415, "INVALID_ARGUMENT"])
    // What has no body has no media type either.
    assert.strictEqual(json(await call("POST", "/tasks/1:cancel", "", { "content-type": "text/plain" })).status, 200)
  })

  it("tell paths and methods that are none of the binding's, whatever the version", async () => {
    const { call } = dispatcher()
    assert.deepStrictEqual(errorOf(await call("GET", "/nothing", "", { "a2a-version": "" })).status, [404, "NOT_FOUND"])
    const wrong = await call("PUT", "/tasks/1:subscribe")
    assert.deepStrictEqual(errorOf(wrong).status, [405, "UNIMPLEMENTED"])
    assert.deepStrictEqual(json(wrong).headers, { vary: "Accept", allow: "GET, POST" })
  })

  it("tell a version that is not offered, and which header to send", async () => {
    const { call, told } = dispatcher({ getTask: () => Promise.resolve(task("1")) })
    for (const version of ["", "0.3", "2.0", "1", "nonsense"]) {
      const { message, reason, status } = errorOf(await call("GET", "/tasks/1", "", { "a2a-version": version }))
      assert.deepStrictEqual([status, reason?.[0]], [[400, "FAILED_PRECONDITION"], "VERSION_NOT_SUPPORTED"])
      assert.include(message, "Send the header A2A-Version: 1.0.")
    }
    assert.isEmpty(told)
    await call("GET", "/tasks/1?A2A-Version=1.0", "", { "a2a-version": "" })
    await call("GET", "/tasks/1", "", { "a2a-version": "1.0.7" })
    assert.deepStrictEqual(told.map(({ context }) => context.requestedVersion), ["1.0", "1.0"])
  })

  it("tell what the card does not declare before they look at parameters", async () => {
    const capabilities = { ...card.capabilities!, streaming: false }
    const { call, told } = dispatcher({}, { ...card, capabilities })
    const unsupported: ReadonlyArray<readonly [string, string, string]> = [
      ["POST", "/message:stream", "UNSUPPORTED_OPERATION"],
      ["GET", "/tasks/1:subscribe", "UNSUPPORTED_OPERATION"],
      ["GET", "/extendedAgentCard", "UNSUPPORTED_OPERATION"],
      ["POST", "/tasks/1/pushNotificationConfigs", "PUSH_NOTIFICATION_NOT_SUPPORTED"],
      ["GET", "/tasks/1/pushNotificationConfigs", "PUSH_NOTIFICATION_NOT_SUPPORTED"],
      ["GET", "/tasks/1/pushNotificationConfigs/2", "PUSH_NOTIFICATION_NOT_SUPPORTED"],
      ["DELETE", "/acme/tasks/1/pushNotificationConfigs/2", "PUSH_NOTIFICATION_NOT_SUPPORTED"]
    ]
    for (const [method, path, reason] of unsupported) {
      assert.strictEqual(errorOf(await call(method, path)).reason?.[0], reason, path)
    }
    assert.isEmpty(told)
  })

  it("of a handler without push notifications come through where the card declares them", async () => {
    const capabilities = { ...card.capabilities!, pushNotifications: true }
    const refuse = () => Promise.reject(new PushNotificationNotSupportedError())
    const { call, told } = dispatcher({ getTaskPushNotificationConfig: refuse }, { ...card, capabilities })
    const { reason } = errorOf(await call("GET", "/tasks/1/pushNotificationConfigs/2"))
    assert.strictEqual(reason?.[0], "PUSH_NOTIFICATION_NOT_SUPPORTED")
    assert.deepInclude(told[0]!.params, { taskId: "1", id: "2" })
  })

  it.effect.prop("are answers, whatever comes", [
    Schema.Literals(["GET", "POST", "DELETE", "HEAD"]),
    Schema.Literals(["/message:send", "/message:stream", "/tasks", "/tasks/1", "/tasks/1:cancel", "/tasks/%", "/x"]),
    Schema.Union([Schema.String, Schema.fromJsonString(Schema.Json)]),
    Schema.Record(Schema.Literals(["a2a-extensions", "content-type"]), Schema.String)
  ], ([method, path, body, headers]) =>
    Effect.promise(() => {
      const { call } = dispatcher({
        getTask: () => Promise.reject(new Error("x")),
        sendMessageStream: () => {
          throw new Error("x")
        }
      })
      return call(method, path, body as string, headers)
    }).pipe(Effect.map((answer) => {
      assert.include(["Json", "Events"], answer._tag)
    })), runs)
})
