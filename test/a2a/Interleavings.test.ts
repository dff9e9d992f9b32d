/**
 * Any order of publishing, reading and leaving, over the real relay, logs and frames, without sockets: what a reader has
 * in the end is what was published, its snapshot included, and the task's work is stopped exactly when it ought to be.
 */
import { assert, describe, it } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { EventFrames } from "../../src/a2a/EventFrames.ts"
import type { KeepAlive } from "../../src/a2a/KeepAlive.ts"
import { Relay, type Turn } from "../../src/a2a/Relay.ts"
import { Artifact, Ended, isTokenEvent, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import type { TaskLog } from "../../src/a2a/TaskLog.ts"
import type { TaskReader } from "../../src/a2a/TaskReader.ts"
import { TOKEN_EXTENSION_URI } from "../../src/a2a/TokenExtension.ts"
import { toTask } from "../../src/a2a/WireTask.ts"
import { Delta, Signal, tokensOf, Usage } from "../../src/token/TokenEvent.ts"
import { agentRequest } from "../support/agents.ts"
import { runs } from "../support/propertyRuns.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Kind = Schema.Literals(["content", "content", "content", "reasoning", "signal", "usage", "status", "artifact"])
const Events = Schema.Array(Schema.Tuple([Kind, Schema.Literals(["", "a", " word", "火"]), between(0, 3)]))
const who = between(0, 3)

const Operation = Schema.Union([
  Schema.TaggedStruct("Publish", { events: Events.check(Schema.isMaxLength(8)) }),
  Schema.TaggedStruct("Publish", { events: Events.check(Schema.isMaxLength(8)) }),
  Schema.TaggedStruct("Subscribe", { exact: Schema.Boolean, keepsUp: Schema.Boolean, comesBack: Schema.Boolean }),
  Schema.TaggedStruct("Read", { who }),
  Schema.TaggedStruct("Drop", { who }),
  Schema.TaggedStruct("Ask", {}),
  Schema.TaggedStruct("Continue", {}),
  Schema.TaggedStruct("Cancel", {})
])
const Script = Schema.Struct({
  operations: Schema.Array(Operation).check(Schema.isMaxLength(24)),
  end: Schema.Literals(["completes", "ends itself", "canceled"]),
  /** What still comes when the task has ended. */
  late: Events.check(Schema.isMaxLength(2))
})
type Script = typeof Script.Type

const eventOf = ([kind, text, number]: (typeof Events.Type)[number]): TaskEvent => {
  switch (kind) {
    case "content":
    case "reasoning":
      return Delta.make({ channel: kind, text, tokens: number })
    case "signal":
      return Signal.make({ signal: "empty" })
    case "usage":
      return Usage.make({ promptTokens: 1, completionTokens: number })
    case "status":
      return Status.make({ state: "working", text })
    case "artifact":
      return Artifact.make({ artifactId: "result", name: "result", parts: [{ _tag: "Text", text }] })
  }
}

const silent: KeepAlive = { now: () => 0, onDue: () => () => {} }
const channels = ["answer", "reasoning"] as const

/** One client, over all the streams that it has opened. */
interface Client {
  readonly exact: boolean
  readonly keepsUp: boolean
  reader: TaskReader
  frames: EventFrames | undefined
  /** The text of each channel as this client has it. */
  text: Record<string, string>
  tokens: number
  readonly ids: Array<number>
  /** Those of the snapshots among them. */
  readonly places: Array<number>
  readonly states: Array<string>
  /** Whether a stream of it has come to its end. */
  ended: boolean
}

const play = (script: Script) =>
  Effect.gen(function*() {
    let line = yield* Queue.unbounded<TaskEvent, Cause.Done>()
    const work = { started: 0, interrupted: 0 }
    const relay = yield* Relay.make({
      executor: () =>
        Stream.suspend(() => {
          work.started++
          return Stream.fromQueue(line)
        }).pipe(Stream.onExit((exit) =>
          Effect.sync(() => {
            if (exit._tag === "Failure") work.interrupted++
          })
        )),
      orphanGrace: "Infinity"
    })
    const turn = (continued: boolean): Turn => ({
      request: agentRequest({ continued }),
      message: { messageId: "m" } as never,
      attach: () => {}
    })
    const log = yield* relay.start(turn(false))
    const published: Array<TaskEvent> = []
    const clients: Array<Client> = []
    const settle = Effect.repeat(Effect.yieldNow, { times: 10 })
    const publish = Effect.fnUntraced(function*(events: ReadonlyArray<TaskEvent>) {
      yield* Queue.offerAll(line, events)
      yield* settle
      published.push(...events)
    })

    const read = (client: Client): void => {
      if (client.frames === undefined) return
      take(client, client.frames.take())
      if (client.frames.ended) {
        client.ended = true
        client.frames = undefined
      } else if (client.keepsUp) client.frames.onReady(() => read(client))
    }
    const open = (client: Client) => {
      const { reader, snapshot } = log.readOn()
      const task = toTask(log, snapshot, { exact: client.exact })
      client.text = Object.fromEntries(task.artifacts.map((artifact) => [
        artifact.artifactId,
        artifact.parts.map(({ content }) => content?.$case === "text" ? content.value : "").join("")
      ]))
      client.tokens = snapshot.total
      client.places.push(snapshot.generation)
      client.reader = reader
      client.frames = new EventFrames({ dialect: "1.0", envelope: (event) => event, first: {} }, {
        log,
        reader,
        begun: task.artifacts.map(({ artifactId }) => artifactId),
        exact: client.exact,
        endsAtInterruption: false
      }, silent)
      if (client.keepsUp) read(client)
    }

    for (const operation of script.operations) {
      switch (operation._tag) {
        case "Publish":
          if (!log.ended && !log.interrupted) yield* publish(operation.events.map(eventOf))
          break
        case "Ask":
          if (log.ended || log.interrupted) break
          yield* publish([Status.make({ state: "input-required", text: "well?" })])
          yield* Queue.end(line)
          yield* settle
          assert.strictEqual(log.state, "input-required")
          break
        case "Continue":
          if (!log.interrupted) break
          line = yield* Queue.unbounded<TaskEvent, Cause.Done>()
          yield* relay.proceed(log, turn(true))
          break
        case "Subscribe": {
          if (log.ended) break
          const dropped = clients.find(({ ended, frames }) => frames === undefined && !ended)
          if (operation.comesBack && dropped !== undefined) open(dropped)
          else {
            const { exact, keepsUp } = operation
            const nothing = { text: {}, tokens: 0, ids: [], places: [], states: [], ended: false }
            const client: Client = { exact, keepsUp, reader: undefined!, frames: undefined, ...nothing }
            clients.push(client)
            open(client)
          }
          break
        }
        case "Read":
          if (clients[operation.who] !== undefined) read(clients[operation.who]!)
          break
        case "Drop": {
          const client = clients[operation.who]
          const frames = client?.frames
          if (client === undefined || frames === undefined) break
          client.frames = undefined
          client.reader.close()
          break
        }
        case "Cancel":
          if (log.ended) break
          // Whoever asks at the same time is told the same.
          yield* Effect.all([relay.cancel(log), relay.cancel(log)], { concurrency: "unbounded" })
          assert.strictEqual(log.state, "canceled")
          break
      }
    }
    const atWork = !log.ended && !log.interrupted
    const wasCanceled = log.ended
    if (!log.ended) {
      if (script.end === "canceled" || !atWork) yield* relay.cancel(log)
      else if (script.end === "completes") yield* Queue.end(line)
      else {
        yield* Queue.offer(line, Ended.make({ state: "rejected", text: "no", error: null }))
        yield* Queue.end(line)
      }
      yield* settle
    }
    const { generation, state } = log
    log.append(script.late.map(eventOf))
    yield* relay.cancel(log)
    for (const client of clients) {
      for (let reads = 0; client.frames !== undefined && reads < 1000; reads++) read(client)
      assert.isUndefined(client.frames)
    }
    return { log, published, clients, work, generation, state, atWork, wasCanceled }
  })

/** Puts what a client was sent to what it has. */
const take = (client: Client, text: string): void => {
  for (const frame of text.split("\n\n").filter((each) => each !== "")) {
    const [, id, data] = /^id: (\d+)\ndata: (.*)$/.exec(frame)!
    const event = JSON.parse(data!) as Record<string, any>
    assert.isFalse(client.ended)
    if (event["artifactUpdate"] === undefined && event["statusUpdate"] === undefined) {
      client.ids.push(Number(id))
      continue
    }
    assert.isAbove(Number(id), client.ids.at(-1)!)
    client.ids.push(Number(id))
    const { append = false, artifact, metadata, status } = event["artifactUpdate"] ?? event["statusUpdate"]
    const told = metadata?.[TOKEN_EXTENSION_URI]
    assert.strictEqual(told !== undefined, client.exact)
    if (told !== undefined) {
      assert.strictEqual(told.generation, Number(id))
      client.tokens += told._tag === "Delta" ? told.tokens : 0
      assert.strictEqual(told.total, client.tokens)
    }
    if (artifact !== undefined) {
      assert.strictEqual(append, artifact.artifactId !== "result" && artifact.artifactId in client.text)
      client.text[artifact.artifactId] = (append ? client.text[artifact.artifactId]! : "") + artifact.parts[0].text
    } else client.states.push(status.state)
  }
}

const textOf = (events: ReadonlyArray<TaskEvent>, channel: string) =>
  events.map((event) => event._tag === "Delta" && event.channel === channel ? event.text : "").join("")

const finals = ["completed", "canceled", "rejected"]
const wire = (state: string) => `TASK_STATE_${state.toUpperCase()}`
const isRetained = (log: TaskLog) => log.after(0).length > 0

describe("publishing, reading, leaving, asking and cancelling, in any order", () => {
  it.effect.prop("loses and doubles nothing, and ends once", [Script], ([script]) =>
    Effect.gen(function*() {
      const { atWork, clients, generation, log, published, state, wasCanceled, work } = yield* play(script)
      // The end is the end.
      assert.include(finals, state)
      assert.deepStrictEqual([log.state, log.generation], [state, generation])
      if (wasCanceled || script.end === "canceled" || !atWork) assert.strictEqual(state, "canceled")
      else assert.strictEqual(state, script.end === "completes" ? "completed" : "rejected")
      assert.strictEqual(log.snapshot.total, published.filter(isTokenEvent).reduce((sum, e) => sum + tokensOf(e), 0))
      // Work is interrupted only by cancelling what is at work, and then once.
      assert.isAtMost(work.interrupted, 1)
      if (atWork) assert.strictEqual(work.interrupted, script.end === "canceled" ? 1 : 0)
      assert.isAtLeast(work.started, 1)

      for (const client of clients) {
        const snapshots = client.ids.filter((id) => client.places.includes(id)).length
        assert.isAtMost(new Set(client.ids).size, client.ids.length)
        assert.deepStrictEqual(client.ids, client.ids.toSorted((a, b) => a - b))
        assert.isAtMost(client.ids.length - new Set(client.ids).size, snapshots)
        if (!client.ended) continue
        const [answer, reasoning] = channels.map((channel) => client.text[channel] ?? "")
        assert.strictEqual(answer, textOf(published, "content"))
        assert.strictEqual(reasoning, client.exact ? textOf(published, "reasoning") : "")
        if (client.exact) assert.strictEqual(client.tokens, log.snapshot.total)
        assert.strictEqual(client.states.at(-1), wire(state))
        assert.lengthOf(client.states.filter((each) => finals.map(wire).includes(each)), 1)
        assert.strictEqual(client.ids.at(-1), generation)
      }
      // Who has dropped costs nothing; who has read to the end gives up its place as its response does.
      for (const client of clients) client.reader.close()
      assert.isFalse(isRetained(log))
    }), runs)
})
