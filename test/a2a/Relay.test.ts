import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as Relay from "../../src/a2a/Relay.ts"
import { said } from "../support/agents.ts"

const request = { taskId: "t", contextId: "c", text: "", data: [], exact: true, said: { attempt: 2, patience: 1 } }

/** A reader that comes now and goes when the effect it gives is run. */
const comes = (relay: Relay.Relay) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    yield* Scope.provide(relay.reading("t"), scope)
    return Scope.close(scope, Exit.void)
  })

describe("Relay", () => {
  it.effect("cancels a task that nobody reads any more, after the grace", () =>
    Effect.gen(function*() {
      const relay = yield* Relay.make({ executor: () => Stream.never, orphanGrace: "30 seconds" })
      const log = yield* relay.start(request)
      // Nobody has come yet, which is no reason to stop.
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(log.snapshot.state, "working")
      yield* yield* comes(relay)
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual(log.snapshot.state, "working")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(log.snapshot.state, "canceled")
    }))

  it.effect("goes on when a reader comes back in time, or another is still there", () =>
    Effect.gen(function*() {
      const relay = yield* Relay.make({ executor: () => Stream.never, orphanGrace: "30 seconds" })
      const log = yield* relay.start(request)
      const firstGoes = yield* comes(relay)
      const secondGoes = yield* comes(relay)
      yield* firstGoes
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(log.snapshot.state, "working")
      yield* secondGoes
      yield* TestClock.adjust("20 seconds")
      const thirdGoes = yield* comes(relay)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(log.snapshot.state, "working")
      yield* thirdGoes
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(log.snapshot.state, "canceled")
    }))

  it.effect("keeps the snapshot of a finished task and not its events, once its last reader has gone", () =>
    Effect.gen(function*() {
      const relay = yield* Relay.make({ executor: () => Stream.make(said("a"), said("b")) })
      const log = yield* relay.start(request)
      const goes = yield* comes(relay)
      yield* Effect.yieldNow
      assert.isTrue(log.ended)
      assert.isAbove(log.from(0).length, 2)
      yield* goes
      assert.deepStrictEqual(log.from(0).map((event) => event._tag), ["Ended"])
      assert.strictEqual(relay.find("t")?.snapshot.transcript.content, "ab")
    }))

  it.effect("says so when an agent breaks without an error of its own", () =>
    Effect.gen(function*() {
      const relay = yield* Relay.make({ executor: () => Stream.die(new Error("a bug")) })
      const log = yield* relay.start(request)
      yield* Effect.yieldNow
      assert.deepInclude(log.snapshot, {
        state: "failed",
        statusText: "internal error of the agent; its log has the cause"
      })
    }))
})
