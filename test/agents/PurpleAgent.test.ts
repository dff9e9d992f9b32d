import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import type { AgentRequest } from "../../src/a2a/AgentExecutor.ts"
import type { TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { makeExecutor } from "../../src/agents/AnswerExecutor.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { WatchedEngine } from "../../src/engine/WatchedEngine.ts"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import { Failed } from "../../src/liveness/Failed.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import { defaults, withPatience } from "../../src/liveness/LivenessLimits.ts"
import { Stalled } from "../../src/liveness/Stalled.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { Delta, Signal } from "../../src/token/TokenEvent.ts"
import { agentRequest, said } from "../support/agents.ts"

const failed = new Failed({ hop: "engine", tokens: 1, reason: { _tag: "Truncated" } })
const request = agentRequest({ said: { attempt: 2, patience: 1 } })

/** One token, and then only signs of the transport. */
const mute = WatchedEngine.layer({ limits: withPatience(defaults, 90_000) }).pipe(
  Layer.provide([
    EngineEvidence.layerNone,
    LimitLearner.layerNone,
    Ticker.layer(),
    Engine.layerTest(Stream.concat(
      Stream.make(Signal.make({ signal: "accepted" }), said("a")),
      Stream.tick("1 second").pipe(Stream.map(() => Signal.make({ signal: "keep-alive" })))
    ))
  ])
)

describe("PurpleAgent", () => {
  it.effect("gives up an engine that sends only signs of its transport, and names it", () =>
    Effect.gen(function*() {
      const events: Array<TaskEvent> = []
      const fiber = yield* makeExecutor(yield* WatchedEngine)(request).pipe(
        Stream.runForEach((event) => Effect.sync(() => events.push(event))),
        Effect.flip,
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("10 minutes")
      const error = yield* Fiber.join(fiber)
      assert.instanceOf(error, Stalled)
      assert.deepInclude(error, { kind: "silent", hop: "engine", phase: "decoding", tokens: 1, silentMillis: 92_000 })
      assert.deepStrictEqual(error.limit, { name: "silent", millis: 90_000, origin: "not-learned", learning: null })
      // Every five seconds it said that it lives, and that the engine does not speak.
      const beats = events.filter((event) => event._tag === "Heartbeat")
      assert.deepStrictEqual(
        beats.map(({ tokenAgeMillis }) => tokenAgeMillis / 1000),
        Array.from({ length: 18 }, (_, index) => 5 * (index + 1))
      )
      for (const { engine, intervalMillis, phase, tokens } of beats) {
        assert.deepStrictEqual([engine, intervalMillis, phase, tokens], ["unknown", 5000, "decoding", 1])
      }
    }).pipe(Effect.provide(mute)))

  it.effect("tells the engine what was said in the context before, as far as it came to an end", () =>
    Effect.gen(function*() {
      const asked: Array<ReadonlyArray<string>> = []
      const execute = makeExecutor({
        model: "m",
        baseUrl: "",
        stream: ({ messages }) => {
          asked.push(messages.map(({ content, role }) => `${role}: ${content}`))
          const answer = Stream.make(
            Delta.make({ channel: "reasoning", text: "hm", tokens: 1 }),
            said(`${asked.length}`)
          )
          return messages.at(-1)?.content === "break" ? Stream.concat(answer, Stream.fail(failed)) : answer
        }
      })
      const send = (fields: Partial<AgentRequest>) => Effect.exit(Stream.runDrain(execute(agentRequest(fields))))
      yield* send({ text: "first" })
      yield* send({ text: "break" })
      yield* send({ text: "look", data: [{ at: 1 }] })
      yield* send({ text: "other tenant", tenant: "u" })
      yield* send({ text: "other context", contextId: "d" })
      assert.deepStrictEqual(asked, [
        ["user: first"],
        ["user: first", "assistant: 1", "user: break"],
        ["user: first", "assistant: 1", "user: look\n{\"at\":1}"],
        ["user: other tenant"],
        ["user: other context"]
      ])
    }))
})
