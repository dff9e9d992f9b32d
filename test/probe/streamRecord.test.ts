// What is read of an agent's frames, of the bytes around them, and of the engine beside them.
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { TOKEN_EXTENSION_URI } from "../../src/a2a/TokenExtension.ts"
import type { EngineSample } from "../../src/liveness/EngineSample.ts"
import { readCard } from "../../src/probe/AgentCardReading.ts"
import { type AgentFrame, isFinal, readFrame } from "../../src/probe/AgentFrame.ts"
import { makeAnswer } from "../../src/probe/AnswerText.ts"
import { makeFrameOrder } from "../../src/probe/FrameOrder.ts"
import { judged, type TakenUp } from "../../src/probe/measureResubscription.ts"
import { makeStreamRecord } from "../../src/probe/StreamRecord.ts"
import { measuredOf, step } from "../../src/probe/UpstreamWatch.ts"
import { progress } from "./measured.ts"

const piece = (text: string, append: boolean, id = "a") =>
  readFrame({
    artifactUpdate: { taskId: "t", contextId: "c", append, artifact: { artifactId: id, parts: [{ text }] } }
  })
const status = (state: string, text = "") =>
  readFrame({
    kind: "status-update",
    taskId: "t",
    contextId: "c",
    status: { state, ...(text === "" ? {} : { message: { parts: [{ kind: "text", text }] } }) }
  })
const task = (text: string, state = "TASK_STATE_WORKING") =>
  readFrame({
    task: { id: "t", contextId: "c", status: { state }, artifacts: [{ artifactId: "a", parts: [{ text }] }] }
  })
const voicesOf = (frames: ReadonlyArray<AgentFrame>) => {
  const answer = makeAnswer()
  return { voices: frames.map((frame) => answer.read(frame)?.voice ?? null), answer }
}
const end = { outcome: "ended", detail: "", endMillis: 0, pausedMillis: 0, side: progress, upstream: null } as const

describe("a frame", () => {
  it("is read in the words of 1.0 and of 0.3", () => {
    const legacy = { kind: "task", id: "t", contextId: "c", status: { state: "working" }, artifacts: [] }
    const current = { task: { id: "t", contextId: "c", status: { state: "TASK_STATE_WORKING" } } }
    assert.deepStrictEqual(readFrame(current), readFrame(legacy))
    // As GetTask of 1.0 answers.
    assert.deepStrictEqual(readFrame(current.task), readFrame(legacy))
    assert.strictEqual(status("input-required").state, "input-required")
    assert.strictEqual(status("TASK_STATE_INPUT_REQUIRED").state, "input-required")
    assert.isTrue(isFinal(status("TASK_STATE_CANCELLED")))
    assert.strictEqual(status("\u001b[31m").state, "")
  })

  it("says what our extension says", () => {
    const told = (event: object) =>
      readFrame({ statusUpdate: { status: {}, metadata: { [TOKEN_EXTENSION_URI]: event } } }).extension
    assert.deepStrictEqual(told({ _tag: "Delta", tokens: 3 }), { tokens: 3, isHeartbeat: false })
    assert.deepStrictEqual(told({ _tag: "Heartbeat", tokens: 30 }), { tokens: 0, isHeartbeat: true })
    assert.deepStrictEqual(told({ tokens: "many" }), { tokens: 0, isHeartbeat: false })
  })

  it.prop("is read whatever it is", [Schema.Json], ([json]) => {
    for (const each of [json, { task: json }, { artifactUpdate: json }, { kind: "status-update", status: json }]) {
      assert.isString(readFrame(each).kind)
    }
    assert.isString(readCard(json).name)
  }, { arbitrary: { runs: 200 } })

  it("is of the one task that was begun", () => {
    const flawsOf = (...frames: ReadonlyArray<AgentFrame>) => {
      const flawOf = makeFrameOrder()
      return frames.map(flawOf).at(-1)
    }
    const message = readFrame({ message: { messageId: "m", parts: [{ text: "x" }] } })
    assert.isUndefined(flawsOf(message))
    assert.isUndefined(flawsOf(status("working"), piece("x", true)))
    assert.match(flawsOf(task(""), message) ?? "", /event 2 is a message/)
    assert.match(flawsOf(piece("x", true)) ?? "", /event 1 is an artifact/)
    assert.match(flawsOf(task(""), { ...piece("x", true), taskId: "u" }) ?? "", /another task/)
    assert.match(flawsOf(task(""), { ...piece("x", true), contextId: "d" }) ?? "", /another context/)
    assert.isUndefined(flawsOf(task(""), { ...piece("x", true), taskId: "", contextId: "" }))
  })
})

describe("a card", () => {
  it("is used as our client uses it", () => {
    const usedOf = (...interfaces: ReadonlyArray<readonly [string, string]>) => {
      const { used } = readCard({
        supportedInterfaces: interfaces.map(([protocolBinding, protocolVersion]) => ({
          url: "http://a/",
          protocolBinding,
          protocolVersion
        }))
      })
      return used === null ? null : `${used.binding} ${used.version}`
    }
    assert.strictEqual(usedOf(["JSONRPC", "0.3"], ["HTTP+JSON", "1.0"], ["JSONRPC", "1.0.2"]), "JSONRPC 1.0")
    assert.strictEqual(usedOf(["JSONRPC", "0.3"], ["HTTP+JSON", "1.0"]), "HTTP+JSON 1.0")
    assert.strictEqual(usedOf(["GRPC", "1.0"]), null)
    assert.deepInclude(readCard({ url: "http://a/", name: "a\u0007b", capabilities: { streaming: true } }), {
      used: { url: "http://a/", binding: "JSONRPC", version: "0.3" },
      streaming: true,
      fault: null,
      name: "a b"
    })
    assert.match(readCard({}).fault ?? "", /names no address/)
    assert.match(readCard({ url: "nowhere" }).fault ?? "", /no URL: nowhere/)
  })
})

describe("an answer", () => {
  it("knows in which way more of it was told", () => {
    const appended = voicesOf([task(""), piece("a", false), piece("b", true), piece("b", true), status("completed")])
    assert.deepStrictEqual(appended.voices, [null, "append", "append", "append", null])
    assert.strictEqual(appended.answer.text(), "abb")
    const replaced = voicesOf([piece("a", false), piece("ab", false), piece("ab", false), piece("x", false)])
    assert.deepStrictEqual(replaced.voices, ["append", "replace", null, "piece"])
    assert.strictEqual(replaced.answer.text(), "x")
    const several = voicesOf([piece("a", true, "1"), piece("b", true, "2"), piece("", true, "3")])
    assert.deepStrictEqual(several.voices, ["append", "artifact", null])
    assert.strictEqual(several.answer.text(), "ab")
    const statuses = voicesOf([status("working", "a"), status("working", "a"), status("working", "ab")])
    assert.deepStrictEqual(statuses.voices, ["status", null, "status-whole"])
    const snapshot = voicesOf([piece("a", true), task("abc"), task("abc")])
    assert.deepStrictEqual(snapshot.voices, ["append", "snapshot", null])
    const twice = voicesOf([piece("ab", true), status("completed", "ab")])
    assert.deepStrictEqual([twice.voices[1], twice.answer.saidTwice()], [null, true])
    assert.deepStrictEqual(voicesOf([status("completed", "ab")]).voices, ["end"])
  })
})

describe("a record of a stream", () => {
  const stream = new TextEncoder().encode(": one\ndata: {\"a\":1}\n\n: two\r\n\r\ndata: x:y\n:three\n\n")

  it.prop("counts comments however its bytes were cut", [Schema.Array(Schema.Int)], ([cuts]) => {
    const record = makeStreamRecord(0)
    const places = [...cuts.map((cut) => Math.abs(cut) % stream.length), stream.length].toSorted((a, b) => a - b)
    let from = 0
    for (const to of places) {
      record.chunk(stream.subarray(from, to), 1)
      from = to
    }
    const { bytes, comments } = record.measured(end)
    assert.deepStrictEqual([bytes, comments], [stream.length, 3])
  }, { arbitrary: { runs: 100 } })

  it("knows when news came, and how much of it late", () => {
    const record = makeStreamRecord(1000)
    record.frame(task(""), 1010)
    assert.strictEqual(record.newsAt(), 1010)
    record.frame(piece("a", true), 1100)
    record.frame(piece("b", true), 1101)
    record.frame(status("working"), 1300)
    assert.strictEqual(record.newsAt(), 1101)
    record.frame(piece("cdef", true), 1400)
    record.frame(piece("gh", true), 1440)
    const measured = record.measured(end)
    assert.deepInclude(measured, { textFrames: 4, arrivals: 3, firstTextMillis: 100, lastTextMillis: 440, repeats: 1 })
    assert.strictEqual(measured.lateShare, 0.75)
    assert.deepStrictEqual([measured.gapP50Millis, measured.gapMaxMillis], [40, 300])
    assert.isFalse(record.isOver())
    record.frame(status("completed"), 1500)
    assert.isTrue(record.isOver())
  })
})

describe("a stream that was taken up again", () => {
  const whole: TakenUp = {
    had: "ab",
    first: "task",
    snapshot: "abc",
    text: "abcd",
    whole: "abcd",
    fault: undefined,
    isSilent: false,
    isOver: false
  }
  const outcomeOf = (more: Partial<TakenUp>) => judged({ ...whole, ...more }).outcome
  it("is whole, or is not", () => {
    assert.strictEqual(outcomeOf({}), "whole")
    assert.strictEqual(outcomeOf({ snapshot: "xbc" }), "lost")
    assert.strictEqual(outcomeOf({ text: "abd" }), "lost")
    assert.strictEqual(outcomeOf({ text: "abccd" }), "doubled")
    assert.strictEqual(outcomeOf({ first: "artifact" }), "no-snapshot")
    assert.strictEqual(outcomeOf({ whole: null }), "unclear")
    assert.strictEqual(outcomeOf({ isSilent: true }), "silent")
    assert.strictEqual(outcomeOf({ isOver: true }), "over")
    const refused = { _tag: "Refused", code: -32601, detail: "no", millis: 1 } as const
    assert.strictEqual(outcomeOf({ fault: refused }), "refused")
  })
})

describe("the engine beside it", () => {
  const sample = (generationTokens: number, running: number) =>
    ({ generationTokens, running, promptTokens: 7, finished: 0 }) as EngineSample
  it("is seen from the second look on, by what it has made since the first", () => {
    const first = sample(50, 0)
    const start = {
      tokens: 0,
      firstAt: null,
      lastAt: null,
      running: null,
      promptTokens: null,
      finished: null,
      shared: false,
      looks: 0
    }
    const one = step(start, first, first, 100)
    assert.isNull(measuredOf(one, 100))
    const two = step(one, first, sample(50, 1), 200)
    const three = step(two, first, sample(60, 1), 300)
    const four = step(three, first, sample(60, 0), 400)
    assert.deepInclude(measuredOf(four, 100), { tokens: 10, firstMillis: 200, lastMillis: 200, shared: false })
    assert.isTrue(step(start, first, sample(50, 1), 100).shared)
  })
})
