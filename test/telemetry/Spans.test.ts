import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Failed } from "../../src/liveness/Failed.ts"
import * as Spans from "../../src/telemetry/Spans.ts"
import { Propagates, read } from "../../src/telemetry/TraceContext.ts"
import { collectedSpans, endOf, pathOf } from "../support/collectedSpans.ts"

const outside = read({
  traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  tracestate: "vendor=1"
})!

describe("Spans", () => {
  it.effect("makes none where nobody collects any, and hands on the context that came from outside", () =>
    Effect.gen(function*() {
      const alone = yield* Spans.open("alone")
      assert.deepInclude(alone, { isRecording: false, headers: {}, span: undefined })
      const within = yield* Spans.open("within").pipe(
        Effect.withSpan("of Effect's own tracer"),
        Effect.withParentSpan(outside)
      )
      assert.deepStrictEqual(within.headers, {
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        tracestate: "vendor=1"
      })
    }))

  it.effect("gives requests the context of the span itself, and its tracestate, unless that is switched off", () =>
    Effect.gen(function*() {
      const { layer, spans } = collectedSpans()
      const open = Spans.open("call", { parent: outside }).pipe(Effect.provide(layer))
      const { headers } = yield* open
      assert.deepStrictEqual(headers, {
        traceparent: `00-4bf92f3577b34da6a3ce929d0e0e4736-${spans[0]!.spanId}-01`,
        tracestate: "vendor=1"
      })
      const child = yield* Spans.open("child", { parent: spans[0]! }).pipe(Effect.provide(layer))
      assert.strictEqual(child.headers["tracestate"], "vendor=1")
      const silent = yield* Effect.provideService(open, Propagates, false)
      assert.deepInclude(silent, { isRecording: true, headers: {} })
    }))

  it.effect("covers a stream to its end, in whatever way it ends, and says nothing of its words", () =>
    Effect.gen(function*() {
      const { layer, spans } = collectedSpans()
      const failed = new Failed({
        hop: "engine",
        tokens: 3,
        reason: { _tag: "Rejected", status: 400, detail: "the prompt was: secret" }
      })
      const run = <A, E>(stream: Stream.Stream<A, E>) =>
        Spans.stream("call", {}, () => stream).pipe(Stream.runDrain, Effect.exit, Effect.provide(layer))
      yield* run(Stream.make(1, 2))
      yield* run(Stream.concat(Stream.make(1), Stream.fail(failed)))
      yield* run(Stream.die(new Error("secret")))
      const fiber = yield* Effect.forkChild(run(Stream.concat(Stream.make(1), Stream.never)), {
        startImmediately: true
      })
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(endOf(spans[3]!), "open")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(spans.map(endOf), [
        "ok",
        `{"name":"rejected","message":"rejected"}`,
        `{"name":"Error","message":"Error"}`,
        "interrupted"
      ])
      const { status } = spans[3]!
      assert.strictEqual(status._tag === "Ended" ? status.endTime - status.startTime : 0n, 10_000_000_000n)
      assert.deepStrictEqual(Object.fromEntries(spans[1]!.attributes), {
        "error.type": "rejected",
        "a2a_campaign.verdict": "failed",
        "a2a_campaign.verdict.reason": "rejected",
        "a2a_campaign.verdict.hop": "engine",
        "a2a_campaign.verdict.tokens": 3,
        "http.response.status_code": 400
      })
      assert.notInclude(JSON.stringify(spans, (_, value) => typeof value === "bigint" ? "" : value), "secret")
    }))

  it.effect("keeps a bounded number of events", () =>
    Effect.gen(function*() {
      const { layer, spans } = collectedSpans()
      const span = yield* Spans.open("long").pipe(Effect.provide(layer))
      for (let index = 0; index < 10_000; index++) span.event("again", { index })
      assert.strictEqual(spans[0]!.events.length, 128)
    }))

  it.effect("nests effects, begins traces, and takes the request's own span before what was open at the start", () =>
    Effect.gen(function*() {
      const { layer, spans } = collectedSpans("all")
      yield* Effect.gen(function*() {
        yield* Spans.effect("outer", {}, () => Spans.effect("inner", {}, () => Effect.void))
        yield* Spans.effect("outer", {}, () => Spans.open("root", { parent: null }))
        const server = Effect.withSpan(Spans.parentOf({ traceparent: "none" }), "http.server POST", { kind: "server" })
        assert.strictEqual((yield* server)?.spanId, spans.at(-1)?.spanId)
        const ambient = Effect.withSpan(Spans.parentOf({}), "open when the server was started")
        assert.isUndefined(yield* ambient)
      }).pipe(Effect.provide(layer))
      assert.deepStrictEqual(spans.slice(0, 4).map(pathOf), ["outer", "outer > inner", "outer", "root"])
    }))
})
