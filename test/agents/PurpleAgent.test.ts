import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { makeExecutor } from "../../src/agents/PurpleAgent.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { Stalled } from "../../src/liveness/Stalled.ts"
import { Signal } from "../../src/token/TokenEvent.ts"
import { said } from "../support/agents.ts"

const request = { taskId: "t", contextId: "c", text: "hi", data: [], exact: true }

describe("PurpleAgent", () => {
  it.effect("gives up an engine that sends only signs of its transport, and names it", () =>
    Effect.gen(function*() {
      const engine = yield* Engine
      const executor = makeExecutor(engine, Duration.seconds(90))
      const fiber = yield* Effect.forkChild(Effect.flip(Stream.runDrain(executor(request))), { startImmediately: true })
      yield* TestClock.adjust("10 minutes")
      const error = yield* Fiber.join(fiber)
      assert.instanceOf(error, Stalled)
      assert.deepInclude(error, { kind: "silent", hop: "engine", phase: "decoding", tokens: 1, limitMillis: 90_000 })
      assert.isAtMost(error._tag === "Stalled" ? error.silentMillis : 0, 90_001)
    }).pipe(Effect.provide(Engine.layerTest(
      Stream.concat(
        Stream.make(Signal.make({ signal: "accepted" }), said("a")),
        Stream.tick("1 second").pipe(Stream.map(() => Signal.make({ signal: "keep-alive" })))
      )
    ))))
})
