/** What an agent refuses of a message, and what it reads into one, by both versions of JSON-RPC. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Status } from "../../src/a2a/TaskEvent.ts"
import { TOKEN_EXTENSION_URI } from "../../src/a2a/TokenExtension.ts"
import { agent, dataOf, post, said } from "../support/agents.ts"

const executor = agent((request) =>
  request.text === "ask"
    ? Stream.make(Status.make({ state: "input-required", text: "?" }))
    : Stream.fromEffect(Effect.as(Effect.sleep(30), said(`${request.text}!`)))
)

const call = (url: string, method: string, params: unknown, headers: Record<string, string> = {}) =>
  Effect.map(
    post(url, { jsonrpc: "2.0", id: 1, method, params }, { "a2a-version": "1.0", ...headers }),
    ({ text }) => JSON.parse(text)
  )
const message = (parts: ReadonlyArray<object>, fields: object = {}) => ({
  message: { messageId: "m", role: "ROLE_USER", parts, ...fields }
})

describe("a message", () => {
  it.live("of a media type that the card does not name is refused, and any text is text", () =>
    Effect.gen(function*() {
      const { url } = yield* executor
      const codeOf = (part: object) =>
        Effect.map(call(url, "SendMessage", message([{ text: "x" }, part])), ({ error }) => error?.code)
      assert.strictEqual(yield* codeOf({ raw: "AAAA", mediaType: "image/png" }), -32005)
      assert.strictEqual(yield* codeOf({ url: "http://x/", mediaType: "" }), -32005)
      assert.strictEqual(yield* codeOf({ text: "y", mediaType: "image/svg+xml" }), -32005)
      assert.isUndefined(yield* codeOf({ text: "# y", mediaType: "text/markdown; charset=utf-8" }))
      assert.isUndefined(yield* codeOf({ data: { y: 1 } }))
    }))

  it.live("to a task must name its context or none", () =>
    Effect.gen(function*() {
      const { url } = yield* executor
      const { result } = yield* call(url, "SendMessage", message([{ text: "ask" }]))
      const { contextId, id } = result.task
      const wrong = yield* call(url, "SendMessage", message([{ text: "y" }], { taskId: id, contextId: "other" }))
      assert.strictEqual(wrong.error.code, -32602)
      const right = yield* call(url, "SendMessage", message([{ text: "y" }], { taskId: id }))
      assert.deepInclude(right.result.task, { id, contextId })
      assert.strictEqual(right.result.task.status.state, "TASK_STATE_COMPLETED")
    }))

  it.live("cannot ask for push notifications, nor can anything else, whatever it says", () =>
    Effect.gen(function*() {
      const { url } = yield* executor
      const configuration = { taskPushNotificationConfig: { url: "http://x/" } }
      const sent = yield* call(url, "SendMessage", { ...message([{ text: "x" }]), configuration })
      assert.strictEqual(sent.error.code, -32003)
      assert.strictEqual((yield* call(url, "GetTaskPushNotificationConfig", {})).error.code, -32003)
      assert.strictEqual((yield* call(url, "GetExtendedAgentCard", {})).error.code, -32004)
      assert.lengthOf((yield* call(url, "ListTasks", {})).result.tasks, 0)
    }))

  it.live("of 0.3 waits for the answer unless it says not to, with a configuration or without", () =>
    Effect.gen(function*() {
      const { url } = yield* executor
      const stateOf = (configuration?: object) =>
        Effect.map(
          call(url, "message/send", {
            message: { kind: "message", messageId: "m", role: "user", parts: [{ kind: "text", text: "x" }] },
            ...configuration === undefined ? {} : { configuration }
          }, { "a2a-version": "" }),
          ({ result }) => result.status.state
        )
      assert.strictEqual(yield* stateOf(), "completed")
      assert.strictEqual(yield* stateOf({ acceptedOutputModes: ["text/plain"] }), "completed")
      assert.strictEqual(yield* stateOf({ blocking: true }), "completed")
      assert.strictEqual(yield* stateOf({ blocking: false }), "working")
    }))
})

describe("a task that is over at once", () => {
  it.live("is not over in the first event of its stream, and says how it ended when it is asked for", () =>
    Effect.gen(function*() {
      const { url } = yield* agent(() => Stream.make(said("a")))
      const headers = { "a2a-version": "1.0", "a2a-extensions": TOKEN_EXTENSION_URI }
      const body = { jsonrpc: "2.0", id: 1, method: "SendStreamingMessage", params: message([{ text: "x" }]) }
      const [first, ...rest] = dataOf((yield* post(url, body, headers)).text)
      assert.deepStrictEqual(first!["result"].task.metadata[TOKEN_EXTENSION_URI], {
        _tag: "Snapshot",
        generation: 0,
        tokens: 0
      })
      assert.lengthOf(rest, 3)
      const { id } = first!["result"].task
      const { result } = yield* call(url, "GetTask", { id }, headers)
      const snapshot = result.metadata[TOKEN_EXTENSION_URI]
      assert.deepInclude(snapshot, { generation: 3, tokens: 1 })
      assert.deepInclude(snapshot.ended, { _tag: "Ended", state: "completed" })
      assert.deepInclude(snapshot.ended.summary, { verdict: "completed", tokens: 1 })
    }))
})
