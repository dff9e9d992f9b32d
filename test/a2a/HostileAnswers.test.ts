/** Whatever an agent answers to a message that is no stream, or to how its task stands, the client fails with why. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { ServerResponse } from "node:http"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import type { FailReason } from "../../src/liveness/Failed.ts"
import { answerOf, askWith } from "../support/askWith.ts"
import {
  cardOf,
  endlessly,
  type HostileAgent,
  hostileAgent,
  type HostileRequest,
  json
} from "../support/hostileAgent.ts"
import { eventually, scriptedServer } from "../support/scriptedServer.ts"
import { modesOf } from "./virtualAgent.ts"

type Respond = (response: ServerResponse, request: HostileRequest) => void

const task = { id: "t", contextId: "c", status: { state: "TASK_STATE_WORKING" } }
const result = (result: unknown): Respond => (response, { rpc }) =>
  json(response, { jsonrpc: "2.0", id: rpc?.id, result })
const endless: Respond = (response) => {
  response.writeHead(200, { "content-type": "application/json" })
  endlessly(response, "{\"a\":[".repeat(9000))
}
const mute = (url: string) => ({ ...cardOf(url), capabilities: { streaming: false } })

/** What both questions may be answered with, and what is then said. */
const shapes: ReadonlyArray<readonly [string, Respond, RegExp]> = [
  ["null", result(null), /the answer of http\S+ is null and not an object/],
  ["an array", result([task]), /is an array and not an object/],
  ["nothing", (response, { rpc }) => json(response, { jsonrpc: "2.0", id: rpc?.id }), /is nothing and not an object/],
  ["a task without an id", result({ ...task, id: "" }), /has a task without an id/],
  ["a status that is a number", result({ ...task, status: 5 }), /has a status that is a number/],
  ["artifacts that are an object", result({ ...task, artifacts: {} }), /has artifacts that is a object/],
  ["text that is a number", result({ ...task, artifacts: [{ artifactId: "a", parts: [{ text: 5 }] }] }), /part's text/],
  ["deep nesting", result({ ...task, metadata: JSON.parse("[".repeat(300) + "]".repeat(300)) }), /nested too deeply/],
  ["HTML", (response) => void response.end("<!doctype html>"), /not valid JSON/],
  ["another request's answer", (response) => json(response, { jsonrpc: "2.0", id: 99, result: task }), /ID mismatch/],
  ["what has no end", endless, /larger than 4 MiB/]
]

const cases: ReadonlyArray<readonly [string, Readonly<Record<string, Respond>>, RegExp, number, FailReason["_tag"]]> = [
  ...shapes.map(([name, respond, detail]) =>
    [`${name} to the message`, { SendMessage: respond }, detail, 0, "Malformed"] as const
  ),
  ...shapes.map(([name, respond, detail]) =>
    [`${name} to how its task stands`, { GetTask: respond }, detail, 1, "Malformed"] as const
  ),
  [
    "a subscription's event to the message",
    { SendMessage: result({ statusUpdate: { taskId: "t" } }) },
    /without an id/,
    0,
    "Malformed"
  ],
  ["another task", { GetTask: result({ ...task, id: "other" }) }, /answer 2 is of task "other"/, 1, "Malformed"],
  [
    "another context",
    { GetTask: result({ ...task, contextId: "other" }) },
    /answer 2 is of context "other"/,
    1,
    "Malformed"
  ],
  [
    "a redirect",
    {
      GetTask: (response) => void response.writeHead(307, { location: "http://127.0.0.1:9/" }).end()
    },
    /another origin/,
    1,
    "Rejected"
  ],
  [
    "a demand for a token",
    { GetTask: (response) => void response.writeHead(401).end() },
    /CAMPAIGN_AGENT_TOKEN/,
    1,
    "Rejected"
  ]
]

describe("an agent that answers", { concurrent: true }, () => {
  for (const [name, methods, detail, cancelled, reason] of cases) {
    it.live(name, () =>
      Effect.gen(function*() {
        const agent = yield* hostileAgent({
          card: (response, url) => json(response, mute(url)),
          methods: { SendMessage: result({ task }), ...methods }
        })
        const { error } = yield* askWith(agent.url)
        assert.strictEqual(error?._tag, "Failed")
        if (error?._tag !== "Failed") return
        assert.strictEqual(error.reason._tag, reason, error.message)
        assert.match("detail" in error.reason ? error.reason.detail : "", detail)
        assert.lengthOf(agent.requests.filter(({ rpc }) => rpc?.method === "CancelTask"), cancelled)
        yield* eventually("every connection is closed", () => agent.openAnswers() === 0)
      }).pipe(Effect.provide(A2aClient.layer)))
  }

  it.live("after longer than any other answer may take is waited for", () =>
    Effect.gen(function*() {
      const agent = yield* hostileAgent({
        card: (response, url) => json(response, mute(url)),
        methods: {
          SendMessage: (response, request) => {
            Effect.runFork(Effect.delay(
              Effect.sync(() =>
                result({ message: { messageId: "m", role: "ROLE_AGENT", parts: [{ text: "late" }] } })(
                  response,
                  request
                )
              ),
              400
            ))
          }
        }
      })
      const { error, events } = yield* askWith(agent.url, { mode: "blocking" })
      assert.isUndefined(error)
      assert.strictEqual(answerOf(events), "late")
    }).pipe(Effect.provide(A2aClient.layerWith({ limits: { answerTime: "150 millis" } }))))

  it.live("is asked for no history, with the words of its version", () =>
    Effect.gen(function*() {
      const current = yield* hostileAgent({
        card: (response, url) => json(response, mute(url)),
        methods: {
          SendMessage: result({ task }),
          GetTask: result({ ...task, status: { state: "TASK_STATE_COMPLETED" } })
        }
      })
      const legacyTask = { ...task, kind: "task", status: { state: "working" } }
      const legacy = yield* hostileAgent({
        card: (response, url) => json(response, { ...cardOf(url, "0.3"), capabilities: { streaming: false } }),
        methods: {
          "message/send": result(legacyTask),
          "tasks/get": result({ ...legacyTask, status: { state: "completed" } })
        }
      })
      const asked = yield* Effect.forEach([current, legacy], ({ url }) => askWith(url))
      assert.deepStrictEqual(asked.map(({ error }) => error), [undefined, undefined])
      const [send, get] = current.requests.flatMap(({ rpc }) => rpc === null ? [] : [rpc])
      assert.deepInclude(send?.params.configuration, { returnImmediately: true, historyLength: 0 })
      assert.deepInclude(get?.params, { id: "t", historyLength: 0 })
      const [sendLegacy, getLegacy] = legacy.requests.flatMap(({ rpc }) => rpc === null ? [] : [rpc])
      assert.deepInclude(sendLegacy?.params.configuration, { blocking: false, historyLength: 0 })
      assert.deepInclude(getLegacy?.params, { id: "t", historyLength: 0 })
    }).pipe(Effect.provide(A2aClient.layer)))
})

describe("an agent that is only different", () => {
  const noMethod: Respond = (response, { rpc }) =>
    json(response, { jsonrpc: "2.0", id: rpc?.id, error: { code: -32601, message: "Method not found" } })

  it.live("is asked without a stream where it has no method for one, and refused where it has none to be polled", () =>
    Effect.gen(function*() {
      const completed = { ...task, status: { state: "TASK_STATE_COMPLETED" } }
      const polled = yield* hostileAgent({
        stream: noMethod,
        methods: { SendMessage: result({ task }), GetTask: result(completed) }
      })
      const { error, events } = yield* askWith(polled.url)
      assert.isUndefined(error)
      assert.deepStrictEqual(modesOf(events), ["stream", "poll"])
      const mute = yield* hostileAgent({ methods: { SendMessage: result({ task }), GetTask: noMethod } })
      const refused = yield* askWith(mute.url, { mode: "poll" })
      assert.match(String(refused.error?.message), /does not say how it stands.*mode stream or mode blocking would do/)
    }).pipe(Effect.provide(A2aClient.layer)))

  it.live("answers with a message in the words of 0.3 over HTTP+JSON, streamed or not, and is understood", () =>
    Effect.gen(function*() {
      const answer = { msg: { messageId: "m", role: "ROLE_AGENT", content: [{ text: "hello" }] } }
      const agent = yield* scriptedServer((response, { path }) => {
        const streams = path.endsWith(":stream")
        response.writeHead(200, { "content-type": streams ? "text/event-stream" : "application/json" })
        const card = { ...cardOf(agent.url, "0.3"), preferredTransport: "HTTP+JSON" }
        const body = JSON.stringify(path.includes("well-known") ? card : answer)
        response.end(streams ? `data: ${body}\n\n` : body)
      })
      for (const mode of ["stream", "blocking"] as const) {
        const { error, events } = yield* askWith(agent.url, { mode })
        assert.isUndefined(error)
        assert.strictEqual(answerOf(events), "hello")
      }
    }).pipe(Effect.provide(A2aClient.layer)))

  it.live("that answers nothing is left at once when it is given up, and cancelled if its task is known", () =>
    Effect.gen(function*() {
      const agent = yield* hostileAgent({ methods: { SendMessage: result({ task }), GetTask: () => {} } })
      const other = yield* hostileAgent({ methods: { SendMessage: () => {} } })
      const fibers = yield* Effect.forEach(
        [askWith(agent.url, { mode: "poll" }), askWith(other.url, { mode: "blocking" })],
        (asked) => Effect.forkChild(asked)
      )
      const last = (from: HostileAgent) => from.requests.at(-1)?.rpc?.method
      yield* eventually("both are asked", () => last(agent) === "GetTask" && last(other) === "SendMessage")
      yield* Fiber.interruptAll(fibers)
      yield* eventually("every connection is closed", () => agent.openAnswers() + other.openAnswers() === 0)
      assert.deepStrictEqual([last(agent), last(other)], ["CancelTask", "SendMessage"])
    }).pipe(Effect.provide(A2aClient.layer)))
})

describe("the check of an agent", () => {
  it.live("tells what its card says, and refuses only the mode that the agent cannot do", () =>
    Effect.gen(function*() {
      const agent = yield* hostileAgent({ card: (response, url) => json(response, mute(url)) })
      const other = yield* hostileAgent({})
      const { check } = yield* A2aClient
      const asked = { url: agent.url, hop: "purple" } as const
      const said = { name: "hostile", streams: false, exact: false }
      assert.deepStrictEqual(yield* check(asked), said)
      assert.deepStrictEqual(yield* check({ ...asked, mode: "poll" }), said)
      assert.deepStrictEqual(yield* check({ ...asked, url: other.url, mode: "stream" }), { ...said, streams: true })
      const { message } = yield* Effect.flip(check({ ...asked, mode: "stream" }))
      assert.strictEqual(
        message,
        `purple agent: the card of "hostile" at ${agent.url} says that it does not stream (capabilities.streaming); ` +
          "mode poll or mode blocking would do, or none, which chooses"
      )
    }).pipe(Effect.provide(A2aClient.layer)))
})
