/** A stream that was cut and goes on with a snapshot says what the uncut one would have said. */
import { StreamResponse } from "@a2a-js/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as LogEntry from "../../src/a2a/LogEntry.ts"
import { Artifact, Ended, isTokenEvent, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { makeDecoder } from "../../src/a2a/TaskEventDecoder.ts"
import { makeEncoder } from "../../src/a2a/TaskEventEncoder.ts"
import { TaskLog } from "../../src/a2a/TaskLog.ts"
import { summaryOf } from "../../src/a2a/TaskSummary.ts"
import { TOKEN_EXTENSION_URI } from "../../src/a2a/TokenExtension.ts"
import { toTask } from "../../src/a2a/WireTask.ts"
import { Delta, Finish, tokensOf, Usage } from "../../src/token/TokenEvent.ts"
import { taskEvents } from "../support/arbitraries.ts"
import { runs } from "../support/propertyRuns.ts"

const clock = { currentTimeMillisUnsafe: () => 0, monotonicTimeNanosUnsafe: () => 0n }
const overTheWire = (json: unknown): StreamResponse => StreamResponse.fromJSON(JSON.parse(JSON.stringify(json)))

/** The log of a server to which this has happened. */
const logOf = (events: ReadonlyArray<TaskEvent>): TaskLog => {
  const log = new TaskLog({ taskId: "task-1", contextId: "context-1", tenant: "", user: "" }, clock)
  log.append(events)
  return log
}

/** Text per channel, tokens and whole artifacts: what a reader has in the end. */
const sumOf = (events: ReadonlyArray<TaskEvent>) => {
  const sum = { content: "", reasoning: "", tokens: 0 }
  for (const event of events) {
    if (isTokenEvent(event)) sum.tokens += tokensOf(event)
    if (event._tag === "Delta") sum[event.channel] += event.text
    else if (event._tag === "Replaced") sum.content = event.text
  }
  return sum
}

/** The events with their numbers, as a server writes them. */
const numbered = (events: ReadonlyArray<TaskEvent>): ReadonlyArray<StreamResponse> => {
  const log = logOf(events)
  const encode = makeEncoder(log, {
    dialect: "1.0",
    exact: true,
    endsAtInterruption: false,
    summary: (ended) => summaryOf(log, ended),
    answer: () => ""
  })
  let place = { generation: 0, total: 0 }
  const wire = events.flatMap((event) => {
    const entry = LogEntry.next(place, event, 0)
    place = entry
    return encode(entry)
  })
  assert.strictEqual(wire.length, events.length)
  return wire.map(overTheWire)
}

/** The task after its first events, as a server writes it. */
const snapshotOf = (events: ReadonlyArray<TaskEvent>, more: Record<string, unknown> = {}): StreamResponse => {
  const log = logOf(events)
  const task = toTask(log, log.snapshot, { exact: true })
  Object.assign(task.metadata?.[TOKEN_EXTENSION_URI] as object, more)
  return overTheWire(StreamResponse.toJSON({ payload: { $case: "task", value: task } }))
}

const percent = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 }))
const ended = Ended.make({ state: "completed", text: "", error: null })
/** Channels are not artifacts of their own, and a task ends once. */
const sensible = (events: ReadonlyArray<TaskEvent>): ReadonlyArray<TaskEvent> => [
  ...events.filter((event) => event._tag !== "Ended").map((event) =>
    event._tag === "Artifact" ? { ...event, artifactId: `own-${event.artifactId}` } : event
  ),
  ended
]

describe("a stream that was cut", () => {
  it.prop("has the text and the tokens of the uncut one, wherever cut and however late resumed", [
    taskEvents,
    Schema.Array(Schema.Struct({ cut: percent, missed: percent, repeated: percent }))
  ], ([some, cuts]) => {
    const events = sensible(some)
    const wire = numbered(events)
    const { decode } = makeDecoder()
    const got: Array<TaskEvent> = []
    let position = 0
    for (const { cut, missed, repeated } of cuts.slice(0, 4)) {
      // The end itself is never inside a snapshot that a subscription begins with.
      const last = events.length - 1
      const until = position + Math.floor((last - position) * cut / 100)
      got.push(...wire.slice(position, until).flatMap(decode))
      position = until + Math.floor((last - until) * missed / 100)
      got.push(...decode(snapshotOf(events.slice(0, position))))
      // What a server sends once more is dropped.
      got.push(...wire.slice(Math.floor(position * repeated / 100), position).flatMap(decode))
    }
    got.push(...wire.slice(position).flatMap(decode))
    assert.deepStrictEqual(sumOf(got), sumOf(events))
    assert.deepStrictEqual(got.at(-1), ended)
    const artifacts = (of: ReadonlyArray<TaskEvent>) =>
      JSON.stringify(
        [...new Map(of.flatMap((each) => each._tag === "Artifact" ? [[each.artifactId, each]] : [])).entries()]
          .toSorted()
      )
    assert.strictEqual(artifacts(got), artifacts(events))
  }, runs)

  it.prop("is as the uncut one, event for event, where nothing was missed", [taskEvents, percent], ([some, cut]) => {
    const events = sensible(some)
    const wire = numbered(events)
    const at = Math.floor((events.length - 1) * cut / 100)
    const whole = wire.flatMap(makeDecoder().decode)
    const { decode } = makeDecoder()
    const got = [
      ...wire.slice(0, at).flatMap(decode),
      ...decode(snapshotOf(events.slice(0, at))),
      ...wire.slice(at).flatMap(decode)
    ]
    assert.strictEqual(JSON.stringify(got), JSON.stringify(whole))
  }, runs)

  const said = (text: string, tokens = 1, channel: "content" | "reasoning" = "content") =>
    Delta.make({ channel, text, tokens })

  it("gets exactly the missing text and tokens, and tokens without text by themselves", () => {
    const events = [said("hm", 2, "reasoning"), said("a"), said("b"), said("", 3)]
    const wire = numbered(events)
    const { decode } = makeDecoder()
    wire.slice(0, 2).map(decode)
    assert.deepStrictEqual(decode(snapshotOf(events.slice(0, 3))), [said("b")])
    assert.deepStrictEqual(decode(snapshotOf(events)), [said("", 3)])
    assert.deepStrictEqual(decode(snapshotOf(events)), [])
  })

  it("learns from the summary why the answer ended and what it used, if it has missed that", () => {
    const events = [
      said("a"),
      Finish.make({ reason: "stop" }),
      Usage.make({ promptTokens: 1, completionTokens: 2 }),
      ended
    ]
    const wire = numbered(events)
    const tags = (of: ReadonlyArray<TaskEvent>) => of.map((event) => event._tag)
    assert.deepStrictEqual(tags(wire.flatMap(makeDecoder().decode)), ["Delta", "Finish", "Usage", "Ended"])
    const { decode } = makeDecoder()
    decode(wire[0]!)
    decode(snapshotOf(events.slice(0, 3)))
    assert.deepStrictEqual(decode(wire[3]!), [events[1]!, events[2]!, ended])
  })

  it("learns only what it has missed from the summary", () => {
    const events = [Finish.make({ reason: "stop" }), Usage.make({ promptTokens: 1, completionTokens: 2 }), ended]
    const wire = numbered(events)
    for (const seen of [0, 1, 2]) {
      const { decode } = makeDecoder()
      wire.slice(0, seen).map(decode)
      decode(snapshotOf(events.slice(0, 2)))
      assert.deepStrictEqual(decode(wire[2]!), events.slice(seen))
    }
  })

  it("does not listen to a snapshot that is older than what it knows", () => {
    const events = [said("a"), said("b"), said("c")]
    const { decode } = makeDecoder()
    numbered(events).map(decode)
    assert.deepStrictEqual(decode(snapshotOf(events.slice(0, 1))), [])
    assert.deepStrictEqual(decode(numbered(events)[2]!), [])
    assert.deepStrictEqual(decode(snapshotOf([...events, said("d")])), [said("d")])
  })

  it("gets an artifact from a snapshot only if it is new or another", () => {
    const artifact = (text: string) =>
      Artifact.make({
        artifactId: "own",
        name: "own",
        parts: [{ _tag: "Text", text }, { _tag: "Data", data: { a: null } }]
      })
    const { decode } = makeDecoder()
    const events = [artifact("one"), said("x")]
    decode(numbered(events)[0]!)
    assert.deepStrictEqual(decode(snapshotOf(events)), [said("x")])
    assert.deepStrictEqual(decode(snapshotOf([...events, artifact("two")])), [artifact("two")])
    assert.deepStrictEqual(decode(snapshotOf([...events, artifact("two"), said("y")])), [said("y")])
  })

  it("gets the end with its error from the snapshot of a task that is over meanwhile", () => {
    const { decode } = makeDecoder()
    const snapshot = snapshotOf([said("a")], { ended: { _tag: "Ended", state: "failed", text: "no", error: null } })
    assert.deepStrictEqual(decode(snapshot), [said("a"), Ended.make({ state: "failed", text: "no", error: null })])
  })

  it("of an agent that is not ours gets what is new in the snapshot", () => {
    const { decode } = makeDecoder()
    const task = (text: string) =>
      StreamResponse.fromJSON({ task: { id: "t", artifacts: [{ artifactId: "x", parts: [{ text }, { data: 1 }] }] } })
    decode(task("one "))
    assert.deepStrictEqual(decode(task("one two")), [said("two")])
  })
})
