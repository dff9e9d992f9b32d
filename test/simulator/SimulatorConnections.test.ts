// Connections of the simulated server: early headers, queueing, clients that leave or do not read, start and stop.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { SimulatorError } from "../../src/simulator/SimulatorError.ts"
import { journal, post, rawPost, simulator, stream, streams, textOf, userMessage, within1Second } from "./harness.ts"

const words = (tokens: number) => ({ _tag: "LengthOnly", tokens }) as const
const streamed = (prompt: string) => ({ ...userMessage(prompt), stream: true })

/** The journal of a request whose client leaves in the given state. */
const eventsAfterLeaving = (leave: "first token" | "prefill" | "queue") =>
  Effect.gen(function*() {
    yield* Effect.scoped(Effect.gen(function*() {
      if (leave === "queue") yield* rawPost(streamed("in front"))
      yield* within1Second(streams, (open) => open.length === (leave === "queue" ? 1 : 0))
      const raw = yield* rawPost({ ...streamed("leaver"), stream: true })
      const wanted = { "first token": "decoding", prefill: "prefill", queue: "queued" }[leave]
      yield* within1Second(streams, (open) => open.at(-1)?.prompt === "leaver" && open.at(-1)?.state === wanted)
      raw.socket.destroy()
      yield* within1Second(streams, (open) => open.every(({ prompt }) => prompt !== "leaver"))
    }))
    const events = yield* within1Second(
      journal,
      (seen) => seen.filter(({ event }) => event === "abort-honoured").length === (leave === "queue" ? 2 : 1)
    )
    const leaver = events.findLast(({ event }) => event === "request")!.request
    return events.filter(({ request }) => request === leaver).map(({ event }) => event)
  }).pipe(Effect.provide(simulator({
    timeToFirstTokenMillis: leave === "first token" ? 0 : 60_000,
    interTokenMillis: 20,
    maxConcurrentRequests: 1,
    answers: words(100_000)
  })))

describe("Simulator: headers", () => {
  it.live("come before queueing and before the first token, alone", () =>
    Effect.gen(function*() {
      const running = yield* rawPost(streamed("first"))
      const queued = yield* rawPost(streamed("second"))
      yield* within1Second(
        Effect.sync(() => [running, queued]),
        (raws) => raws.every((raw) => raw.received.includes("\r\n\r\n"))
      )
      yield* Effect.sleep(50)
      for (const { received } of [running, queued]) {
        assert.match(received, /^HTTP\/1\.1 200 OK\r\n/)
        assert.match(received, /content-type: text\/event-stream/i)
        assert.isTrue(received.endsWith("\r\n\r\n"), "not a byte of the body")
      }
      assert.deepStrictEqual((yield* streams).map(({ prompt, state }) => `${prompt} ${state}`), [
        "first prefill",
        "second queued"
      ])
    }).pipe(
      Effect.scoped,
      Effect.provide(simulator({ timeToFirstTokenMillis: 60_000, maxConcurrentRequests: 1 }))
    ))
})

describe("Simulator: queueing", () => {
  it.live("serves one after the other, first come first served", () =>
    Effect.gen(function*() {
      yield* Effect.forEach(["a", "b", "c"], (prompt, index) => Effect.delay(stream(userMessage(prompt)), index * 30), {
        concurrency: "unbounded"
      })
      const order = (yield* journal).filter(({ event }) => event === "first-token" || event === "finish")
      const ids = order.map(({ request }) => request)
      assert.deepStrictEqual(order.map(({ event }) => event), [
        "first-token",
        "finish",
        "first-token",
        "finish",
        "first-token",
        "finish"
      ])
      assert.isTrue(ids[0] === ids[1] && ids[2] === ids[3] && ids[4] === ids[5])
      const arrived = (yield* journal).filter(({ event }) => event === "request").map(({ request }) => request)
      assert.deepStrictEqual([ids[0], ids[2], ids[4]], arrived)
      assert.isTrue(order.every(({ atMillis }, index) => index === 0 || atMillis >= order[index - 1]!.atMillis))
    }).pipe(
      Effect.provide(simulator({
        timeToFirstTokenMillis: 50,
        interTokenMillis: 5,
        maxConcurrentRequests: 1,
        answers: words(10)
      }))
    ))
})

describe("Simulator: a client that leaves", () => {
  it.live("while tokens flow", () =>
    Effect.gen(function*() {
      const events = yield* eventsAfterLeaving("first token")
      assert.deepStrictEqual(events.slice(0, 5), ["request", "headers", "first-byte", "first-token", "chunk"])
      assert.deepStrictEqual(events.slice(-2), ["close-seen", "abort-honoured"])
    }))

  it.live("before the first token", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* eventsAfterLeaving("prefill"), [
        "request",
        "headers",
        "close-seen",
        "abort-honoured"
      ])
    }))

  it.live("while queued", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* eventsAfterLeaving("queue"), ["request", "headers", "close-seen", "abort-honoured"])
    }))

  it.live("while an answer is made that is not streamed", () =>
    Effect.gen(function*() {
      const raw = yield* rawPost(userMessage("whole"))
      yield* within1Second(streams, (open) => open.length === 1)
      raw.socket.destroy()
      const events = yield* within1Second(journal, (seen) => seen.length === 3)
      assert.deepStrictEqual(events.map(({ event }) => event), ["request", "close-seen", "abort-honoured"])
    }).pipe(Effect.scoped, Effect.provide(simulator({ timeToFirstTokenMillis: 60_000 }))))

  it.live("by a fetch that is aborted", () =>
    Effect.gen(function*() {
      const controller = new AbortController()
      const { url } = yield* Simulator
      const response = yield* Effect.promise(() =>
        fetch(`${url}/v1/chat/completions`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(streamed("Hi")),
          signal: controller.signal
        })
      )
      assert.strictEqual(response.status, 200)
      controller.abort()
      yield* within1Second(streams, (open) => open.length === 0)
      assert.strictEqual((yield* journal).at(-1)?.event, "abort-honoured")
    }).pipe(Effect.provide(simulator({ timeToFirstTokenMillis: 60_000 }))))
})

describe("Simulator: a client that does not read", () => {
  it.live("is not sent more than the connection takes, and loses nothing", () =>
    Effect.gen(function*() {
      const raw = yield* rawPost(streamed("Hi"))
      raw.socket.pause()
      yield* within1Second(streams, ([first]) => first?.state === "finished")
      yield* Effect.sleep(300)
      const [open] = yield* streams
      assert.strictEqual(open?.state, "finished")
      assert.isBelow(open!.tokens, 150_000)
      yield* Effect.sleep(100)
      assert.strictEqual((yield* streams)[0]?.tokens, open!.tokens)
      raw.socket.resume()
      yield* Effect.sync(() => raw.received.endsWith("0\r\n\r\n")).pipe(
        Effect.repeat({ until: (all) => all, schedule: Schedule.spaced("20 millis") }),
        Effect.timeout("5 seconds")
      )
      const sent = (yield* journal).reduce((sum, { tokens }) => sum + (tokens ?? 0), 0)
      assert.strictEqual(sent, 150_000)
      assert.strictEqual(raw.received.match(/"delta":\{"content":" ?token"\}/g)?.length, 150_000)
    }).pipe(
      Effect.scoped,
      Effect.provide(simulator({ timeToFirstTokenMillis: 0, interTokenMillis: 0, answers: words(150_000) }))
    ))
})

describe("Simulator: start and stop", () => {
  it.live("names the port that is in use", () =>
    Effect.gen(function*() {
      const other = yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const server = createServer()
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const { port } = other.address() as AddressInfo
      const error = yield* Effect.flip(Layer.build(Simulator.layer({ host: "127.0.0.1", port })))
      assert.instanceOf(error, SimulatorError)
      assert.strictEqual(error.message, `port ${port} on 127.0.0.1 is already in use`)
      assert.strictEqual(error.reason["_tag"], "PortInUse")
    }).pipe(Effect.scoped))

  it.live("says in one line why it cannot listen and which option is wrong", () =>
    Effect.gen(function*() {
      const listening = yield* Effect.flip(Layer.build(Simulator.layer({ host: "256.0.0.1", port: 1 })))
      assert.match(listening.message, /^cannot listen on port 1 of 256\.0\.0\.1: [A-Z_]+$/)
      const option = yield* Effect.flip(
        Layer.build(Simulator.layer({ host: "127.0.0.1", port: 0, interTokenMillis: -1 }))
      )
      assert.match(option.message, /^invalid simulator options: .*interTokenMillis.*$/)
      const port = yield* Effect.flip(Layer.build(Simulator.layer({ host: "127.0.0.1", port: 70_000 })))
      assert.match(port.message, /^invalid simulator options: .*port.*$/)
    }).pipe(Effect.scoped))

  it.live("stops at once with open streams and frees the port", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const layer = simulator({ timeToFirstTokenMillis: 60_000, maxConcurrentRequests: 1 })
      const context = yield* Layer.buildWithScope(layer, scope)
      const { port } = new URL((yield* Effect.provide(Simulator, context)).url)
      const [running, queued] = yield* Effect.all([rawPost(streamed("a")), rawPost(streamed("b"))]).pipe(
        Effect.provide(context)
      )
      yield* within1Second(streams, (open) => open.length === 2).pipe(Effect.provide(context))
      const begin = performance.now()
      yield* Scope.close(scope, Exit.void)
      assert.isBelow(performance.now() - begin, 500)
      yield* within1Second(Effect.sync(() => running.closed && queued.closed), (closed) => closed)
      const again = Simulator.layer({ host: "127.0.0.1", port: Number(port), interTokenMillis: 0, answers: words(3) })
      const text = yield* Effect.flatMap(post(userMessage("Hi")), textOf).pipe(Effect.provide(again))
      assert.include(text, "token token token")
    }).pipe(Effect.scoped))
})
