// @effect-diagnostics globalTimers:off
/** The engine client against servers that do what real ones have been seen to do. Real sockets, real time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Engine } from "../../src/engine/Engine.ts"
import type { TokenEvent } from "../../src/token/TokenEvent.ts"
import * as Transcript from "../../src/token/Transcript.ts"
import { fakeEngine } from "../support/fakeEngine.ts"
import { eventually, type Script, scriptedServer } from "../support/scriptedServer.ts"

const event = (data: unknown) => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`
const chunk = (content: string, finish: string | null = null) =>
  event({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })
const done = event("[DONE]")
const eventStream = { "content-type": "text/event-stream" }

/** Sends these pieces, each in a write of its own, and then ends the body unless told otherwise. */
const sends =
  (pieces: ReadonlyArray<string>, options: { readonly end?: boolean; readonly reset?: boolean } = {}): Script =>
  (response) => {
    response.writeHead(200, eventStream)
    response.flushHeaders()
    for (const piece of pieces) response.write(piece)
    if (options.reset === true) setTimeout(() => response.destroy(), 50)
    else if (options.end !== false) response.end()
  }

interface Answer {
  readonly events: ReadonlyArray<TokenEvent>
  readonly text: string
  readonly error:
    | { readonly reason: { readonly _tag: string }; readonly tokens: number; readonly message: string }
    | undefined
}

/** What the engine client makes of one request. */
const ask = (
  url: string,
  options: { readonly finishGrace?: number; readonly key?: string } = {}
): Effect.Effect<Answer> =>
  Effect.gen(function*() {
    const engine = yield* Engine
    const events: Array<TokenEvent> = []
    const error = yield* engine.stream({ messages: [{ role: "user", content: "hi" }], requestId: "request-1" }).pipe(
      Stream.runForEachArray((some) => Effect.sync(() => events.push(...some))),
      Effect.match({ onSuccess: () => undefined, onFailure: (error) => error })
    )
    return { events, error, text: Transcript.fromEvents(events).content }
  }).pipe(Effect.provide(Engine.layer({
    baseUrl: `${url}/v1`,
    model: "m",
    finishGrace: options.finishGrace ?? 200,
    apiKey: options.key === undefined ? undefined : Redacted.make(options.key)
  })))

const outcomeOf = (script: Script) =>
  Effect.gen(function*() {
    const server = yield* scriptedServer(script)
    const answer = yield* ask(server.url)
    return { ...answer, reason: answer.error?.reason._tag, closedByClient: server.closedByClient() }
  })

describe("the end of a stream", () => {
  const completions: Record<string, Script> = {
    "finish and [DONE]": sends([chunk("a"), chunk("b", "stop"), done]),
    "finish without [DONE], clean end": sends([chunk("a"), chunk("b", "stop")]),
    "finish, then reset": sends([chunk("a"), chunk("b", "stop")], { reset: true }),
    "finish, then the connection stays open": sends([chunk("a"), chunk("b", "stop")], { end: false }),
    "[DONE], then the connection stays open": sends([chunk("a"), chunk("b", "stop"), done], { end: false }),
    "finish, then an error event": sends([
      chunk("a"),
      chunk("b", "stop"),
      event({ error: { message: "x", code: 500 } })
    ]),
    "finish, then broken JSON": sends([chunk("a"), chunk("b", "stop"), "data: {\n\n"])
  }
  for (const [name, script] of Object.entries(completions)) {
    it.live(`is a completion with all its text: ${name}`, () =>
      Effect.gen(function*() {
        const { error, text } = yield* outcomeOf(script)
        assert.deepStrictEqual({ error, text }, { error: undefined, text: "ab" })
      }))
  }

  it.effect("is ours to make also when something comes for ever after the finish", () =>
    Effect.gen(function*() {
      const bytes = (text: string) => new TextEncoder().encode(text)
      const usage = bytes(event({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } }))
      let send: (bytes: Uint8Array) => void = () => {}
      const server = fakeEngine(({ accept }) => {
        send = accept()!.send
        send(bytes(chunk("a", "stop")))
      })
      const engine = yield* Effect.provide(
        Engine,
        yield* Layer.build(Engine.layerNoDeps({ baseUrl: "http://e/v1", model: "m" }).pipe(Layer.provide(server.layer)))
      )
      const answer = yield* Effect.forkChild(
        Stream.runDrain(engine.stream({ messages: [{ role: "user", content: "hi" }], requestId: "1" })),
        { startImmediately: true }
      )
      for (const second of [1, 2, 3, 4]) {
        yield* TestClock.adjust("1 second")
        send(usage)
        assert.isUndefined(answer.pollUnsafe(), `after ${second} s`)
      }
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(answer)
      assert.strictEqual(server.connections[0]?.state, "closed by client")
    }))

  it.live("is ours to make when the server leaves the connection open after the finish", () =>
    Effect.gen(function*() {
      const server = yield* scriptedServer(sends([chunk("a", "stop")], { end: false }))
      const engine = yield* Effect.provide(
        Engine,
        yield* Layer.build(Engine.layer({ baseUrl: server.url, model: "m", finishGrace: 300 }))
      )
      const began = performance.now()
      yield* Stream.runDrain(engine.stream({ messages: [{ role: "user", content: "hi" }], requestId: "1" }))
      assert.isAtLeast(performance.now() - began, 290)
      yield* eventually("the server saw the close", () => server.closedByClient() === 1)
    }))

  const failures: Record<string, readonly [Script, string]> = {
    "clean end without a finish": [sends([chunk("a"), chunk("b")]), "Truncated"],
    "[DONE] without a finish": [sends([chunk("a"), chunk("b"), done]), "DoneWithoutFinish"],
    "reset in the middle": [sends([chunk("a"), chunk("b")], { reset: true }), "ConnectionLost"],
    "error event, then [DONE]": [
      sends([chunk("a"), chunk("b"), event({ error: { message: "died", code: 500 } }), done]),
      "MidStreamError"
    ],
    "named error event": [
      sends([chunk("a"), chunk("b"), "event: error\ndata: {\"message\":\"died\"}\n\n"]),
      "MidStreamError"
    ],
    "broken JSON": [sends([chunk("a"), chunk("b"), "data: {\"choices\":\n\n"]), "Malformed"],
    "JSON that is no chunk": [sends([chunk("a"), chunk("b"), event({ hello: 1 })]), "Malformed"],
    "JSON that is no chunk, with one behind it": [
      sends([chunk("a") + chunk("b") + event({ hello: 1 }) + chunk("c")]),
      "Malformed"
    ],
    "finish reason abort": [sends([chunk("a"), chunk("b"), chunk("", "abort"), done]), "AbortedByServer"]
  }
  for (const [name, [script, expected]] of Object.entries(failures)) {
    it.live(`is a failure that keeps what came before: ${name}`, () =>
      Effect.gen(function*() {
        const { error, reason, text } = yield* outcomeOf(script)
        assert.deepStrictEqual({ reason, text, tokens: error?.tokens }, { reason: expected, text: "ab", tokens: 2 })
      }))
  }

  it.live("is told apart from an answer that is no event stream at all", () =>
    Effect.gen(function*() {
      const { error } = yield* outcomeOf((response) => {
        response.writeHead(200, { "content-type": "text/html" })
        response.end("<html>hello</html>")
      })
      assert.strictEqual(error?.reason._tag, "Malformed")
      assert.include(error?.message, "expected text/event-stream, got text/html")
    }))
})

describe("errors before the stream", () => {
  const cases: ReadonlyArray<readonly [number, Record<string, string>, string]> = [
    [400, {}, "Rejected"],
    [401, {}, "Rejected"],
    [404, {}, "Rejected"],
    [429, { "retry-after": "7" }, "RateLimited"],
    [500, {}, "ServerError"],
    [503, {}, "Unavailable"]
  ]
  for (const [status, headers, expected] of cases) {
    it.live(`${status} is ${expected}, asked once`, () =>
      Effect.gen(function*() {
        const server = yield* scriptedServer((response) => {
          response.writeHead(status, { "content-type": "application/json", ...headers })
          response.end(JSON.stringify({ error: { message: "because", type: "x", code: status } }))
        })
        const { error } = yield* ask(server.url)
        assert.strictEqual(error?.reason._tag, expected)
        assert.include(error?.message, "because")
        assert.strictEqual(server.requests.length, 1)
        if (expected === "RateLimited") assert.propertyVal(error?.reason, "retryAfterMillis", 7000)
      }))
  }

  it.live("a refused connection names the address", () =>
    Effect.gen(function*() {
      const url = yield* Effect.scoped(Effect.map(scriptedServer(() => {}), (server) => server.url))
      const { error } = yield* ask(url)
      assert.strictEqual(error?.reason._tag, "ConnectError")
      assert.include(error?.message, url)
    }))

  it.live("a key never shows, also where the server echoes it", () =>
    Effect.gen(function*() {
      const server = yield* scriptedServer((response, { path }) => {
        response.writeHead(path.endsWith("/models") ? 200 : 401, { "content-type": "application/json" })
        response.end(JSON.stringify({ error: { message: "Incorrect API key provided: sk-secret-1. Bye." } }))
      })
      const { error } = yield* ask(server.url, { key: "sk-secret-1" })
      assert.strictEqual(server.requests[0]?.headers.authorization, "Bearer sk-secret-1")
      assert.notInclude(JSON.stringify(error) + String(error) + error?.message, "sk-secret-1")
      assert.include(error?.message, "Incorrect API key provided: <redacted>")
    }))
})

describe("requests", () => {
  it.live("ask for exact counts, and do without them for servers that refuse the fields, learned once", () =>
    Effect.gen(function*() {
      const server = yield* scriptedServer((response, { body }) => {
        if (body.includes("return_token_ids")) {
          response.writeHead(400, { "content-type": "application/json" })
          response.end(JSON.stringify({ error: { message: "Unrecognized request argument: return_token_ids" } }))
        } else {
          sends([chunk("a", "stop"), done])(response, { body, path: "" })
        }
      })
      yield* Effect.gen(function*() {
        const engine = yield* Engine
        const request = { messages: [{ role: "user", content: "hi" }], requestId: "request-7" } as const
        yield* Stream.runDrain(engine.stream(request))
        yield* Stream.runDrain(engine.stream(request))
      }).pipe(Effect.provide(Engine.layer({ baseUrl: server.url, model: "m", maxTokens: 99 })))
      const bodies = server.requests.map(({ body }) => JSON.parse(body))
      assert.strictEqual(bodies.length, 3)
      assert.deepInclude(bodies[0], { return_token_ids: true, max_tokens: 99, stream: true })
      assert.deepStrictEqual(bodies[0].stream_options, { include_usage: true, continuous_usage_stats: true })
      assert.isFalse("return_token_ids" in bodies[1] || "return_token_ids" in bodies[2])
      assert.strictEqual(server.requests[0]?.headers["x-request-id"], "request-7")
    }))

  it.live("carry tools and what was called, in OpenAI's words, and members of one's own that change no others", () =>
    Effect.gen(function*() {
      const server = yield* scriptedServer(sends([chunk("a", "stop"), done]))
      yield* Effect.gen(function*() {
        const engine = yield* Engine
        yield* Stream.runDrain(engine.stream({
          messages: [
            { role: "user", content: "hi" },
            { role: "assistant", content: "", toolCalls: [{ id: "t1", name: "look", arguments: "{\"at\":1}" }] },
            { role: "tool", content: "seen", toolCallId: "t1" }
          ],
          requestId: "r",
          tools: [{ name: "look", description: "Looks.", parameters: { type: "object" } }],
          body: { temperature: 0.5, model: "other", stream: false, max_tokens: 1, messages: [] }
        }))
        yield* Stream.runDrain(engine.stream({ messages: [], requestId: "r", tools: [] }))
      }).pipe(Effect.provide(Engine.layer({ baseUrl: server.url, model: "m", maxTokens: 99 })))
      const [body, plain] = server.requests.map(({ body }) => JSON.parse(body))
      assert.deepInclude(body, { temperature: 0.5, model: "m", stream: true, max_tokens: 99 })
      assert.deepStrictEqual(body.tools, [
        { type: "function", function: { name: "look", description: "Looks.", parameters: { type: "object" } } }
      ])
      const called = { id: "t1", type: "function", function: { name: "look", arguments: "{\"at\":1}" } }
      assert.deepStrictEqual(body.messages, [
        { role: "user", content: "hi" },
        { role: "assistant", content: "", tool_calls: [called] },
        { role: "tool", content: "seen", tool_call_id: "t1" }
      ])
      assert.notProperty(plain, "tools")
    }))
})

describe("liveness of the connection", () => {
  it.live("comments, roles and empty deltas are signals and never tokens", () =>
    Effect.gen(function*() {
      const role = event({ choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }] })
      const { events } = yield* outcomeOf(
        sends([": keep-alive\n\n", role, ": keep", "-alive\r\n\r\n", chunk(""), chunk("a", "stop"), done])
      )
      const signals = events.flatMap((event) => event._tag === "Signal" ? [event.signal] : [])
      assert.deepStrictEqual(signals.toSorted(), ["accepted", "empty", "keep-alive", "keep-alive", "role"])
      assert.strictEqual(Transcript.fromEvents(events).tokens, 1)
    }))

  for (
    const [when, script] of [
      ["before the headers", () => {}],
      ["after the headers", sends([], { end: false })],
      ["in the middle", sends([chunk("a")], { end: false })]
    ] as const satisfies ReadonlyArray<readonly [string, Script]>
  ) {
    it.live(`interrupting a silent stream ${when} closes the socket`, () =>
      Effect.gen(function*() {
        const server = yield* scriptedServer(script)
        // The engine outlives the stream, so that nothing but the stream's own end can close the socket.
        const engine = yield* Effect.provide(
          Engine,
          yield* Layer.build(Engine.layer({ baseUrl: server.url, model: "m" }))
        )
        const request = { messages: [{ role: "user", content: "hi" }], requestId: "1" } as const
        const fiber = yield* Effect.forkChild(Stream.runDrain(engine.stream(request)))
        yield* eventually("the request arrived", () => server.requests.length === 1)
        yield* Effect.sleep(50)
        assert.strictEqual(server.closedByClient(), 0)
        const before = performance.now()
        yield* Fiber.interrupt(fiber)
        yield* eventually("the server saw the close", () => server.closedByClient() === 1)
        assert.isBelow(performance.now() - before, 1000)
      }))
  }

  it.live("a completed request is never seen as aborted, and its connection is used again", () =>
    Effect.gen(function*() {
      const server = yield* scriptedServer((response) => {
        response.writeHead(200, eventStream)
        response.write(chunk("a", "stop") + done)
        // The end of the body comes in a packet of its own.
        setTimeout(() => response.end(), 50)
      })
      yield* Effect.gen(function*() {
        const engine = yield* Engine
        for (const requestId of ["1", "2", "3"]) {
          yield* Stream.runDrain(engine.stream({ messages: [{ role: "user", content: "hi" }], requestId }))
        }
      }).pipe(Effect.provide(Engine.layer({ baseUrl: server.url, model: "m" })))
      assert.deepStrictEqual([server.requests.length, server.closedByClient()], [3, 0])
      assert.isBelow(server.connections(), 3)
    }))

  it.live("tokens that arrive together come as one chunk", () =>
    Effect.gen(function*() {
      const server = yield* scriptedServer(
        sends([Array.from({ length: 50 }, () => chunk("x")).join("") + chunk("", "stop")])
      )
      const sizes = yield* Effect.gen(function*() {
        const engine = yield* Engine
        const sizes: Array<number> = []
        yield* engine.stream({ messages: [{ role: "user", content: "hi" }], requestId: "1" }).pipe(
          Stream.runForEachArray((events) => Effect.sync(() => sizes.push(events.length)))
        )
        return sizes
      }).pipe(Effect.provide(Engine.layer({ baseUrl: server.url, model: "m" })))
      assert.isAtMost(sizes.length, 4)
    }))

  it.live("text survives being cut at any byte", () =>
    Effect.gen(function*() {
      const bytes = Buffer.from(chunk("grün – 火") + chunk("!", "stop") + done)
      const { error, text } = yield* outcomeOf((response) => {
        response.writeHead(200, eventStream)
        const write = (position: number): void => {
          if (position === bytes.length) return void response.end()
          response.write(bytes.subarray(position, position + 1), () => setImmediate(() => write(position + 1)))
        }
        write(0)
      })
      assert.deepStrictEqual({ error, text }, { error: undefined, text: "grün – 火!" })
    }))
})
