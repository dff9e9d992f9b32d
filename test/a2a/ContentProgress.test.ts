/** Agents without the token extension: what they say is counted by its content, never by the number of its frames. */
import { StreamResponse } from "@a2a-js/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as KnownTask from "../../src/a2a/KnownTask.ts"
import type { TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { makeDecoder } from "../../src/a2a/TaskEventDecoder.ts"
import { artifactUpdate, at, meet, pass, saying, statusUpdate, task, textOf } from "./virtualAgent.ts"

/** A stream that begins a task, says something and then goes on with one event every ten seconds. */
const goesOn = (event: (nth: number) => object): Stream.Stream<object> =>
  Stream.concat(
    Stream.make<Array<object>>({ task: task("WORKING") }, artifactUpdate("text", false)),
    Stream.map(Stream.zipWithIndex(Stream.tick("10 seconds")), ([, nth]) => event(nth))
  )

describe("the watch of an agent without the extension", () => {
  const whole = { task: task("WORKING", ["text"], saying("at work")) }
  const mute: ReadonlyArray<readonly [string, (nth: number) => object]> = [
    ["repeats its status", () => statusUpdate("WORKING", saying("at work"))],
    [
      "repeats its status with another time",
      (nth) => statusUpdate("WORKING", { ...saying("at work"), ...at(nth) })
    ],
    [
      "repeats its status with silence in between",
      (nth) => statusUpdate("WORKING", nth % 2 === 0 ? saying("at work") : {})
    ],
    ["sends its artifact again", () => artifactUpdate("text", false)],
    ["appends nothing", () => artifactUpdate("", true)],
    ["sends its data again", () => ({
      artifactUpdate: { taskId: "t", artifact: { artifactId: "d", parts: [{ data: { score: 1 } }] } }
    })],
    ["sends its task again", () => whole]
  ]
  for (const [name, event] of mute) {
    it.effect(`finds it stalled where it only ${name}`, () =>
      Effect.gen(function*() {
        const meeting = yield* meet({ stream: goesOn(event) })
        yield* pass(1100, 5000)
        assert.deepInclude(meeting.ended()?.error, { _tag: "Stalled", kind: "agent-silent" })
        // Its first event may still be news.
        assert.isAtMost(meeting.ended()!.second, 950)
        assert.deepStrictEqual(meeting.cancelled, ["t"])
      }))
  }

  const alive: ReadonlyArray<readonly [string, (nth: number) => object]> = [
    ["tells of each token in its status", (nth) => statusUpdate("WORKING", saying(nth % 2 === 0 ? "tick" : "tock"))],
    ["appends", () => artifactUpdate("x", true)],
    ["begins an artifact for each token", (nth) => artifactUpdate("x", false, `b${nth}`)],
    ["replaces its answer by its next piece", (nth) => artifactUpdate(`${nth} piece`, false)],
    ["appends data", () => ({
      artifactUpdate: { taskId: "t", artifact: { artifactId: "d", parts: [{ data: 1 }] }, append: true }
    })],
    ["sends its task with more in it", (nth) => ({ task: task("WORKING", [`text${"x".repeat(nth)}`]) })]
  ]
  for (const [name, event] of alive) {
    it.effect(`lets it live where it ${name}`, () =>
      Effect.gen(function*() {
        const meeting = yield* meet({ stream: goesOn(event) })
        yield* pass(2000, 10_000)
        assert.isUndefined(meeting.ended())
        yield* meeting.giveUp
        assert.deepStrictEqual(meeting.cancelled, ["t"])
      }))
  }
})

describe("the answer of an agent without the extension", () => {
  const decoded = (...events: ReadonlyArray<object>): ReadonlyArray<TaskEvent> =>
    events.map(StreamResponse.fromJSON).flatMap(makeDecoder().decode)
  const end = statusUpdate("COMPLETED")

  it("is the text of all artifacts where each token has one of its own", () => {
    const events = decoded(
      { task: task("WORKING") },
      ...["a", "b", "a"].map((x, n) => artifactUpdate(x, false, `p${n}`)),
      end
    )
    assert.strictEqual(textOf(events), "aba")
    assert.notInclude(events.map(({ _tag }) => _tag), "Replaced")
  })

  it("is in the order of its artifacts, however their pieces were mixed", () => {
    const events = decoded(
      { task: task("WORKING") },
      artifactUpdate("thought", false, "thoughts"),
      artifactUpdate("word", false, "answer"),
      artifactUpdate(" more", true, "thoughts"),
      artifactUpdate("s", true, "answer"),
      end
    )
    assert.strictEqual(textOf(events), "thought morewords")
    assert.deepStrictEqual(events.map(({ _tag }) => _tag), [
      "Status",
      "Delta",
      "Delta",
      "Delta",
      "Delta",
      "Replaced",
      "Ended"
    ])
  })

  it("is what replaced it, also where only its last piece did", () => {
    const pieces = ["one ", "two ", "three"].map((text) => artifactUpdate(text, false))
    const events = decoded({ task: task("WORKING") }, ...pieces, end)
    assert.strictEqual(textOf(events), "three")
    assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["Status", "Delta", "Replaced", "Replaced", "Ended"])
  })

  it("has all data of an artifact, in updates as in snapshots", () => {
    const data = (value: unknown, append: boolean) => ({
      artifactUpdate: { taskId: "t", artifact: { artifactId: "d", parts: [{ data: value }] }, append }
    })
    const snapshot = {
      task: { ...task("WORKING"), artifacts: [{ artifactId: "d", parts: [{ data: { n: 1 } }, { data: { n: 2 } }] }] }
    }
    const artifacts = decoded(
      { task: task("WORKING") },
      data({ n: 1 }, false),
      data({ n: 2 }, true),
      snapshot,
      snapshot
    )
      .flatMap((event) =>
        event._tag === "Artifact" ? [event.parts.map((part) => part._tag === "Data" && part.data)] : []
      )
    assert.deepStrictEqual(artifacts, [[{ n: 1 }], [{ n: 1 }, { n: 2 }]])
  })

  it("keeps the text of a question that repeats what was said", () => {
    const status = { ...saying("which?") }
    const events = decoded(
      statusUpdate("WORKING", status),
      statusUpdate("WORKING", status),
      statusUpdate("INPUT_REQUIRED", status)
    )
    assert.deepStrictEqual(events.map((event) => event._tag === "Status" && event.text), ["which?", "", "which?"])
  })
})

const Piece = Schema.Struct({
  artifact: Schema.Literals(["answer", "a", "b"]),
  text: Schema.Literals(["", "x", "yz", "x y"]),
  append: Schema.Boolean,
  /** Whether somebody asks how the task stands after it. */
  isAsked: Schema.Boolean
})

describe("a task of which nobody sees the same pieces", () => {
  it.prop(
    "has the same text for all, and a snapshot that says nothing new is no event",
    [Schema.Array(Piece)],
    ([pieces]) => {
      const artifacts = new Map<string, string>()
      const snapshot = (state: string) =>
        StreamResponse.fromJSON({
          task: {
            ...task(state),
            artifacts: Array.from(artifacts, ([artifactId, text]) => ({ artifactId, parts: [{ text }] }))
          }
        })
      const streamed = KnownTask.make()
      const polled = KnownTask.make()
      const mixed = KnownTask.make()
      const got = {
        streamed: [...streamed.read(snapshot("WORKING"))],
        polled: [...polled.readAnswer(snapshot("WORKING"))],
        mixed: [...mixed.read(snapshot("WORKING"))]
      }
      for (const { append, artifact, isAsked, text } of pieces) {
        artifacts.set(artifact, append ? (artifacts.get(artifact) ?? "") + text : text)
        const update = StreamResponse.fromJSON(artifactUpdate(text, append, artifact))
        got.streamed.push(...streamed.read(update))
        got.mixed.push(...mixed.read(isAsked ? snapshot("WORKING") : update))
        if (!isAsked) continue
        got.polled.push(...polled.readAnswer(snapshot("WORKING")))
        assert.deepStrictEqual(polled.readAnswer(snapshot("WORKING")), [])
      }
      got.streamed.push(...streamed.read(StreamResponse.fromJSON(statusUpdate("COMPLETED"))))
      got.polled.push(...polled.readAnswer(snapshot("COMPLETED")))
      got.mixed.push(...mixed.read(snapshot("COMPLETED")))
      const answer = [...artifacts.values()].join("")
      for (const events of Object.values(got)) {
        assert.strictEqual(textOf(events), answer)
        assert.strictEqual(events.at(-1)?._tag, "Ended")
      }
    },
    { arbitrary: { runs: 1000 } }
  )
})
