import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import type { AgentRequest } from "../../src/a2a/AgentExecutor.ts"
import { Relay, type Turn } from "../../src/a2a/Relay.ts"
import { Artifact, Ended, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { TaskLog } from "../../src/a2a/TaskLog.ts"
import { agentRequest, said } from "../support/agents.ts"

const turn = (fields: Partial<AgentRequest> = {}): Turn => ({
  request: agentRequest(fields),
  message: { messageId: fields.text ?? "hi" } as never,
  attach: () => {}
})

/** A reader that comes now and goes when the effect it gives is run. */
const comes = (relay: Relay["Service"], log: TaskLog) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    yield* Scope.provide(relay.reading(log), scope)
    return Scope.close(scope, Exit.void)
  })

/** Asks once, and answers what it is then told. */
const asks = (request: AgentRequest) =>
  request.continued
    ? Stream.make(said(`got ${request.text}`))
    : Stream.make(said("hm"), Status.make({ state: "input-required", text: "which?" }))

describe("Relay", () => {
  it.effect("cancels a task that nobody reads any more, after the grace", () =>
    Effect.gen(function*() {
      const relay = yield* Relay.make({ executor: () => Stream.never, orphanGrace: "30 seconds" })
      const log = yield* relay.start(turn())
      // Nobody has come yet, which is no reason to stop.
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(log.state, "working")
      yield* yield* comes(relay, log)
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual(log.state, "working")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(log.state, "canceled")
    }))

  it.effect("goes on when a reader comes back in time, or another is still there, or for ever if so told", () =>
    Effect.gen(function*() {
      const relay = yield* Relay.make({ executor: () => Stream.never, orphanGrace: "30 seconds" })
      const log = yield* relay.start(turn())
      const firstGoes = yield* comes(relay, log)
      const secondGoes = yield* comes(relay, log)
      yield* firstGoes
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(log.state, "working")
      yield* secondGoes
      yield* TestClock.adjust("20 seconds")
      const thirdGoes = yield* comes(relay, log)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(log.state, "working")
      yield* thirdGoes
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(log.state, "canceled")
      const patient = yield* Relay.make({ executor: () => Stream.never, orphanGrace: "Infinity" })
      const kept = yield* patient.start(turn())
      yield* yield* comes(patient, kept)
      yield* TestClock.adjust("1 week")
      assert.strictEqual(kept.state, "working")
    }))

  it.effect("lets those who are told of a task see it from its first event on", () =>
    Effect.gen(function*() {
      const relay = yield* Relay.make({ executor: () => Stream.make(said("a"), said("b")) })
      const seen: Array<string> = []
      const log = yield* relay.start({
        ...turn(),
        attach: (log) => {
          const reader = log.readAll()
          const take = () => {
            seen.push(...reader.take().map(({ event }) => event._tag))
            if (!reader.done) reader.onReady(take)
          }
          reader.onReady(take)
        }
      })
      assert.isTrue(log.ended)
      assert.deepStrictEqual(seen, ["Status", "Delta", "Ended"])
    }))

  it.effect("waits where an agent asks, and goes on in the same task with what it is told", () =>
    Effect.gen(function*() {
      const relay = yield* Relay.make({ executor: asks, orphanGrace: "1 second" })
      const log = yield* relay.start(turn({ text: "first" }))
      assert.deepInclude(log.snapshot, { state: "input-required", statusText: "which?" })
      yield* yield* comes(relay, log)
      yield* TestClock.adjust("10 minutes")
      // It is at no work, so it is no orphan.
      assert.strictEqual(log.state, "input-required")
      const { reader } = log.readOn()
      assert.strictEqual(yield* relay.proceed(log, turn({ text: "this", continued: true })), log)
      assert.deepStrictEqual(
        reader.take().map(({ event }) => event._tag === "Delta" ? event.text : event._tag),
        ["Status", "got this", "Ended"]
      )
      assert.deepStrictEqual(log.snapshot.transcript.content, "hmgot this")
      assert.deepStrictEqual(log.history.map(({ messageId }) => messageId), ["first", "t-status-3", "this"])
    }))

  it.effect("goes on with an answer that comes before the work that asked for it has ended", () =>
    Effect.gen(function*() {
      const stopped: Array<string> = []
      const relay = yield* Relay.make({
        executor: (request) =>
          asks(request).pipe(
            Stream.concat(request.continued ? Stream.empty : Stream.never),
            Stream.ensuring(Effect.sync(() => stopped.push(request.text)))
          ),
        retention: { tasks: 1 }
      })
      const log = yield* relay.start(turn({ text: "first" }))
      assert.strictEqual(log.state, "input-required")
      yield* relay.proceed(log, turn({ text: "this", continued: true }))
      yield* Effect.yieldNow
      assert.deepInclude(log.snapshot, { state: "completed" })
      assert.strictEqual(log.snapshot.transcript.content, "hmgot this")
      assert.deepStrictEqual(stopped.toSorted(), ["first", "this"])

      // What is at work is never forgotten for others, whether its earlier work has ended, or ends just now.
      for (const lingering of [Stream.empty, Stream.never]) {
        const busy = yield* Relay.make({
          executor: (request) => request.text === "ask" ? Stream.concat(asks(request), lingering) : Stream.never,
          retention: { tasks: 1 }
        })
        const goesOn = yield* busy.start(turn({ taskId: "goes on", text: "ask" }))
        yield* busy.proceed(goesOn, turn({ text: "work", continued: true }))
        yield* Effect.yieldNow
        for (const taskId of ["other", "another"]) yield* busy.cancel(yield* busy.start(turn({ taskId })))
        assert.strictEqual(goesOn.state, "working")
      }
    }))

  it.effect("stops work that goes on after it has ended its task", () =>
    Effect.gen(function*() {
      let stopped = 0
      const relay = yield* Relay.make({
        executor: () =>
          Stream.make(said("a"), Ended.make({ state: "rejected", text: "no", error: null }), said("b")).pipe(
            Stream.concat(Stream.never),
            Stream.ensuring(Effect.sync(() => stopped++))
          ),
        mostTasks: 1
      })
      for (const taskId of ["1", "2"]) {
        const log = yield* relay.start(turn({ taskId }))
        assert.deepInclude(log.snapshot, { state: "rejected", statusText: "no", total: 1 })
        yield* Effect.yieldNow
      }
      assert.strictEqual(stopped, 2)
    }))

  it.effect("lets nobody's leaving before a message end the work that the message began", () =>
    Effect.gen(function*() {
      const relay = yield* Relay.make({
        executor: (request) =>
          request.continued
            ? Stream.never
            : Stream.concat(Stream.fromEffectDrain(Effect.sleep("10 seconds")), asks(request)),
        orphanGrace: "30 seconds"
      })
      const played = (leavesAfter: number) =>
        Effect.gen(function*() {
          const log = yield* relay.start(turn({ taskId: `${leavesAfter}` }))
          const goes = yield* comes(relay, log)
          yield* TestClock.adjust(leavesAfter)
          yield* goes
          yield* TestClock.adjust("20 seconds")
          assert.strictEqual(log.state, "input-required")
          yield* relay.proceed(log, turn({ taskId: log.taskId, continued: true }))
          yield* TestClock.adjust("1 hour")
          assert.strictEqual(log.state, "working")
        })
      // While it was at work, and while it waited.
      yield* played(1000)
      yield* played(11_000)
    }))

  it.effect("cancels a task that waits, and one at work, and closes what its work held", () =>
    Effect.gen(function*() {
      const closed = yield* Deferred.make<void>()
      const relay = yield* Relay.make({
        executor: (request) =>
          request.text === "ask"
            ? asks(request)
            : Stream.never.pipe(Stream.ensuring(Deferred.succeed(closed, undefined)))
      })
      const waits = yield* relay.start(turn({ text: "ask" }))
      const works = yield* relay.start(turn({ taskId: "u" }))
      yield* relay.cancel(waits)
      yield* Effect.all([relay.cancel(works), relay.cancel(works)], { concurrency: "unbounded" })
      assert.isTrue(yield* Deferred.isDone(closed))
      assert.deepStrictEqual([waits.state, works.state], ["canceled", "canceled"])
      const generations = [waits.generation, works.generation]
      yield* relay.cancel(waits)
      assert.deepStrictEqual([waits.generation, works.generation], generations)
    }))

  it.effect("takes no more work than it may", () =>
    Effect.gen(function*() {
      const relay = yield* Relay.make({
        executor: (request) => request.text === "quick" ? Stream.empty : Stream.never,
        mostTasks: 2
      })
      const first = yield* relay.start(turn({ taskId: "1" }))
      yield* relay.start(turn({ taskId: "2" }))
      const refusal = yield* Effect.flip(relay.start(turn({ taskId: "3" })))
      assert.strictEqual(
        refusal.message,
        "2 tasks are at work, as many as this agent takes at once; try again later"
      )
      assert.isUndefined(yield* relay.find("3"))
      yield* relay.cancel(first)
      yield* relay.start(turn({ taskId: "4", text: "quick" }))
      yield* relay.start(turn({ taskId: "5" }))
    }))

  it.effect("lets work come to its end when it shuts down, takes no more, and cancels what is too slow", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const relay = yield* Scope.provide(
        Relay.make({
          executor: (request) => Stream.fromEffectDrain(Effect.sleep(request.text === "slow" ? "1 hour" : "5 seconds"))
        }),
        scope
      )
      const quick = yield* relay.start(turn({ taskId: "quick" }))
      const drained = yield* Effect.forkChild(relay.drain("10 seconds"), { startImmediately: true })
      assert.strictEqual((yield* Effect.flip(relay.start(turn()))).reason._tag, "ShuttingDown")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(quick.state, "completed")
      yield* Fiber.join(drained)
      yield* Scope.close(scope, Exit.void)
      const other = yield* Scope.make()
      const slowly = yield* Scope.provide(Relay.make({ executor: () => Stream.never }), other)
      const slow = yield* slowly.start(turn())
      const waited = yield* Effect.forkChild(slowly.drain("10 seconds"), { startImmediately: true })
      yield* TestClock.adjust("9 seconds")
      assert.isUndefined(waited.pollUnsafe())
      assert.strictEqual(slow.state, "working")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(waited)
      assert.strictEqual(slow.state, "canceled")
      yield* Scope.close(other, Exit.void)
    }))

  it.effect("fails a task whose agent makes an event that no client takes, with what came before it", () =>
    Effect.gen(function*() {
      const size = 3 * 1024 * 1024
      const data = (length: number) =>
        Artifact.make({ artifactId: "a", name: "a", parts: [{ _tag: "Data", data: "x".repeat(length - 2) }] })
      const play = (...events: ReadonlyArray<TaskEvent>) =>
        Effect.gen(function*() {
          const relay = yield* Relay.make({ executor: () => Stream.fromIterable(events) })
          return (yield* relay.start(turn())).snapshot
        })
      for (const make of [(length: number) => said("x".repeat(length)), data]) {
        assert.strictEqual((yield* play(make(size))).state, "completed")
        const { state, statusText, transcript } = yield* play(said("a"), make(size + 1), said("b"))
        assert.deepStrictEqual([state, transcript.content], ["failed", "a"])
        assert.include(statusText, "more than 3145728 characters")
      }
    }))

  it.effect("says so when an agent breaks without an error of its own", () =>
    Effect.gen(function*() {
      const relay = yield* Relay.make({ executor: () => Stream.die(new Error("a bug")) })
      const log = yield* relay.start(turn())
      yield* Effect.yieldNow
      assert.deepInclude(log.snapshot, {
        state: "failed",
        statusText: "internal error of the agent; its log has the cause"
      })
    }))

  it.effect("goes on with a task that waited in another relay, and has it from then on", () =>
    Effect.gen(function*() {
      const waited = yield* (yield* Relay.make({ executor: asks })).start(turn({ taskId: "w" }))
      const log = TaskLog.restore(waited.record, yield* Clock.Clock)
      const relay = yield* Relay.make({ executor: asks })
      assert.isUndefined(yield* relay.find("w"))
      assert.strictEqual(yield* relay.proceed(log, turn({ taskId: "w", text: "this", continued: true })), log)
      assert.strictEqual(yield* relay.find("w"), log)
      assert.deepInclude(log.snapshot, { state: "completed", total: 2 })
      assert.strictEqual(log.snapshot.transcript.content, "hmgot this")
      assert.strictEqual(waited.state, "input-required")
    }))

  describe("keeps tasks that are at no work", () => {
    const kept = (relay: Relay["Service"]) =>
      Effect.map(relay.list({ tenant: "", user: "" }), (logs) => [...logs].map((log) => log.taskId))
    const play = (relay: Relay["Service"], taskIds: ReadonlyArray<string>, text = "hi") =>
      Effect.forEach(taskIds, (taskId) => relay.start(turn({ taskId, text })))

    it.effect("no more than so many, the oldest going first, and none that is at work", () =>
      Effect.gen(function*() {
        const relay = yield* Relay.make({
          executor: (request) => request.text === "work" ? Stream.never : Stream.empty,
          retention: { tasks: 2 }
        })
        yield* play(relay, ["w"], "work")
        yield* play(relay, ["1", "2", "3"])
        assert.deepStrictEqual(yield* kept(relay), ["w", "2", "3"])
        assert.isUndefined(yield* relay.find("1"))
      }))

    it.effect("with no more text than so much, but always the last one", () =>
      Effect.gen(function*() {
        const relay = yield* Relay.make({
          executor: (request) => Stream.make(said("x".repeat(Number(request.text)))),
          retention: { bytes: 10_000 }
        })
        yield* play(relay, ["1", "2"], "2000")
        assert.deepStrictEqual(yield* kept(relay), ["1", "2"])
        yield* play(relay, ["3"], "2000")
        assert.deepStrictEqual(yield* kept(relay), ["2", "3"])
        yield* play(relay, ["4"], "100000")
        assert.deepStrictEqual(yield* kept(relay), ["4"])
      }))

    it.effect("no longer than so long, and tells those who read one that waits", () =>
      Effect.gen(function*() {
        const relay = yield* Relay.make({ executor: asks, retention: { age: "1 hour" } })
        const log = yield* relay.start(turn())
        yield* TestClock.adjust("30 minutes")
        yield* relay.start(turn({ taskId: "u" }))
        yield* TestClock.adjust("31 minutes")
        assert.deepStrictEqual(yield* kept(relay), ["u"])
        assert.strictEqual(log.state, "canceled")
      }))
  })
})
