import { StreamResponse } from "@a2a-js/sdk"
import { assert, describe, it } from "@effect/vitest"
import { Artifact, Ended, isTokenEvent, Replaced, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { makeDecoder } from "../../src/a2a/TaskEventDecoder.ts"
import { makeEncoder } from "../../src/a2a/TaskEventEncoder.ts"
import { encodeEvent } from "../../src/a2a/TokenExtension.ts"
import { Failed } from "../../src/liveness/Failed.ts"
import { Slow } from "../../src/liveness/Slow.ts"
import { Delta, Finish, Signal } from "../../src/token/TokenEvent.ts"
import * as Transcript from "../../src/token/Transcript.ts"
import { taskEvents, tokenEvents } from "../support/arbitraries.ts"
import { circumstances, stalled } from "../support/runErrors.ts"

const identity = { taskId: "task-1", contextId: "context-1" }
const timestamp = () => "2026-11-22T12:00:00.000Z"

/** Over the wire as the SDK writes it: JSON text. */
const overTheWire = (response: StreamResponse): StreamResponse =>
  StreamResponse.fromJSON(JSON.parse(JSON.stringify(StreamResponse.toJSON(response))))

const roundTrip = (events: ReadonlyArray<TaskEvent>, exact: boolean): ReadonlyArray<TaskEvent> => {
  const encode = makeEncoder(identity, { exact, timestamp })
  const { decode } = makeDecoder()
  return events.flatMap((event) => {
    const response = encode(event)
    return response === undefined ? [] : decode(overTheWire(response))
  })
}

describe("task events on the wire", () => {
  it.prop("decode after encode gives back any token stream, one for one", [tokenEvents], ([events]) => {
    assert.deepStrictEqual(roundTrip(events, true), events)
  }, { arbitrary: { runs: 500 } })

  it.prop("decode after encode gives back any stream of task events", [taskEvents], ([events]) => {
    // Errors are compared as what they encode to, and JSON has no negative zero.
    const asJson = (events: ReadonlyArray<TaskEvent>) => JSON.parse(JSON.stringify(events.map(encodeEvent)))
    assert.deepStrictEqual(asJson(roundTrip(events, true)), asJson(events))
  }, { arbitrary: { runs: 300 } })

  it.prop(
    "a client without the extension gets the whole answer and nothing else as content",
    [tokenEvents],
    ([events]) => {
      const plain = roundTrip(events, false).filter(isTokenEvent)
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
      const [ended] = roundTrip([Ended.make({ state: "failed", text: error.message, error })], true)
      assert.deepStrictEqual(ended, Ended.make({ state: "failed", text: error.message, error }))
      assert.strictEqual(ended?._tag === "Ended" ? ended.error?.message : undefined, error.message)
    }
  })

  it("begins an artifact once and appends from then on, also after a snapshot", () => {
    const delta = Delta.make({ channel: "content", text: "x", tokens: 1 })
    const appends = (begun: ReadonlyArray<string>) => {
      const encode = makeEncoder(identity, { exact: true, timestamp, begun })
      return [delta, delta].map((event) => {
        const payload = encode(event)?.payload
        return payload?.$case === "artifactUpdate" ? payload.value.append : undefined
      })
    }
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
    assert.deepStrictEqual(roundTrip([Signal.make({ signal: "role" }), Finish.make({ reason: "stop" })], false), [])
  })
})
