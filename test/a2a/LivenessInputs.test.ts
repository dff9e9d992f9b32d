/** What the events of a task are to the reducer, and what the watch of an A2A hop makes of them. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import type { DeliveryMode } from "../../src/a2a/DeliveryMode.ts"
import { inputsOf } from "../../src/a2a/LivenessInputs.ts"
import { Artifact, Ended, Heartbeat, Replaced, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { watchTask } from "../../src/a2a/watchTask.ts"
import type { LivenessInput } from "../../src/liveness/LivenessInput.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { Finish, Signal, Usage } from "../../src/token/TokenEvent.ts"
import { said } from "../support/agents.ts"
import { taskEvents } from "../support/arbitraries.ts"
import { stalled } from "../support/runErrors.ts"

const run = { hop: "purple", attempt: 1, endpoint: "http://purple/", model: "" } as const
const beat = (tokenAgeMillis: number, engine: "moving" | "unknown" = "moving") =>
  Heartbeat.make({ phase: "decoding", tokens: 1, tokenAgeMillis, engine, intervalMillis: 5000 })

const tagsOf = (inputs: ReadonlyArray<LivenessInput>) => inputs.map(({ _tag }) => _tag)

describe("inputsOf", () => {
  it("takes a bare state and signals for transport, lines and artifacts for life", () => {
    assert.deepStrictEqual(tagsOf(inputsOf([Status.make({ state: "working", text: "" })], 1)), ["Headers"])
    assert.deepStrictEqual(tagsOf(inputsOf([Signal.make({ signal: "keep-alive" })], 1)), ["TransportOnly"])
    for (
      const event of [
        Status.make({ state: "working", text: "task 1 of 2" }),
        Artifact.make({ artifactId: "a", name: "a", parts: [] }),
        Replaced.make({ text: "x" })
      ]
    ) {
      assert.deepInclude(inputsOf([event], 1)[0], { _tag: "Frame", text: true, tokens: 0, finishReason: null })
    }
  })

  it("takes an agent that answers only at its end for one that has taken its work, and that alone for no life", () => {
    const followed = (mode: DeliveryMode) =>
      inputsOf([{ _tag: "Followed", hop: "purple", mode, exact: true, why: "" }], 1)
    assert.deepStrictEqual(tagsOf(followed("blocking")), ["Headers"])
    for (const mode of ["stream", "poll", "tap"] as const) assert.deepStrictEqual(followed(mode), [])
  })

  it("ends the work with the task, not with an answer inside it", () => {
    const answer = inputsOf([said("a"), Finish.make({ reason: "stop" })], 1)
    assert.deepStrictEqual(answer.map((input) => input._tag === "Frame" ? input.finishReason : undefined), [null])
    const ended = (state: "completed" | "failed") => inputsOf([Ended.make({ state, text: "", error: null })], 1)
    assert.deepInclude(ended("completed")[0], { _tag: "Frame", text: false, finishReason: "completed" })
    // The error that follows says why.
    assert.deepStrictEqual(ended("failed"), [])
  })

  it("keeps the order of heartbeats and tokens", () => {
    const events = [said("a"), said("b"), beat(5), said("c"), Usage.make({ promptTokens: 1, completionTokens: 9 })]
    const inputs = inputsOf(events, 7)
    assert.deepStrictEqual(tagsOf(inputs), ["Frame", "Heartbeat", "Frame"])
    assert.deepInclude(inputs[0], { tokens: 2 })
    assert.deepInclude(inputs[1], { tokenAgeMillis: 5, at: 7 })
    assert.deepInclude(inputs[2], { usage: 9 })
  })

  it.prop("is total, and loses no token", [taskEvents], ([events]) => {
    const tokens = inputsOf(events, 3).reduce((sum, input) => sum + (input._tag === "Frame" ? input.tokens : 0), 0)
    const sent = events.reduce(
      (sum, event) => sum + ("tokens" in event && event._tag !== "Heartbeat" ? event.tokens : 0),
      0
    )
    assert.strictEqual(tokens, sent)
  }, { arbitrary: { runs: 1000 } })
})

describe("watchTask", () => {
  /** Runs a task and gives what came out of it, with the seconds at which it came. */
  const watched = (task: Stream.Stream<TaskEvent, never>, hours = 1) =>
    Effect.gen(function*() {
      const events: Array<TaskEvent> = []
      const fiber = yield* task.pipe(
        watchTask({ run }),
        Stream.runForEach((event) => Effect.sync(() => events.push(event))),
        Effect.match({ onSuccess: () => "completed" as const, onFailure: (error) => error }),
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust(`${hours} hours`)
      return { events, ended: fiber.pollUnsafe() }
    }).pipe(Effect.provide(Ticker.layer()))

  const beating = (age: (second: number) => number, engine: "moving" | "unknown" = "moving") =>
    Stream.tick("5 seconds").pipe(Stream.zipWithIndex, Stream.map(([, index]) => beat(age(index * 5000), engine)))

  it.effect("waits for an agent whose engine moves, and tells outwards what it knows, once each interval", () =>
    Effect.gen(function*() {
      const task = Stream.concat(Stream.make(said("a")), beating((age) => age))
      const { ended, events } = yield* watched(task)
      assert.isUndefined(ended)
      const beats = events.filter((event) => event._tag === "Heartbeat")
      // Those of the agent end here: one every five seconds, not two.
      assert.closeTo(beats.length, 720, 2)
      assert.closeTo(beats.at(-1)!.tokenAgeMillis, 3_600_000, 10_000)
      assert.strictEqual(beats.at(-1)!.engine, "moving")
    }))

  it.effect("gives up an agent that beats on while nobody knows of its engine, and one that stops to beat", () =>
    Effect.gen(function*() {
      const mute = yield* watched(Stream.concat(Stream.make(said("a")), beating((age) => age, "unknown")))
      assert.deepInclude((mute.ended as any).value, { _tag: "Stalled", hop: "purple", kind: "silent" })
      const stops = yield* watched(Stream.concat(Stream.make(said("a"), beat(0)), Stream.never))
      assert.deepInclude((stops.ended as any).value, { _tag: "Stalled", hop: "purple", kind: "agent-silent" })
      assert.isAtMost((stops.ended as any).value.silentMillis, 33_000)
    }))

  it.effect("hands on the error of a hop further in", () =>
    Effect.gen(function*() {
      const error = stalled("engine-hung")
      const ended = yield* Stream.fail(error).pipe(
        watchTask({ run }),
        Stream.runDrain,
        Effect.flip,
        Effect.provide(Ticker.layer())
      )
      assert.strictEqual(ended, error)
    }))
})
