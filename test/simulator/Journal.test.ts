// The journal keeps order, time and a bounded number of events.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Journal from "../../src/simulator/Journal.ts"

describe("Journal", () => {
  it.effect("numbers events and times them from its start", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust(5000)
      const journal = yield* Journal.make
      journal.record("a", "request")
      yield* TestClock.adjust(250)
      journal.record("a", "chunk", { tokens: 3, bytes: 17 })
      assert.deepStrictEqual(yield* journal.events, [
        { sequence: 0, atMillis: 0, request: "a", event: "request" },
        { sequence: 1, atMillis: 250, request: "a", event: "chunk", tokens: 3, bytes: 17 }
      ])
    }))

  it.effect("keeps the last 100 000", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      for (let index = 0; index < 250_000; index++) journal.record("a", "chunk", { tokens: 1 })
      const events = yield* journal.events
      assert.strictEqual(events.length, 100_000)
      assert.strictEqual(events[0]?.sequence, 150_000)
      assert.strictEqual(events.at(-1)?.sequence, 249_999)
    }))
})
