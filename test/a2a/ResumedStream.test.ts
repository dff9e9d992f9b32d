/** The client goes on where a connection broke, and knows when not to. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { isTokenEvent } from "../../src/a2a/TaskEvent.ts"
import { TOKEN_EXTENSION_URI } from "../../src/a2a/TokenExtension.ts"
import type { FailReason } from "../../src/liveness/Failed.ts"
import { tokensOf } from "../../src/token/TokenEvent.ts"
import { answerOf, askWith } from "../support/askWith.ts"
import {
  beginStream,
  type Behaviour,
  frame,
  type HostileAgent,
  hostileAgent,
  type HostileRequest,
  json,
  later
} from "../support/hostileAgent.ts"
import { eventually } from "../support/scriptedServer.ts"
import { status } from "./hostileCases.ts"

const words = ["one ", "two ", "three ", "four ", "five"]
const exact = (value: object) => ({ metadata: { [TOKEN_EXTENSION_URI]: value } })
const delta = (index: number) => ({
  artifactUpdate: {
    taskId: "t",
    contextId: "c",
    artifact: { artifactId: "answer", parts: [{ text: words[index] }] },
    append: true,
    ...exact({ _tag: "Delta", channel: "content", tokens: 2, generation: index + 1 })
  }
})
const end = status("COMPLETED", exact({ _tag: "Ended", state: "completed", text: "", error: null, generation: 6 }))
/** The task after so many words. */
const snapshot = (count: number, state = "WORKING") => ({
  id: "t",
  contextId: "c",
  status: { state: `TASK_STATE_${state}` },
  artifacts: [{ artifactId: "answer", parts: [{ text: words.slice(0, count).join("") }] }],
  ...exact({ _tag: "Snapshot", generation: count, tokens: 2 * count })
})
const task = (count: number) => ({ task: snapshot(count) })

type Respond = NonNullable<Behaviour["stream"]>
/** Sends results and then breaks the connection, or ends or keeps it. */
const sends =
  (results: ReadonlyArray<unknown>, then: "break" | "end" | "keep" = "break"): Respond => (response, request) => {
    beginStream(response)
    response.write(results.map((result) => frame(request, result)).join(""), () => {
      if (then === "end") response.end()
      // The client is to have read it: a connection that is reset loses what was not read.
      if (then === "break") later(() => response.destroy(), 20)
    })
  }
const error = (code: number): Respond => (response, { rpc }) =>
  json(response, { jsonrpc: "2.0", id: rpc?.id, error: { code, message: "no" } })
/** The answers to one request after the other. */
const inTurn = (...responds: ReadonlyArray<Respond>): Respond => {
  let turn = 0
  return (response, request: HostileRequest) => responds[Math.min(turn++, responds.length - 1)]!(response, request)
}

const counted = ({ requests }: HostileAgent, method: string) =>
  requests.filter(({ rpc }) => rpc?.method === method).length

const played = Effect.fnUntraced(function*(behaviour: Behaviour) {
  const server = yield* hostileAgent(behaviour)
  const { error, events } = yield* askWith(server.url)
  const tokens = events.reduce((sum, event) => sum + (isTokenEvent(event) ? tokensOf(event) : 0), 0)
  return {
    server,
    answer: answerOf(events),
    tokens,
    reason: error?._tag === "Failed" ? error.reason._tag : error?._tag,
    subscriptions: counted(server, "SubscribeToTask"),
    events
  }
}, Effect.provide(A2aClient.layer))

const cut = sends([task(0), delta(0), delta(1)])

describe("a stream that is cut", () => {
  const good: ReadonlyArray<readonly [string, Behaviour, number]> = [
    ["is resumed after its connection broke", {
      stream: cut,
      methods: { SubscribeToTask: sends([task(4), delta(3), delta(4), end], "keep") }
    }, 1],
    ["is resumed after it ended too early", {
      stream: sends([task(0), delta(0)], "end"),
      methods: { SubscribeToTask: sends([task(1), delta(1), delta(2), delta(3), delta(4), end]) }
    }, 1],
    ["is resumed as often as it gets on", {
      stream: cut,
      methods: {
        SubscribeToTask: inTurn(...[2, 3, 4, 4].map((n) => sends([task(n), delta(n)])), sends([task(5), end], "end"))
      }
    }, 5],
    ["is resumed through a proxy that is not there for a moment", {
      stream: cut,
      methods: {
        SubscribeToTask: inTurn((response) => void response.writeHead(502).end("bad gateway"), sends([task(5), end]))
      }
    }, 2],
    ["is looked up when its task is over meanwhile", {
      stream: cut,
      methods: {
        SubscribeToTask: error(-32004),
        GetTask: (response, { rpc }) =>
          json(response, { jsonrpc: "2.0", id: rpc?.id, result: snapshot(5, "COMPLETED") })
      }
    }, 1]
  ]
  for (const [name, behaviour, subscriptions] of good) {
    it.live(`${name}, without loss and without doubling`, () =>
      Effect.gen(function*() {
        const got = yield* played(behaviour)
        assert.deepInclude(got, { answer: words.join(""), tokens: 10, reason: undefined, subscriptions })
        assert.strictEqual(got.events.filter((event) => event._tag === "Ended").length, 1)
        yield* eventually("every connection is closed", () => got.server.openAnswers() === 0)
      }))
  }

  const bad: ReadonlyArray<readonly [string, Behaviour, number, FailReason["_tag"]]> = [
    [
      "nothing new comes three times",
      { stream: cut, methods: { SubscribeToTask: sends([task(2)]) } },
      3,
      "ConnectionLost"
    ],
    ["the task is not found", { stream: cut, methods: { SubscribeToTask: error(-32001) } }, 1, "ConnectionLost"],
    [
      "the agent cannot do it",
      {
        stream: sends([task(0), delta(0), delta(1)], "end"),
        methods: { SubscribeToTask: error(-32004), GetTask: error(-32004) }
      },
      1,
      "Truncated"
    ],
    [
      "the agent begins without a snapshot",
      { stream: cut, methods: { SubscribeToTask: sends([delta(4), end]) } },
      1,
      "ConnectionLost"
    ],
    [
      "the agent sends another task",
      { stream: cut, methods: { SubscribeToTask: sends([{ task: { ...snapshot(5), id: "other" } }], "keep") } },
      1,
      "Malformed"
    ],
    ["the agent reports an error", { stream: sends([task(0), delta(0), delta(1), 5], "keep") }, 0, "Malformed"]
  ]
  for (const [name, behaviour, subscriptions, reason] of bad) {
    it.live(`fails where ${name}`, () =>
      Effect.gen(function*() {
        const got = yield* played(behaviour)
        assert.deepInclude(got, { answer: "one two ", tokens: 4, reason, subscriptions })
        assert.strictEqual(counted(got.server, "CancelTask"), 1)
        yield* eventually("every connection is closed", () => got.server.openAnswers() === 0)
      }))
  }

  it.live("is not resumed after its end, whatever becomes of the connection", () =>
    Effect.gen(function*() {
      const { reason, server } = yield* played({ stream: sends([task(0), ...words.map((_, n) => delta(n)), end]) })
      yield* Effect.sleep(50)
      assert.isUndefined(reason)
      assert.strictEqual(server.requests.length, 2)
    }))

  it.live("is not resumed but cancelled when it is given up", () =>
    Effect.gen(function*() {
      const server = yield* hostileAgent({ stream: sends([task(0), delta(0)], "keep") })
      const fiber = yield* Effect.forkChild(askWith(server.url).pipe(Effect.provide(A2aClient.layer)))
      yield* eventually("it streams", () => counted(server, "SendStreamingMessage") === 1)
      yield* Effect.sleep(50)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual([counted(server, "CancelTask"), counted(server, "SubscribeToTask")], [1, 0])
      yield* eventually("every connection is closed", () => server.openAnswers() === 0)
    }))

  it.live("before it began, while the card does not come, is closed at once when it is given up", () =>
    Effect.gen(function*() {
      const server = yield* hostileAgent({ card: () => {} })
      yield* Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(askWith(server.url))
        yield* eventually("the card is asked for", () => server.openAnswers() === 1)
        yield* Fiber.interrupt(fiber)
        yield* eventually("the connection is closed", () => server.openAnswers() === 0)
      }).pipe(Effect.provide(A2aClient.layer))
    }))
})
