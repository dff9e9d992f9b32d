/**
 * Property 18 on an A2A hop: what a reader of a task gets is what the executor gave, whenever the reader comes, however
 * slowly it reads, and over the wire. Real relay, log, encoder and decoder; no sockets.
 */
import { StreamResponse } from "@a2a-js/sdk"
import { ServerCallContext } from "@a2a-js/sdk/server"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { EventFrames } from "../../src/a2a/EventFrames.ts"
import type { KeepAlive } from "../../src/a2a/KeepAlive.ts"
import { Relay } from "../../src/a2a/Relay.ts"
import { RelayRequestHandler } from "../../src/a2a/RelayRequestHandler.ts"
import { Artifact, Ended, Heartbeat, isTokenEvent, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { makeDecoder } from "../../src/a2a/TaskEventDecoder.ts"
import * as TaskFollowing from "../../src/a2a/TaskFollowing.ts"
import { encodeEvent, TOKEN_EXTENSION_URI } from "../../src/a2a/TokenExtension.ts"
import { ANSWER_ARTIFACT_ID, REASONING_ARTIFACT_ID, textOf } from "../../src/a2a/WireTask.ts"
import { Failed } from "../../src/liveness/Failed.ts"
import { coalesce, Delta, Signal, tokensOf, ToolCallDelta, Usage } from "../../src/token/TokenEvent.ts"
import * as Transcript from "../../src/token/Transcript.ts"
import { dataOf } from "../support/agents.ts"
import { runs } from "../support/propertyRuns.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Text = Schema.Literals(["", "a", " word", "grün – ", "火", "👩‍🚀", "\r\n\n", "\u2028\u0000\ufeff", "\ud83d"])
const kinds = ["content", "content", "reasoning", "tool", "signal", "usage", "heartbeat", "status", "artifact"] as const

const Script = Schema.Struct({
  events: Schema.Array(Schema.Tuple([Schema.Literals(kinds), Text, between(0, 5)])).check(Schema.isMaxLength(16)),
  /** How many events come together, used again from the first on. */
  sizes: Schema.Array(between(1, 5)).check(Schema.isMinLength(1), Schema.isMaxLength(4)),
  end: Schema.Literals(["completes", "fails"]),
  readers: Schema.Array(Schema.Struct({
    /** It comes when so many chunks have been given. */
    after: between(0, 6),
    /** It takes so many turns for each response. */
    turns: between(0, 3),
    exact: Schema.Boolean
  })).check(Schema.isMaxLength(3)),
  turns: between(0, 3)
})
type Script = typeof Script.Type

const eventOf = ([kind, text, number]: Script["events"][number]): TaskEvent => {
  switch (kind) {
    case "content":
    case "reasoning":
      return Delta.make({ channel: kind, text, tokens: number })
    case "tool":
      return ToolCallDelta.make({ index: number, arguments: text, tokens: number })
    case "signal":
      return Signal.make({ signal: number > 2 ? "empty" : "keep-alive" })
    case "usage":
      return Usage.make({ promptTokens: 1, completionTokens: number })
    case "heartbeat":
      return Heartbeat.make({
        phase: number > 2 ? "decoding" : "agent-work",
        tokens: number,
        tokenAgeMillis: number * 1000.5,
        engine: number > 3 ? "moving" : "unknown",
        intervalMillis: 5000
      })
    case "status":
      return Status.make({ state: "working", text })
    case "artifact":
      return Artifact.make({ artifactId: "result", name: "result", parts: [{ _tag: "Data", data: { number } }] })
  }
}

const failure = new Failed({ hop: "engine", tokens: 3, reason: { _tag: "Truncated" } })

const turns = (count: number) => Effect.repeat(Effect.yieldNow, { times: count })

/** What one reader gets as the rest of its stream, read at its own speed: as it is written, decoded as the SDK does. */
const readRest = (following: TaskFollowing.TaskFollowing, slowness: number) =>
  Effect.gen(function*() {
    const answer = { first: null, dialect: "1.0", envelope: (event: unknown) => event } as const
    const frames = new EventFrames(answer, following, silent)
    let bytes = Buffer.alloc(0)
    while (!frames.ended) {
      const text = frames.take()
      bytes = Buffer.concat([bytes, Buffer.from(text)])
      if (text === "" && !frames.ended) {
        yield* Effect.callback<void>((resume) => void frames.onReady(() => resume(Effect.void)))
      }
      yield* turns(slowness)
    }
    return dataOf(bytes.toString()).slice(1).map((json) => StreamResponse.fromJSON(json))
  })

const silent: KeepAlive = { now: () => 0, onDue: () => () => {} }

const contextOf = (exact: boolean) =>
  new ServerCallContext({ requestedVersion: "1.0", ...exact ? { requestedExtensions: [TOKEN_EXTENSION_URI] } : {} })

/** Runs the task and gives what was given and what each reader got: the first one, and those who came later. */
const play = (script: Script) =>
  Effect.gen(function*() {
    const given = script.events.map(eventOf)
    const chunks: Array<ReadonlyArray<TaskEvent>> = []
    for (let at = 0, index = 0; at < given.length; index++) {
      const size = script.sizes[index % script.sizes.length]!
      chunks.push(given.slice(at, at += size))
    }
    let out = 0
    const relay = yield* Relay.make({
      executor: () =>
        Stream.fromIterable(chunks).pipe(
          Stream.rechunk(1),
          Stream.mapEffect((chunk) => Effect.as(Effect.repeat(Effect.yieldNow, { times: 1 + script.turns }), chunk)),
          Stream.tap(() => Effect.sync(() => out++)),
          Stream.flatMap((chunk) => Stream.fromIterable(chunk)),
          Stream.concat(script.end === "fails" ? Stream.fail(failure) : Stream.empty)
        )
    })
    const handler = new RelayRequestHandler(
      { defaultInputModes: ["text/plain"] } as never,
      relay,
      yield* Effect.context<never>()
    )
    const message = {
      messageId: "m",
      taskId: "",
      contextId: "",
      parts: [{ content: { $case: "text", value: "x" }, mediaType: "" }]
    }
    const context = contextOf(true)
    yield* Effect.promise(() => handler.sendMessageStream({ message } as never, context).next())
    const log = [...yield* relay.list({ tenant: "", user: "" })][0]!
    const id = log.taskId
    const late = yield* Effect.forEach(script.readers, (reader) =>
      Effect.gen(function*() {
        while (out < reader.after && !log.ended) yield* Effect.yieldNow
        if (log.ended) return undefined
        const context = contextOf(reader.exact)
        const opened = yield* Effect.promise(() => handler.resubscribe({ id }, context).next())
        if (opened.done === true) return undefined
        const following = TaskFollowing.take(context)!
        const cursor = following.reader.generation
        const rest = yield* readRest(following, reader.turns)
        return { exact: reader.exact, cursor, opened: opened.value, rest }
      }).pipe(Effect.forkChild({ startImmediately: true })))
    const got = yield* readRest(TaskFollowing.take(context)!, script.turns)
    const readers = yield* Effect.forEach(late, Fiber.join)
    return { given, got, readers: readers.filter((reader) => reader !== undefined) }
  })

/** The text of an artifact in the task that opens a late reader's stream. */
const textIn = (response: StreamResponse, artifactId: string): string =>
  response.payload?.$case === "task"
    ? response.payload.value.artifacts.filter((artifact) => artifact.artifactId === artifactId)
      .map((artifact) => textOf(artifact.parts)).join("")
    : ""

/** Two streams are the same if they say the same, however their deltas were cut. */
const same = (got: ReadonlyArray<TaskEvent>, given: ReadonlyArray<TaskEvent>) =>
  assert.deepStrictEqual(coalesce(got).map(encodeEvent), coalesce(given).map(encodeEvent))

const tokens = (some: ReadonlyArray<TaskEvent>) =>
  some.filter(isTokenEvent).reduce((sum, event) => sum + tokensOf(event), 0)

describe("property 18, A2A hop", () => {
  it.effect.prop(
    "a reader gets what the executor gave, once and in order, whenever it comes",
    [Script],
    ([script]) =>
      Effect.gen(function*() {
        const { given, got, readers } = yield* play(script)
        const ended = script.end === "fails"
          ? Ended.make({ state: "failed", text: failure.message, error: failure })
          : Ended.make({ state: "completed", text: "", error: null })
        const all = [Status.make({ state: "working", text: "" }), ...given, ended]
        const events = got.flatMap(makeDecoder().decode)
        same(events, all)
        assert.strictEqual(tokens(events), tokens(given))
        const whole = Transcript.fromEvents(given.filter(isTokenEvent))
        for (const { cursor, exact, opened, rest } of readers) {
          const later = rest.flatMap(makeDecoder().decode)
          if (exact) same(later, all.slice(cursor))
          const transcript = Transcript.fromEvents(later.filter(isTokenEvent))
          assert.strictEqual(textIn(opened, ANSWER_ARTIFACT_ID) + transcript.content, whole.content)
          if (exact) assert.strictEqual(textIn(opened, REASONING_ARTIFACT_ID) + transcript.reasoning, whole.reasoning)
          else assert.strictEqual(transcript.reasoning, "")
        }
      }),
    runs
  )
})
