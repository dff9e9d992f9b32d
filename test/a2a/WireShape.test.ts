/** Whatever JSON an agent sends, reading it never throws: it is events, or it has a flaw that is named. */
import { StreamResponse } from "@a2a-js/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { makeGuard, MOST_EVENT_LENGTH } from "../../src/a2a/EventStreamGuard.ts"
import * as StreamOrder from "../../src/a2a/StreamOrder.ts"
import { TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { makeDecoder } from "../../src/a2a/TaskEventDecoder.ts"
import { TOKEN_EXTENSION_URI } from "../../src/a2a/TokenExtension.ts"
import { flawOf } from "../../src/a2a/WireShape.ts"
import { runs } from "../support/propertyRuns.ts"

const count = (most: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: most }))
const exact = (value: unknown) => ({ [TOKEN_EXTENSION_URI]: value })

const valid: ReadonlyArray<object> = [
  {
    task: {
      id: "t",
      contextId: "c",
      status: { state: "TASK_STATE_WORKING", message: { parts: [{ text: "x" }] } },
      artifacts: [{ artifactId: "a", parts: [{ text: "x" }, { data: { a: [1] } }] }],
      history: [{ messageId: "m", parts: [] }],
      metadata: exact({ _tag: "Snapshot", generation: 1, tokens: 2, ended: { _tag: "Ended" } })
    }
  },
  { message: { messageId: "m", role: "ROLE_AGENT", taskId: "t", parts: [{ text: "x" }], metadata: {} } },
  {
    statusUpdate: {
      taskId: "t",
      contextId: "c",
      status: { state: "TASK_STATE_WORKING" },
      metadata: exact({ _tag: "Finish", reason: "stop", generation: 5 })
    }
  },
  {
    statusUpdate: {
      taskId: "t",
      status: { state: "TASK_STATE_FAILED" },
      metadata: exact({
        _tag: "Ended",
        state: "failed",
        text: "x",
        error: null,
        summary: { finishReason: "stop", usage: { promptTokens: 1, completionTokens: 1 } }
      })
    }
  },
  {
    artifactUpdate: {
      taskId: "t",
      artifact: { artifactId: "answer", name: "n", parts: [{ text: "x" }] },
      append: true,
      metadata: exact({ _tag: "Delta", channel: "content", tokens: 1, generation: 2 })
    }
  },
  {
    kind: "task",
    id: "t",
    contextId: "c",
    status: { state: "working" },
    artifacts: [{ artifactId: "a", parts: [{ kind: "text", text: "x" }] }]
  },
  {
    kind: "artifact-update",
    taskId: "t",
    contextId: "c",
    artifact: { artifactId: "a", parts: [{ kind: "text", text: "x" }] }
  },
  { kind: "status-update", taskId: "t", contextId: "c", status: { state: "working" }, final: false }
]

/** A copy with something else in one place, found by a path of positions. */
const mutated = (value: unknown, path: ReadonlyArray<number>, other: unknown): unknown => {
  if (typeof value !== "object" || value === null || path.length === 0) return other
  const keys = Object.keys(value)
  if (keys.length === 0) return other
  const key = keys[path[0]! % keys.length]!
  const copy: any = Array.isArray(value) ? [...value] : { ...value }
  copy[key] = mutated(copy[key], path.slice(1), other)
  return copy
}

const isEvent = Schema.is(TaskEvent)

/** Reads responses as the client does and tells whether they were taken. */
const readAll = (responses: ReadonlyArray<unknown>) => {
  const { decode } = makeDecoder()
  let order = StreamOrder.initial
  for (const json of responses) {
    const flaw = flawOf(json)
    if (flaw !== undefined) return assert.isAbove(flaw.length, 5)
    // What the SDK throws is a flaw too; the client takes it for one.
    const response = Result.try(() => StreamResponse.fromJSON(json))
    if (Result.isFailure(response)) return
    const next = StreamOrder.step(order, response.success)
    if (Result.isFailure(next)) return assert.match(next.failure, /^event \d+ /)
    order = next.success
    for (const event of decode(response.success)) assert.isTrue(isEvent(event), JSON.stringify(event))
  }
}

describe("what an agent sends", () => {
  it.prop("any JSON is events or has a flaw", [Schema.Array(Schema.Json)], ([responses]) => readAll(responses), runs)

  it.prop(
    "a good stream with something else in places is events or has a flaw",
    [
      Schema.Array(
        Schema.Struct({
          which: count(valid.length - 1),
          path: Schema.Array(count(5)),
          other: Schema.Json,
          isWhole: Schema.Boolean
        })
      )
    ],
    ([mutations]) =>
      readAll(
        mutations.map(({ isWhole, other, path, which }) => isWhole ? valid[which] : mutated(valid[which], path, other))
      ),
    runs
  )

  it("a good event has no flaw", () => {
    for (const event of valid) assert.isUndefined(flawOf(event))
  })
})

describe("the guard of an event stream", () => {
  const encoder = new TextEncoder()
  const event = (text: string) =>
    `: ping\r\nid: 1\r\ndata: ${JSON.stringify({ message: { parts: [{ text }] } })}\r\n\r\n`

  it.prop(
    "hands on the same events however the bytes are cut",
    [Schema.Array(Schema.String), Schema.Array(count(40))],
    ([texts, cuts]) => {
      const bytes = encoder.encode(texts.map(event).join(""))
      const { end, push } = makeGuard(undefined)
      let out = ""
      let position = 0
      for (const cut of cuts) {
        const { fault, text } = push(bytes.slice(position, position + cut))
        assert.isUndefined(fault)
        out += text
        position = Math.min(bytes.length, position + cut)
      }
      out += push(bytes.slice(position)).text + end().text
      const got = out.split("\n\n").filter((frame) => frame !== "").map((frame) =>
        JSON.parse(frame.slice(6)).message.parts[0].text
      )
      assert.deepStrictEqual(got, [...texts])
    },
    runs
  )

  it("keeps no more than the largest event, and reads each byte once", () => {
    const { push } = makeGuard(undefined)
    const piece = encoder.encode("data: xxxxxxxxxx")
    let pieces = 0
    while (push(piece).fault === undefined) pieces++
    assert.strictEqual(pieces, Math.floor(MOST_EVENT_LENGTH / piece.length))
  })
})
