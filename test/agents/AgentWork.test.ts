import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { expectTypeOf } from "vitest"
import type { AgentExecutor } from "../../src/a2a/AgentExecutor.ts"
import { Ended, Replaced, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { watchTask } from "../../src/a2a/watchTask.ts"
import * as AgentWork from "../../src/agents/AgentWork.ts"
import { PurpleAgent } from "../../src/agents/PurpleAgent.ts"
import { Engine, type EngineRequest } from "../../src/engine/Engine.ts"
import { WatchedEngine } from "../../src/engine/WatchedEngine.ts"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import type { Failed } from "../../src/liveness/Failed.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { Finish, Signal, type TokenEvent } from "../../src/token/TokenEvent.ts"
import { agentRequest, ask, said } from "../support/agents.ts"

const accepted = Signal.make({ signal: "accepted" })
const finish = Finish.make({ reason: "stop" })

/** An engine that gives these answers, one to each call, and tells what it was asked. */
const engineOf = (asked: Array<EngineRequest>, ...answers: ReadonlyArray<Stream.Stream<TokenEvent, Failed>>) =>
  WatchedEngine.layer().pipe(Layer.provide([
    EngineEvidence.layerNone,
    LimitLearner.layerNone,
    Layer.effect(
      Engine,
      Effect.map(Engine, (engine) =>
        Engine.of({
          ...engine,
          stream: (request) => {
            asked.push(request)
            return answers[asked.length - 1] ?? Stream.empty
          }
        }))
    ).pipe(Layer.provide(Engine.layerTest(Stream.empty)))
  ]))

/** Two calls with a tool between them. */
const twice: AgentExecutor<WatchedEngine> = (request) =>
  AgentWork.ask(request, { messages: [{ role: "user", content: request.text }] }).pipe(
    AgentWork.andThen(({ content }) =>
      AgentWork.during(
        { says: "works" },
        Effect.as(
          Effect.sleep("12 seconds"),
          AgentWork.ask(request, { messages: [{ role: "user", content: `${content}?` }] })
        )
      )
    ),
    AgentWork.asOneAnswer
  )

/** What a client gets of it that watches the task, with when it came, in seconds. */
const watched = Effect.fnUntraced(function*(executor: AgentExecutor<WatchedEngine>) {
  const events: Array<readonly [number, TaskEvent]> = []
  const exit = yield* executor(agentRequest({ taskId: "t" })).pipe(
    watchTask({ run: { hop: "purple", attempt: 1, endpoint: "", model: "" } }),
    Stream.runForEach((event) =>
      Effect.clockWith((clock) => Effect.sync(() => events.push([clock.currentTimeMillisUnsafe() / 1000, event])))
    ),
    Effect.exit
  )
  return { events, exit }
})

const answer = (text: string) => Stream.make(accepted, said(text), finish)

describe("an agent that asks, works, and asks again", () => {
  const run = Effect.fnUntraced(
    function*(seconds: number, ...answers: Parameters<typeof engineOf> extends [any, ...infer A] ? A : never) {
      const asked: Array<EngineRequest> = []
      const fiber = yield* watched(twice).pipe(
        Effect.provide(Layer.provideMerge(engineOf(asked, ...answers), Ticker.layer())),
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust(seconds * 1000)
      return { asked, ...yield* Fiber.join(fiber) }
    }
  )

  it.effect("gives both answers as one, and says that it works in between", () =>
    Effect.gen(function*() {
      const { asked, events, exit } = yield* run(60, answer("a"), answer("b"))
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(asked.map(({ messages, requestId }) => [requestId, messages[0]?.content]), [
        ["t", "hi"],
        ["t-2", "a?"]
      ])
      const shown = events.map(([at, event]) =>
        event._tag === "Heartbeat"
          ? [at, event.phase, event.tokens]
          : event._tag === "Delta"
          ? [at, event.text]
          : [at, event._tag]
      )
      assert.deepStrictEqual(shown, [
        [0, "Signal"],
        [0, "a"],
        [0, "Status"],
        [5, "agent-work", 1],
        [10, "agent-work", 1],
        [12, "Signal"],
        [12, "b"],
        [12, "Finish"]
      ])
    }))

  it.effect("is not given up while a later call waits for its first token as long as a first call may", () =>
    Effect.gen(function*() {
      const late = Stream.concat(
        Stream.make(accepted),
        Stream.unwrap(Effect.as(Effect.sleep("29 minutes"), answer("b")))
      )
      const { events, exit } = yield* run(40 * 60, answer("a"), late)
      assert.isTrue(Exit.isSuccess(exit))
      assert.strictEqual(events.at(-1)?.[1]._tag, "Finish")
    }))

  it.effect("ends with the error of the engine where a later call hangs, and so says its client", () =>
    Effect.gen(function*() {
      const { exit } = yield* run(40 * 60, answer("a"), Stream.concat(Stream.make(accepted), Stream.never))
      assert.isTrue(Exit.isFailure(exit))
      const error = yield* Effect.flip(Effect.suspend(() => exit))
      assert.deepInclude(error, { _tag: "Stalled", kind: "silent", hop: "engine", tokens: 0 })
    }))
})

describe("Conversations.turn", () => {
  it.effect("tells the model what was answered before in the context, in however many calls, and only what ended", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const conversations = new AgentWork.Conversations()
      const say = (fields: Parameters<typeof agentRequest>[0], answer: Stream.Stream<TaskEvent, Failed>) =>
        conversations.turn(agentRequest(fields), (messages) => {
          asked.push(messages.map(({ content, role }) => `${role}: ${content}`).join(", "))
          return answer
        }).pipe(Stream.runDrain, Effect.exit)
      yield* say({ text: "one" }, AgentWork.andThen(Stream.make(said("a")), () => Stream.make(said("b"))))
      yield* say({ text: "two" }, Stream.concat(Stream.make(said("c")), Stream.fail(AgentWork.failed("broke"))))
      yield* say({ text: "three", data: [{ x: 1 }] }, Stream.make(said("d"), Replaced.make({ text: "e" })))
      yield* say({ text: "four" }, Stream.empty)
      yield* say({ text: "five", user: "somebody else" }, Stream.empty)
      assert.deepStrictEqual(asked, [
        "user: one",
        "user: one, assistant: ab, user: two",
        "user: one, assistant: ab, user: three\n{\"x\":1}",
        "user: one, assistant: ab, user: three\n{\"x\":1}, assistant: e, user: four",
        "user: five"
      ])
    }))
})

describe("andThen", () => {
  it.effect("goes on with what was said before, and only then", () =>
    Effect.gen(function*() {
      const first = Stream.make(said("a"), said("b"), Status.make({ state: "working", text: "hm" }))
      const events = yield* AgentWork.andThen(first, ({ content }) => Stream.make(said(`${content}!`))).pipe(
        Stream.runCollect
      )
      assert.deepStrictEqual(events.map((event) => event._tag === "Delta" ? event.text : event._tag), [
        "a",
        "b",
        "Status",
        "ab!"
      ])
      const replaced = Stream.make(said("a"), Replaced.make({ text: "c" }), said("d"))
      const after = yield* AgentWork.andThen(replaced, ({ content }) => Stream.make(said(content))).pipe(Stream.runLast)
      assert.deepStrictEqual(after._tag === "Some" ? after.value : undefined, said("cd"))
    }))

  it.effect("begins anew each time that it is run", () =>
    Effect.gen(function*() {
      const stream = AgentWork.andThen(Stream.make(said("a")), ({ content }) => Stream.make(said(content)))
      assert.deepStrictEqual(yield* Stream.runCollect(stream), yield* Stream.runCollect(stream))
    }))
})

class Broken extends Schema.TaggedError<Broken>()("Broken", {}) {}

describe("during", () => {
  it.effect("interrupts work that takes too long, and says what it was", () =>
    Effect.gen(function*() {
      let interrupted = false
      const work = Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          interrupted = true
        }))
      const fiber = yield* AgentWork.during({ says: "runs the tests", limit: "30 seconds" }, work).pipe(
        Stream.runCollect,
        Effect.flip,
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("31 seconds")
      const error = yield* Fiber.join(fiber)
      assert.strictEqual(
        error.message,
        "purple agent: the task ended failed: \"runs the tests\" was not done within 30s"
      )
      assert.isTrue(interrupted)
    }))

  it.effect("beats as often as it is told, with how long it has been at it, and no more once it is done", () =>
    Effect.gen(function*() {
      const work = Effect.as(
        Effect.sleep("7 seconds"),
        Stream.concat(Stream.make(said("a")), Stream.fromEffectDrain(Effect.sleep("1 hour")))
      )
      const fiber = yield* AgentWork.during({ says: "x", heartbeat: "2 seconds", limit: "Infinity" }, work).pipe(
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("2 hours")
      const events = yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        events.map((event) => event._tag === "Heartbeat" ? [event.intervalMillis, event.tokenAgeMillis] : event._tag),
        ["Status", [2000, 2000], [2000, 4000], [2000, 6000], "Delta"]
      )
    }))

  it("is held to its types", () => {
    const work = Effect.fail(new Broken())
    expectTypeOf(AgentWork.during({ says: "x" }, work)).toEqualTypeOf<Stream.Stream<TaskEvent, Broken | Failed>>()
    // Errors of its own are to be told in words that outer hops understand.
    expectTypeOf(() => AgentWork.during({ says: "x" }, work)).not.toExtend<AgentExecutor>()
    const told = () =>
      AgentWork.during({ says: "x" }, work).pipe(
        Stream.catchTag("Broken", () => Stream.fail(AgentWork.failed("it broke")))
      )
    expectTypeOf(told).toExtend<AgentExecutor>()
    expectTypeOf(AgentWork.ask).returns.toEqualTypeOf<Stream.Stream<TaskEvent, RunError, WatchedEngine>>()
    expectTypeOf(PurpleAgent.layerWith<WatchedEngine>).returns.toExtend<Layer.Layer<PurpleAgent, any, WatchedEngine>>()
    expectTypeOf<{ host: string; port: number }>().not.toExtend<Parameters<typeof PurpleAgent.layerWith>[0]>()
  })
})

describe("PurpleAgent.layerWith", () => {
  const listening = {
    host: "127.0.0.1",
    port: 0,
    description: {
      name: "own",
      description: "",
      version: "7",
      skill: { id: "s", name: "s", description: "", tags: ["t"] as const }
    }
  }

  it.live("serves what its executor says, with the card that it is given, and errors as they are", () =>
    Effect.gen(function*() {
      const { url } = yield* PurpleAgent
      const card = yield* Effect.promise(() =>
        fetch(`${url}.well-known/agent-card.json`).then((response) => response.json() as Promise<any>)
      )
      assert.deepStrictEqual([card.name, card.version], ["own", "7"])
      const fine = yield* ask(url, "fine")
      assert.deepStrictEqual(fine.events.filter(({ _tag }) => _tag === "Delta"), [said("fine")])
      const broken = yield* ask(url, "broken")
      assert.strictEqual(broken.error?.message, "purple agent: the task ended failed: it broke")
      assert.deepStrictEqual(
        broken.events.find((event) => event._tag === "Ended"),
        Ended.make({ state: "failed", text: broken.error!.message, error: broken.error! })
      )
    }).pipe(Effect.provide(PurpleAgent.layerWith({
      ...listening,
      executor: ({ text }) => text === "fine" ? Stream.make(said(text)) : Stream.fail(AgentWork.failed("it broke"))
    }))))
})
