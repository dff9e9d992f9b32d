import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Artifact, Ended, isTokenEvent, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { TaskLog } from "../../src/a2a/TaskLog.ts"
import type { TaskReader } from "../../src/a2a/TaskReader.ts"
import { coalesce, Delta, Finish, tokensOf } from "../../src/token/TokenEvent.ts"
import * as Transcript from "../../src/token/Transcript.ts"
import { said } from "../support/agents.ts"
import { taskEvents } from "../support/arbitraries.ts"
import { runs } from "../support/propertyRuns.ts"

const clock = { currentTimeMillisUnsafe: () => 42, monotonicTimeNanosUnsafe: () => 42_000_000n }
const owner = { tenant: "", user: "" }
const makeLog = (compactFrom?: number) => new TaskLog({ taskId: "t", contextId: "c", ...owner }, clock, compactFrom)
const completed = Ended.make({ state: "completed", text: "", error: null })
const eventsOf = (reader: TaskReader) => reader.take().map(({ event }) => event)

const Operation = Schema.Union([
  Schema.TaggedStruct("Publish", { events: Schema.Union([taskEvents, Schema.Array(Delta)]) }),
  Schema.TaggedStruct("Subscribe", { waits: Schema.Boolean }),
  Schema.TaggedStruct("Take", { reader: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })) }),
  Schema.TaggedStruct("Drop", { reader: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })) })
])

/** What one reader ought to get, and what it got. */
interface Reading {
  readonly reader: TaskReader
  readonly from: number
  readonly got: Array<TaskEvent>
  readonly generations: Array<number>
}

describe("TaskLog", () => {
  it.prop(
    "gives every reader every event once and in order, however publishing, reading and leaving take turns",
    [Schema.Array(Operation).check(Schema.isMaxLength(30)), Schema.Literals([1, 3, 8, 512])],
    ([operations, compactFrom]) => {
      const log = makeLog(compactFrom)
      const published: Array<TaskEvent> = []
      const readings: Array<Reading> = []
      const take = ({ generations, got, reader }: Reading) => {
        for (const { event, generation, total } of reader.take()) {
          got.push(event)
          generations.push(generation)
          assert.strictEqual(total, tokens(published.slice(0, generation)))
        }
      }
      const open = (reader: TaskReader) => {
        const reading: Reading = { reader, from: reader.generation, got: [], generations: [] }
        readings.push(reading)
        return reading
      }
      open(log.readAll())
      for (const operation of operations) {
        switch (operation._tag) {
          case "Publish":
            if (!published.some(isEnd)) published.push(...upToEnd(operation.events))
            log.append(operation.events)
            break
          case "Subscribe": {
            const { reader, snapshot } = log.readOn()
            assert.deepStrictEqual(snapshot, log.snapshot)
            const reading = open(reader)
            const keepsUp = () => {
              take(reading)
              // A reader that is woken waits again before it returns, as Effect's do.
              if (!reader.done && !reader.closed) reader.onReady(keepsUp)
            }
            if (operation.waits) reader.onReady(keepsUp)
            break
          }
          case "Take":
            if (readings[operation.reader] !== undefined) take(readings[operation.reader]!)
            break
          case "Drop": {
            const [dropped] = readings.splice(operation.reader, 1)
            dropped?.reader.close()
            break
          }
        }
      }
      for (const reading of readings) {
        take(reading)
        assert.deepStrictEqual(coalesce(reading.got), coalesce(published.slice(reading.from)))
        assert.deepStrictEqual(reading.generations, [...new Set(reading.generations)].toSorted((a, b) => a - b))
        assert.strictEqual(reading.reader.generation, published.length)
      }
      assert.strictEqual(log.generation, published.length)
      assert.strictEqual(log.snapshot.total, tokens(published))
      assert.deepStrictEqual(log.snapshot.transcript, transcriptOf(published))
    },
    runs
  )

  it("drops what everybody has read, and joins what somebody has not", () => {
    const log = makeLog(64)
    const slow = log.readAll()
    const quick = log.readOn().reader
    for (let token = 0; token < 1000; token++) {
      log.append([said("x")])
      if (quick.generation < log.generation) quick.take()
    }
    assert.isBelow(log.after(0).length, 64)
    assert.deepStrictEqual(eventsOf(slow).map((event) => isTokenEvent(event) && tokensOf(event)), [1000])
    log.append([said("y")])
    assert.isBelow(log.after(0).length, 64)
    for (let token = 0; token < 1000; token++) {
      log.append([said("x")])
      slow.take()
      quick.take()
    }
    assert.isBelow(log.after(0).length, 64)
  })

  it("joins no more than fits into a line that every client takes", () => {
    const log = makeLog()
    const reader = log.readAll()
    log.append(Array.from({ length: 100 }, () => said("x".repeat(1000))))
    const lengths: Array<number> = []
    while (!(reader.generation === log.generation)) {
      for (const { event } of reader.take()) if (event._tag === "Delta") lengths.push(event.text.length)
    }
    assert.isAtMost(Math.max(...lengths), 15_000)
    assert.strictEqual(lengths.reduce((sum, length) => sum + length, 0), 100_000)
    assert.isAtMost(lengths.length, 9)
  })

  it("never changes after its end", () => {
    const log = makeLog()
    const reader = log.readAll()
    log.append([said("a"), completed, said("b")])
    log.append([Ended.make({ state: "failed", text: "", error: null })])
    assert.deepStrictEqual(eventsOf(reader), [said("a"), completed])
    assert.isTrue(reader.done)
    assert.deepInclude(log.snapshot, { state: "completed", generation: 2 })
  })

  it("keeps a snapshot of state, text and artifacts", () => {
    const log = makeLog()
    const result = (score: number) =>
      Artifact.make({ artifactId: "r", name: "r", parts: [{ _tag: "Data", data: { score } }] })
    log.append([Status.make({ state: "working", text: "hm" }), said("a"), said("b"), result(0), result(1)])
    assert.deepInclude(log.snapshot, {
      state: "working",
      statusText: "hm",
      statusAt: 42,
      statusGeneration: 1,
      generation: 5,
      total: 2,
      artifacts: [result(1)]
    })
    assert.strictEqual(log.snapshot.transcript.content, "ab")
  })

  it("times its first and its last token, and its end", () => {
    let millis = 1000
    const log = new TaskLog({ taskId: "t", contextId: "c", ...owner }, {
      ...clock,
      monotonicTimeNanosUnsafe: () => BigInt(millis) * 1_000_000n
    })
    const at = (time: number, event: TaskEvent) => {
      millis = 1000 + time
      log.append([event])
    }
    at(10, Status.make({ state: "working", text: "" }))
    at(20, Finish.make({ reason: "none yet" }))
    assert.deepStrictEqual(log.timings, { firstTokenMillis: null, lastTokenMillis: null, endMillis: 20 })
    at(30, said("a"))
    at(40, said("b"))
    at(50, Finish.make({ reason: "stop" }))
    at(60, completed)
    millis = 9999
    assert.deepStrictEqual(log.timings, { firstTokenMillis: 30, lastTokenMillis: 40, endMillis: 60 })
  })

  it("forgets its events when it has ended and its last reader has gone, and keeps its snapshot", () => {
    const log = makeLog()
    const readers = [log.readAll(), log.readAll()]
    log.append([said("a"), said("b"), completed])
    readers[0]!.close()
    assert.lengthOf(log.after(0), 3)
    const { snapshot } = log
    readers[1]!.close()
    assert.lengthOf(log.after(0), 0)
    assert.deepStrictEqual(log.snapshot, snapshot)
  })

  it("stops waking a reader that stopped waiting, and wakes one that is closed", () => {
    const log = makeLog()
    let wakes = 0
    log.readAll().onReady(() => wakes++)()
    log.append([said("a")])
    assert.strictEqual(wakes, 0)
    const { reader } = log.readOn()
    reader.onReady(() => wakes++)
    reader.close()
    assert.strictEqual(wakes, 1)
  })

  it("says when it has settled: at its end, and where it waits for its client", () => {
    const log = makeLog()
    const settled: Array<string> = []
    const tell = () => settled.push(log.state)
    log.onSettled(() => settled.push("never"))()
    log.onSettled(tell)
    log.append([Status.make({ state: "working", text: "" })])
    assert.deepStrictEqual(settled, [])
    log.append([Status.make({ state: "input-required", text: "which?" })])
    log.onSettled(tell)
    log.append([Status.make({ state: "working", text: "" })])
    log.onSettled(tell)
    log.append([completed])
    log.onSettled(tell)
    assert.deepStrictEqual(settled, ["input-required", "input-required", "completed", "completed"])
  })
})

const isEnd = (event: TaskEvent) => event._tag === "Ended"

const upToEnd = (events: ReadonlyArray<TaskEvent>) => {
  const end = events.findIndex(isEnd)
  return end === -1 ? events : events.slice(0, end + 1)
}

const tokens = (events: ReadonlyArray<TaskEvent>) =>
  events.filter(isTokenEvent).reduce((sum, event) => sum + tokensOf(event), 0)

const transcriptOf = (events: ReadonlyArray<TaskEvent>) =>
  events.reduce(
    (transcript, event) =>
      isTokenEvent(event)
        ? Transcript.step(transcript, event)
        : event._tag === "Replaced"
        ? { ...transcript, content: event.text }
        : transcript,
    Transcript.empty
  )
