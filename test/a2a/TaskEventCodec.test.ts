import { StreamResponse } from "@a2a-js/sdk"
import { legacyPushNotificationToV1StreamResponse } from "@a2a-js/sdk/compat/v0_3"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { Dialect } from "../../src/a2a/HttpAnswer.ts"
import * as LogEntry from "../../src/a2a/LogEntry.ts"
import { Artifact, Ended, isTokenEvent, Replaced, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { makeDecoder } from "../../src/a2a/TaskEventDecoder.ts"
import { type EncoderOptions, makeEncoder } from "../../src/a2a/TaskEventEncoder.ts"
import type { TaskSummary } from "../../src/a2a/TaskSummary.ts"
import { encodeEvent, TOKEN_EXTENSION_URI } from "../../src/a2a/TokenExtension.ts"
import { Failed } from "../../src/liveness/Failed.ts"
import { Slow } from "../../src/liveness/Slow.ts"
import { Delta, Finish, Signal } from "../../src/token/TokenEvent.ts"
import * as Transcript from "../../src/token/Transcript.ts"
import { said } from "../support/agents.ts"
import { taskEvents, tokenEvents } from "../support/arbitraries.ts"
import { circumstances, stalled } from "../support/runErrors.ts"

const identity = { taskId: "task-1", contextId: "context-1" }

const summary: TaskSummary = {
  finishReason: "stop",
  usage: null,
  tokens: 3,
  timings: { firstTokenMillis: 1, lastTokenMillis: 2, endMillis: 3 },
  verdict: "completed"
}

/** The JSON that a reader gets of events. */
const encodeAll = (
  events: ReadonlyArray<TaskEvent>,
  options: Partial<EncoderOptions> & Pick<EncoderOptions, "exact">
): ReadonlyArray<Record<string, any>> => {
  const encode = makeEncoder(identity, {
    dialect: "1.0",
    endsAtInterruption: true,
    summary: () => summary,
    answer: () => "the whole answer",
    ...options
  })
  let place = { generation: 0, total: 0 }
  return events.flatMap((event) => {
    const entry = LogEntry.next(place, event, Date.UTC(2026, 10, 22, 12))
    place = entry
    return encode(entry).map((json) => JSON.parse(JSON.stringify(json)))
  })
}

const roundTrip = (
  events: ReadonlyArray<TaskEvent>,
  options: { readonly exact: boolean; readonly dialect?: Dialect }
): ReadonlyArray<TaskEvent> => {
  const { decode } = makeDecoder()
  // As the SDK's clients read it.
  return encodeAll(events, options).map((json) =>
    options.dialect === "0.3" ? legacyPushNotificationToV1StreamResponse(json) : StreamResponse.fromJSON(json)
  ).flatMap(decode)
}

describe("task events on the wire", () => {
  it.prop("decode after encode gives back any token stream, one for one", [tokenEvents], ([events]) => {
    assert.deepStrictEqual(roundTrip(events, { exact: true }), events)
  }, { arbitrary: { runs: 500 } })

  it.prop(
    "decode after encode gives back any stream of task events, in the words of A2A 1.0 and of 0.3",
    [taskEvents, Schema.Literals(["1.0", "0.3"])],
    ([events, dialect]) => {
      // Errors are compared as what they encode to, and JSON has no negative zero.
      const asJson = (events: ReadonlyArray<TaskEvent>) => JSON.parse(JSON.stringify(events.map(encodeEvent)))
      assert.deepStrictEqual(asJson(roundTrip(events, { exact: true, dialect })), asJson(events))
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop(
    "a client without the extension gets the whole answer and nothing else as content",
    [tokenEvents],
    ([events]) => {
      const plain = roundTrip(events, { exact: false }).filter(isTokenEvent)
      assert.strictEqual(Transcript.fromEvents(plain).content, Transcript.fromEvents(events).content)
      assert.strictEqual(Transcript.fromEvents(plain).reasoning, "")
    }
  )

  it("carries the errors of inner hops unchanged", () => {
    const failed = new Failed({
      hop: "engine",
      tokens: 3,
      reason: { _tag: "MidStreamError", code: 500, detail: "died" }
    })
    const { hop, phase, silentMillis, tokens } = stalled("engine-hung")
    const slow = new Slow({
      hop,
      reason: "prefill",
      phase,
      tokens,
      silentMillis,
      limit: { name: "budget", millis: 60_000, origin: "default", learning: null },
      circumstances,
      cancel: "confirmed"
    })
    for (const error of [stalled("engine-hung"), slow, failed]) {
      const [ended] = roundTrip([Ended.make({ state: "failed", text: error.message, error })], { exact: true })
      assert.deepStrictEqual(ended, Ended.make({ state: "failed", text: error.message, error }))
      assert.strictEqual(ended?._tag === "Ended" ? ended.error?.message : undefined, error.message)
    }
  })

  it("says on every event where in the log it is and how many tokens there were", () => {
    const events = [Delta.make({ channel: "content", text: "ab", tokens: 2 }), Finish.make({ reason: "stop" })]
    assert.deepStrictEqual(
      encodeAll(events, { exact: true }).map((json) => Object.values(json)[0].metadata[TOKEN_EXTENSION_URI]),
      [
        { _tag: "Delta", channel: "content", tokens: 2, generation: 1, total: 2 },
        { _tag: "Finish", reason: "stop", generation: 2, total: 2 }
      ]
    )
  })

  it("sums up at the end, for those who asked", () => {
    const end = [Ended.make({ state: "completed", text: "", error: null })]
    const metadata = encodeAll(end, { exact: true })[0]!.statusUpdate.metadata[TOKEN_EXTENSION_URI]
    assert.deepStrictEqual(metadata.summary, summary)
    assert.notProperty(encodeAll(end, { exact: false })[0]!.statusUpdate, "metadata")
  })

  describe("in the words of A2A 0.3", () => {
    const pieces = [said("a"), said("b")]
    const end = Ended.make({ state: "completed", text: "", error: null })
    const kinds = (json: Record<string, any>) => [json.kind, json.final ?? json.append, json.lastChunk]

    it("ends with the whole answer in place of its pieces, and with the event that says it is the last", () => {
      const all = encodeAll([...pieces, end], { exact: false, dialect: "0.3" })
      assert.deepStrictEqual(all.map(kinds), [
        ["artifact-update", false, false],
        ["artifact-update", true, false],
        ["artifact-update", false, true],
        ["status-update", true, undefined]
      ])
      assert.deepStrictEqual(all[2]!.artifact, {
        artifactId: "answer",
        name: "answer",
        parts: [{ kind: "text", text: "the whole answer" }]
      })
    })

    it("does not repeat an answer that came whole, one that is very long, or one to a client that counts tokens", () => {
      const count = (events: ReadonlyArray<TaskEvent>, options: Partial<EncoderOptions>) =>
        encodeAll(events, { exact: false, dialect: "0.3", ...options }).length
      assert.strictEqual(count([said("a"), end], {}), 2)
      assert.strictEqual(count([said("a"), end], { begun: ["answer"] }), 3)
      assert.strictEqual(count([...pieces, end], { exact: true }), 3)
      assert.strictEqual(count([...pieces, end], { answer: () => "x".repeat(500_000) }), 4)
      assert.strictEqual(count([...pieces, end], { answer: () => "x".repeat(500_001) }), 3)
    })

    it("ends where the task begins to wait, if the stream does", () => {
      const asks = Status.make({ state: "input-required", text: "which?" })
      const finals = (endsAtInterruption: boolean) =>
        encodeAll([...pieces, asks], { exact: false, dialect: "0.3", endsAtInterruption }).map(kinds).slice(2)
      assert.deepStrictEqual(finals(true), [["artifact-update", false, true], ["status-update", true, undefined]])
      assert.deepStrictEqual(finals(false), [["status-update", false, undefined]])
    })
  })

  it("begins an artifact once and appends from then on, also after a snapshot", () => {
    const delta = Delta.make({ channel: "content", text: "x", tokens: 1 })
    const appends = (begun: ReadonlyArray<string>) =>
      encodeAll([delta, delta], { exact: true, begun }).map(({ artifactUpdate }) => artifactUpdate.append ?? false)
    assert.deepStrictEqual(appends([]), [false, true])
    assert.deepStrictEqual(appends(["answer"]), [true, true])
  })

  describe("of agents that are not ours", () => {
    const artifact = (text: string, append: boolean): StreamResponse =>
      StreamResponse.fromJSON({
        artifactUpdate: { ...identity, artifact: { artifactId: "a", parts: [{ text }] }, append }
      })

    it("takes text for content and an artifact sent again as a whole for what is new in it", () => {
      const { decode } = makeDecoder()
      const events = [artifact("one", false), artifact(" two", true), artifact("one two three", false)].flatMap(decode)
      assert.deepStrictEqual(Transcript.fromEvents(events.filter(isTokenEvent)).content, "one two three")
    })

    it("says so when an artifact is replaced by something else", () => {
      const { decode } = makeDecoder()
      const events = [artifact("wrong", false), artifact("right", false)].flatMap(decode)
      assert.deepStrictEqual(events.at(-1), Replaced.make({ text: "right" }))
    })

    it("reads a single message as a whole answer", () => {
      const { decode } = makeDecoder()
      const events = decode(StreamResponse.fromJSON({
        message: { messageId: "m", role: "ROLE_AGENT", parts: [{ text: "hello" }] }
      }))
      assert.deepStrictEqual(events.map((event) => event._tag), ["Delta", "Finish", "Ended"])
    })

    it("reads log lines, results and the end", () => {
      const { decode, taskId } = makeDecoder()
      const responses = [
        { task: { id: "task-9", contextId: "c", status: { state: "TASK_STATE_SUBMITTED" } } },
        {
          statusUpdate: {
            taskId: "task-9",
            status: { state: "TASK_STATE_WORKING", message: { parts: [{ text: "hm" }] } }
          }
        },
        { artifactUpdate: { taskId: "task-9", artifact: { artifactId: "r", parts: [{ data: { score: 1 } }] } } },
        { statusUpdate: { taskId: "task-9", status: { state: "TASK_STATE_COMPLETED" } } }
      ]
      assert.deepStrictEqual(responses.flatMap((json) => decode(StreamResponse.fromJSON(json))), [
        Status.make({ state: "submitted", text: "" }),
        Status.make({ state: "working", text: "hm" }),
        Artifact.make({ artifactId: "r", name: "", parts: [{ _tag: "Data", data: { score: 1 } }] }),
        Ended.make({ state: "completed", text: "", error: null })
      ])
      assert.strictEqual(taskId(), "task-9")
    })

    it("ignores extension data that it cannot read", () => {
      const { decode } = makeDecoder()
      const events = decode(StreamResponse.fromJSON({
        artifactUpdate: {
          ...identity,
          artifact: { artifactId: "a", parts: [{ text: "x" }] },
          metadata: { "urn:a2a-campaign:extension:token-liveness:v1": { _tag: "Delta", channel: "nonsense" } }
        }
      }))
      assert.deepStrictEqual(events, [Delta.make({ channel: "content", text: "x", tokens: 1 })])
    })
  })

  it("shows plain clients neither signals nor finish", () => {
    assert.deepStrictEqual(
      roundTrip([Signal.make({ signal: "role" }), Finish.make({ reason: "stop" })], { exact: false }),
      []
    )
  })
})
