/** One trace over all hops: what our client sends, our server reads, and the engine is told. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import type * as Tracer from "effect/Tracer"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { makeExecutor } from "../../src/agents/AnswerExecutor.ts"
import * as FollowedTask from "../../src/agents/FollowedTask.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { WatchedEngine } from "../../src/engine/WatchedEngine.ts"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import { defaults, withPatience } from "../../src/liveness/LivenessLimits.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { Tap } from "../../src/tap/Tap.ts"
import { TapClient } from "../../src/tap/TapClient.ts"
import * as Spans from "../../src/telemetry/Spans.ts"
import { read } from "../../src/telemetry/TraceContext.ts"
import { Signal } from "../../src/token/TokenEvent.ts"
import { agent, post, said } from "../support/agents.ts"
import { collectedSpans, endOf, pathOf } from "../support/collectedSpans.ts"
import { stalled } from "../support/runErrors.ts"
import { scriptedServer } from "../support/scriptedServer.ts"
import { tapFor } from "../tap/harness.ts"

const chunk = (fields: object) => `data: ${JSON.stringify({ choices: [{ index: 0, ...fields }] })}\n\n`

/** An engine that answers in two tokens. */
const engineServer = scriptedServer((response) => {
  response.writeHead(200, { "content-type": "text/event-stream" })
  response.write(chunk({ delta: { content: "an answer" }, token_ids: [1, 2] }))
  response.write(chunk({ delta: {}, finish_reason: "stop" }))
  response.write(`data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 2 } })}\n\n`)
  response.end("data: [DONE]\n\n")
})

const watched = (engine: Layer.Layer<Engine>, patience = 90_000) =>
  WatchedEngine.layer({ limits: withPatience(defaults, patience) }).pipe(
    Layer.provide([EngineEvidence.layerNone, LimitLearner.layerNone, Ticker.layer()]),
    Layer.provideMerge(engine)
  )

/** Our purple agent in front of an engine, both on loopback. */
const world = Effect.gen(function*() {
  const server = yield* engineServer
  const address = { baseUrl: `${server.url}/v1`, model: "m", apiKey: Redacted.make("sk-very-secret") }
  const engine = Context.get(yield* Layer.build(watched(Engine.layer(address))), WatchedEngine)
  const purple = yield* agent(makeExecutor(engine))
  const client = Context.get(
    yield* Layer.build(A2aClient.layerWith({
      tokens: new Map([[new URL(purple.url).origin, Redacted.make("agent-secret")]])
    })),
    A2aClient
  )
  return { server, purple, client }
})

const parentIdOf = ({ parent }: Tracer.NativeSpan) => parent._tag === "Some" ? parent.value.spanId : undefined

const attributesOf = (span: Tracer.NativeSpan | undefined) => Object.fromEntries(span?.attributes ?? [])

const message = (text: string, method = "SendMessage", configuration: object = {}) => ({
  jsonrpc: "2.0",
  id: 1,
  method,
  params: { message: { messageId: "m1", role: "ROLE_USER", parts: [{ text }] }, configuration }
})

const V1 = { "a2a-version": "1.0" }
const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

describe("one trace over all hops", () => {
  it.live("goes from who asks through the agent to the engine, with names and numbers and without words", () =>
    Effect.gen(function*() {
      const { layer, spans } = collectedSpans()
      const { client, purple, server } = yield* Effect.provide(world, layer)
      yield* Spans.effect("attempt", {}, () =>
        FollowedTask.follow({
          client,
          message: { url: purple.url, hop: "purple", text: "a very secret prompt" },
          following: FollowedTask.byItself,
          watch: { run: { hop: "purple", attempt: 1, endpoint: purple.url, model: "" } }
        }).pipe(Stream.runDrain)).pipe(Effect.provide([layer, Ticker.layer()]))
      // The server's span ends when its response has been sent.
      yield* Effect.sleep("50 millis")
      assert.deepStrictEqual(spans.map(pathOf), [
        "attempt",
        "attempt > invoke_agent purple",
        "outside > SendStreamingMessage",
        "outside > SendStreamingMessage > chat m"
      ])
      const [, invoke, serve, chat] = spans
      assert.strictEqual(parentIdOf(serve!), invoke?.spanId)
      assert.strictEqual(new Set([invoke, serve, chat].map((span) => span?.traceId)).size, 1)
      const [request] = server.requests
      assert.strictEqual(request?.headers["traceparent"], `00-${chat?.traceId}-${chat?.spanId}-01`)
      assert.deepStrictEqual([invoke, serve, chat].map((span) => span?.kind), ["client", "server", "client"])
      assert.deepStrictEqual([invoke, serve, chat].map((span) => endOf(span!)), ["ok", "ok", "ok"])
      const { port } = new URL(server.url)
      const { "a2a_campaign.request.id": requestId, "gen_ai.response.time_to_first_chunk": first, ...told } =
        attributesOf(chat)
      assert.deepStrictEqual(told, {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.request.max_tokens": 4096,
        "gen_ai.request.stream": true,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 2,
        "a2a_campaign.hop": "engine",
        "server.address": "127.0.0.1",
        "server.port": Number(port)
      })
      assert.isNumber(first)
      assert.strictEqual(attributesOf(serve)["a2a.task.id"], requestId)
      assert.strictEqual(attributesOf(invoke)["a2a.task.id"], requestId)
      assert.deepInclude(attributesOf(serve), {
        "a2a.method.name": "SendStreamingMessage",
        "a2a.protocol.version": "1.0",
        "a2a.task.state": "TASK_STATE_COMPLETED"
      })
      assert.deepInclude(attributesOf(invoke), {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "test agent",
        "gen_ai.conversation.id": attributesOf(serve)["gen_ai.conversation.id"]
      })
      const all = JSON.stringify(
        spans.map(({ attributes, events, name, status }) => [name, [...attributes], events, status]),
        (_, value) => typeof value === "bigint" ? String(value) : value
      )
      assert.notMatch(all, /secret|an answer/)
    }))

  it.live("hands the context of a request on where nobody collects spans, and nothing of a malformed one", () =>
    Effect.gen(function*() {
      const { purple, server } = yield* world
      const ask = (headers: Record<string, string>) => post(purple.url, message("hello"), { ...V1, ...headers })
      yield* ask({ traceparent, tracestate: "vendor=1" })
      yield* ask({ traceparent: "00-nonsense-01", tracestate: "vendor=1" })
      yield* ask({})
      assert.deepStrictEqual(
        server.requests.map(({ headers: { traceparent, tracestate } }) => [traceparent, tracestate]),
        [
          [traceparent, "vendor=1"],
          [undefined, undefined],
          [undefined, undefined]
        ]
      )
    }))

  it.live("runs the work of a task under the request that began it, though it outlives that", () =>
    Effect.gen(function*() {
      const { layer, spans } = collectedSpans()
      const { purple, server } = yield* Effect.provide(world, layer)
      const { text } = yield* post(purple.url, message("hello", "SendMessage", { returnImmediately: true }), {
        ...V1,
        traceparent,
        tracestate: "vendor=1"
      })
      yield* Effect.sleep("100 millis")
      yield* post(purple.url, {
        jsonrpc: "2.0",
        id: 2,
        method: "GetTask",
        params: { id: JSON.parse(text).result.task.id }
      }, V1)
      yield* post(purple.url, { jsonrpc: "2.0", id: 3, method: "CancelTask", params: { id: "unknown" } }, V1)
      assert.deepStrictEqual(spans.map(pathOf), [
        "outside > SendMessage",
        "outside > SendMessage > chat m",
        "CancelTask"
      ])
      assert.strictEqual(spans[1]?.traceId, traceparent.split("-")[1])
      assert.strictEqual(server.requests[0]?.headers["tracestate"], "vendor=1")
      assert.deepStrictEqual(spans.map((span) => endOf(span).replace(/.*"name":"(\w+)".*/, "$1")), [
        "ok",
        "ok",
        "TaskNotFoundError"
      ])
    }))

  it.live("stands below the spans of the HTTP server where those are wanted, and begins a trace with each request", () =>
    Effect.gen(function*() {
      const { layer, spans } = collectedSpans("all")
      const { purple } = yield* Effect.provide(world, layer).pipe(Effect.withSpan("open when the server was started"))
      spans.length = 0
      yield* post(purple.url, message("hello"), { ...V1, traceparent })
      yield* post(purple.url, message("hello"), V1)
      assert.deepStrictEqual(spans.map(pathOf).filter((path) => !path.includes("chat")), [
        "outside > POST",
        "outside > POST > SendMessage",
        "POST",
        "POST > SendMessage"
      ])
    }))

  it.live("ends every span around a stall with its kind", () =>
    Effect.gen(function*() {
      const { layer, spans } = collectedSpans()
      const error = stalled("engine-hung")
      yield* Effect.gen(function*() {
        const purple = yield* agent(() => Stream.concat(Stream.make(said("begun")), Stream.fail(error)))
        const client = yield* A2aClient
        yield* client.send({ url: purple.url, hop: "purple", text: "hi" }).pipe(Stream.runDrain, Effect.flip)
        yield* Effect.sleep("50 millis")
      }).pipe(Effect.provide([A2aClient.layer, layer]))
      assert.deepStrictEqual(spans.map(({ name }) => name), ["invoke_agent purple", "SendStreamingMessage"])
      for (const span of spans) {
        assert.include(endOf(span), "engine-hung", span.name)
        assert.deepInclude(attributesOf(span), {
          "error.type": "engine-hung",
          "a2a_campaign.verdict": "stalled",
          "a2a_campaign.verdict.hop": "engine",
          "a2a_campaign.verdict.confidence": "proved",
          "a2a_campaign.silence": 60,
          "a2a_campaign.limit.name": "frozen",
          "a2a_campaign.evidence.binding": "proven"
        })
      }
    }))

  it.effect("tells on the span of a call what its watch finds, up to the stall that ends it", () =>
    Effect.gen(function*() {
      const { layer, spans } = collectedSpans()
      const mute = Engine.layerTest(
        Stream.concat(Stream.make(Signal.make({ signal: "accepted" }), said("a")), Stream.never)
      )
      const engine = Context.get(yield* Layer.build(watched(mute)), WatchedEngine)
      const fiber = yield* engine.stream({ messages: [], requestId: "r" }).pipe(
        Stream.runDrain,
        Effect.flip,
        Effect.provide(layer),
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("3 minutes")
      yield* Fiber.join(fiber)
      const chat = spans.find(({ name }) => name === "chat test")!
      const verdicts = chat.events.map((
        [, , attributes]
      ) => [
        attributes["a2a_campaign.verdict"],
        attributes["a2a_campaign.verdict.reason"] ?? attributes["a2a_campaign.phase"]
      ])
      assert.deepStrictEqual(verdicts.slice(-3).map(([verdict]) => verdict), ["alive", "slow", "stalled"])
      assert.deepStrictEqual(verdicts.at(-1), ["stalled", "silent"])
      assert.deepInclude(attributesOf(chat), { "error.type": "silent", "a2a_campaign.verdict.confidence": "inferred" })
    }))

  it.live("continues at the tap what the agent says, or what the runner said when it opened the battle", () =>
    Effect.gen(function*() {
      const { layer, spans } = collectedSpans()
      const server = yield* engineServer
      const ask = (url: string, headers: Record<string, string>) =>
        post(
          `${url}/chat/completions`,
          { model: "m", messages: [{ role: "user", content: "secret" }], stream: true },
          headers
        )
      const { baseUrl: plain } = Context.get(yield* Layer.build(tapFor(`${server.url}/v1`)), Tap)
      yield* ask(plain, { traceparent, tracestate: "vendor=1" })
      assert.deepInclude(server.requests[0]?.headers, { traceparent, tracestate: "vendor=1" })
      yield* Effect.gen(function*() {
        const tap = yield* Tap
        yield* ask(tap.baseUrl, { traceparent, tracestate: "vendor=1" })
        const opened = yield* Effect.forkChild(
          (yield* TapClient).battle({
            tapUrl: tap.url,
            battle: "b",
            agent: "a",
            attempt: 1,
            patience: 1,
            headers: { traceparent: "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01" }
          }).pipe(Stream.runDrain),
          { startImmediately: true }
        )
        yield* Effect.sleep("100 millis")
        yield* ask(tap.baseUrlOfBattle("b"), {})
        yield* Fiber.interrupt(opened)
      }).pipe(Effect.provide([Layer.fresh(tapFor(`${server.url}/v1`)), TapClient.layer]), Effect.provide(layer))
      const calls = spans.filter(({ name }) => name === "chat m")
      assert.deepStrictEqual(calls.map((span) => [pathOf(span), parentIdOf(span), endOf(span)]), [
        ["outside > chat m", "00f067aa0ba902b7", "ok"],
        ["outside > chat m", "bbbbbbbbbbbbbbbb", "ok"]
      ])
      assert.deepStrictEqual(
        server.requests.slice(1).map((
          { headers }
        ) => [read({ traceparent: String(headers["traceparent"]) })?.spanId, headers["tracestate"]]),
        [[calls[0]?.spanId, "vendor=1"], [calls[1]?.spanId, undefined]]
      )
      assert.deepInclude(attributesOf(calls[1]), { "gen_ai.usage.output_tokens": 2, "a2a_campaign.battle.agent": "a" })
    }))
})
