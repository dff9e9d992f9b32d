import { assert, describe, it } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as TestConsole from "effect/testing/TestConsole"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import { LiveRegion, type RegionRecord } from "../../src/terminal/LiveRegion.ts"
import { chooseColor, chooseMode, type Mode, run } from "../../src/terminal/TerminalView.ts"
import { began, definitionOf, recordOf } from "./campaigns.ts"

const definition = definitionOf(["roman-numerals"], { repetitions: 1 })
const battle = { task: "roman-numerals", agent: "agent", repetition: 1 }
const newRecord = (): RegionRecord => ({ frames: [], size: { columns: 80, rows: 24 }, opened: 0, closed: 0 })

/** A view that runs in the background, and what feeds it. */
const start = (mode: Mode) =>
  Effect.gen(function*() {
    const record = newRecord()
    const queue = yield* Queue.unbounded<CampaignEvent, Cause.Done | "broken">()
    const fiber = yield* Effect.forkChild(
      Effect.provide(run(Stream.fromQueue(queue), mode), LiveRegion.layerTest(record)),
      { startImmediately: true }
    )
    const send = (...events: ReadonlyArray<CampaignEvent>) => Queue.offerAll(queue, events)
    return { record, queue, fiber, send }
  })

const first = began(definition)
const begins: CampaignEvent = { _tag: "AttemptBegan", atMillis: 0, battle, number: 1 }
const token = (atMillis: number, tokens: number): CampaignEvent => ({
  _tag: "TokensArrived",
  atMillis,
  battle,
  phase: "decoding",
  tokens,
  arrived: 1
})

const autoMode = (isTerminal: boolean, environment: Record<string, string>) =>
  chooseMode("auto", { isTerminal, environment })
const color = (isTerminal: boolean, environment: Record<string, string>) => chooseColor({ isTerminal, environment })

describe("TerminalView", () => {
  it.effect("draws at most every 100 ms, however many events come", () =>
    Effect.gen(function*() {
      const { record, send } = yield* start("full")
      yield* TestClock.adjust(50)
      assert.strictEqual(record.opened, 1)
      assert.deepStrictEqual(record.frames, [])
      yield* send(first, begins)
      for (let millis = 0; millis < 1_000; millis += 10) {
        yield* send(token(millis, millis / 10))
        yield* TestClock.adjust(10)
      }
      // At 100, 200, … 1000 ms.
      assert.strictEqual(record.frames.length, 10)
    }))

  it.effect("goes on drawing in silence, and by the time of the events", () =>
    Effect.gen(function*() {
      const { record, send } = yield* start("full")
      yield* send(first, begins, token(60_000, 1))
      yield* TestClock.adjust(5_000)
      assert.match(record.frames.at(-1)!, /elapsed 1:05/)
      assert.match(record.frames.at(-1)!, /quiet 5\.0 s/)
      assert.isAtMost(record.frames.length, 51)
    }))

  it.effect("follows the size of the terminal", () =>
    Effect.gen(function*() {
      const { record, send } = yield* start("full")
      yield* send(first, begins)
      yield* TestClock.adjust(100)
      const wide = record.frames.at(-1)!
      record.size = { columns: 30, rows: 5 }
      yield* TestClock.adjust(100)
      assert.isBelow(record.frames.at(-1)!.split("\n")[0]!.length, wide.split("\n")[0]!.length)
    }))

  it.effect("leaves the last state on the screen when the events end", () =>
    Effect.gen(function*() {
      const { fiber, queue, record, send } = yield* start("full")
      yield* send(
        first,
        begins,
        { _tag: "AttemptEnded", atMillis: 10, record: recordOf(battle) },
        { _tag: "CampaignEnded", atMillis: 20, end: { _tag: "Ended" } }
      )
      yield* Queue.end(queue)
      yield* Fiber.join(fiber)
      assert.match(record.frames.at(-1)!, /1\/1 .*ended/)
      assert.deepInclude(record, { opened: 1, closed: 1 })
      const drawn = record.frames.length
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(record.frames.length, drawn)
    }))

  it.effect("gives the terminal back when it is interrupted, with the last state on it", () =>
    Effect.gen(function*() {
      const { fiber, record, send } = yield* start("full")
      yield* send(first, begins)
      yield* TestClock.adjust(100)
      yield* send(token(100, 7))
      yield* TestClock.adjust(1)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(record.closed, 1)
      assert.match(record.frames.at(-1)!, / 7 tok/)
    }))

  it.effect("fails as its events do, and gives the terminal back", () =>
    Effect.gen(function*() {
      const { fiber, queue, record, send } = yield* start("full")
      yield* send(first)
      yield* Queue.fail(queue, "broken" as const)
      assert.isTrue(Exit.isFailure(yield* Fiber.await(fiber)))
      assert.strictEqual(record.closed, 1)
    }))

  it.effect("plain output is lines on stderr, also when nothing happens for long", () =>
    Effect.gen(function*() {
      const { fiber, queue, record, send } = yield* start("plain")
      yield* send(first, begins, token(10, 1))
      yield* TestClock.adjust("29 seconds")
      const text = Effect.map(TestConsole.errorLines, (lines) => lines.join("\n").split("\n"))
      assert.deepStrictEqual(yield* text, [
        "     0.0s campaign id=campaign agent=agent battles=1 concurrency=4",
        "     0.0s battle   task=roman-numerals repetition=1 attempt=1 began"
      ])
      yield* TestClock.adjust("62 seconds")
      assert.deepStrictEqual((yield* text).slice(2), [
        "    30.0s progress done=0/1 active=1 quiet=1 tokens=1 tok_s=0",
        "    60.0s progress done=0/1 active=1 quiet=1 tokens=1 tok_s=0",
        "    90.0s progress done=0/1 active=1 quiet=1 tokens=1 tok_s=0"
      ])
      yield* Queue.end(queue)
      yield* Fiber.join(fiber)
      assert.strictEqual(record.opened, 0)
      assert.deepStrictEqual(yield* TestConsole.logLines, [])
    }))

  it.effect("json is one event a line on stdout, and nothing else anywhere", () =>
    Effect.gen(function*() {
      const { fiber, queue, record, send } = yield* start("json")
      yield* send(first, begins, token(10, 1))
      yield* Queue.end(queue)
      yield* Fiber.join(fiber)
      const lines = (yield* TestConsole.logLines).join("\n").split("\n").map((line) => JSON.parse(line))
      assert.deepStrictEqual(lines.map(({ _tag, atMs }) => [_tag, atMs]), [
        ["CampaignBegan", 0],
        ["AttemptBegan", 0],
        ["TokensArrived", 10]
      ])
      assert.deepStrictEqual([record.opened, yield* TestConsole.errorLines], [0, []])
    }))

  it.effect("none consumes the events and shows nothing", () =>
    Effect.gen(function*() {
      const { fiber, queue, record, send } = yield* start("none")
      yield* send(first, begins)
      yield* Queue.end(queue)
      yield* Fiber.join(fiber)
      assert.strictEqual(record.opened, 0)
      assert.deepStrictEqual(yield* TestConsole.errorLines, [])
    }))

  it("chooses full only where somebody watches a terminal that can redraw", () => {
    assert.strictEqual(autoMode(true, { TERM: "xterm-256color" }), "full")
    assert.strictEqual(autoMode(true, { CI: "", TERM: "xterm" }), "full")
    assert.strictEqual(autoMode(true, { CI: "false" }), "full")
    assert.strictEqual(autoMode(true, { CI: "true" }), "plain")
    assert.strictEqual(autoMode(true, { CI: "1" }), "plain")
    assert.strictEqual(autoMode(true, { TERM: "dumb" }), "plain")
    assert.strictEqual(autoMode(false, { TERM: "xterm" }), "plain")
    for (const ui of ["full", "plain", "json", "none"] as const) {
      assert.strictEqual(chooseMode(ui, { isTerminal: false, environment: { CI: "1" } }), ui)
    }
  })

  it("uses colours where they are wanted", () => {
    assert.isTrue(color(true, {}))
    assert.isFalse(color(false, {}))
    assert.isFalse(color(true, { NO_COLOR: "1" }))
    assert.isTrue(color(true, { NO_COLOR: "" }))
    assert.isTrue(color(false, { FORCE_COLOR: "1" }))
    assert.isFalse(color(true, { FORCE_COLOR: "0" }))
    assert.isFalse(color(true, { FORCE_COLOR: "1", NO_COLOR: "1" }))
    assert.isFalse(color(true, { TERM: "dumb" }))
  })
})
