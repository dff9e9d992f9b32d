/** Modes that are forced, and a stream that is polled on: when, and when not. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { malformed } from "../../src/a2a/AgentFault.ts"
import { TOKEN_EXTENSION_URI } from "../../src/a2a/TokenExtension.ts"
import {
  begins,
  completed,
  cut,
  inTurn,
  meet,
  modesOf,
  notFound,
  pass,
  reasonOf,
  refused,
  saying,
  statusUpdate,
  task,
  textOf,
  unsupported,
  type VirtualAgent,
  working
} from "./virtualAgent.ts"

describe("a forced mode", () => {
  const slow: VirtualAgent = { send: () => Effect.never, streams: false }

  it.effect("that the agent cannot do is refused, with what would do", () =>
    Effect.gen(function*() {
      const stream = yield* meet({ ...begins, streams: false }, "stream")
      yield* pass(1)
      assert.deepStrictEqual([reasonOf(stream)?._tag, stream.sent, stream.events], ["Unsupported", [], []])
      assert.match(reasonOf(stream)?.detail, /does not stream.*mode poll or mode blocking would do/)

      const poll = yield* meet(slow, "poll")
      yield* pass(9)
      assert.isUndefined(poll.ended())
      yield* pass(2)
      assert.match(reasonOf(poll)?.detail, /did not answer within 10 s.*; mode blocking would do/)
      assert.strictEqual(poll.aborted(), 1)
      const streaming = yield* meet({ ...slow, streams: true }, "poll")
      yield* pass(11)
      assert.match(reasonOf(streaming)?.detail, /; mode stream or mode blocking would do/)

      const blocking = yield* meet(begins, "blocking")
      yield* pass(1)
      assert.match(reasonOf(blocking)?.detail, /does not wait for the end of its task.*mode poll would do/)
      assert.deepStrictEqual(blocking.cancelled, ["t"])
    }))

  it.effect("is what happens, also on an agent that streams", () =>
    Effect.gen(function*() {
      const poll = yield* meet({ ...begins, streams: true, task: () => completed("ok") }, "poll")
      const blocking = yield* meet(
        { streams: true, send: () => Effect.succeed({ task: task("COMPLETED", ["ok"]) }) },
        "blocking"
      )
      yield* pass(1)
      assert.deepStrictEqual([modesOf(poll.events), poll.sent], [["poll"], [false]])
      assert.deepStrictEqual([modesOf(blocking.events), blocking.sent], [["blocking"], [true]])
      assert.deepStrictEqual([textOf(poll.events), textOf(blocking.events)], ["ok", "ok"])
    }))
})

describe("a stream that is lost", () => {
  const streams = (...events: ReadonlyArray<object>): Stream.Stream<object, unknown> =>
    Stream.concat(Stream.fromIterable([{ task: task("WORKING") }, ...events]), Stream.fail(cut))
  const token = {
    artifactUpdate: { taskId: "t", artifact: { artifactId: "a0", parts: [{ text: "one" }] }, append: true }
  }
  const subscriptions: ReadonlyArray<readonly [string, Stream.Stream<object, unknown>, "answers" | "breaks"]> = [
    ["is not known", Stream.fail(unsupported), "answers"],
    ["has no snapshot", Stream.make(token), "answers"],
    ["brings nothing new", streams(), "breaks"],
    ["brings nothing but its state again", streams(statusUpdate("WORKING")), "breaks"],
    ["has no connection", Stream.fail(refused), "breaks"]
  ]
  for (const [name, subscribe, subscribed] of subscriptions) {
    it.effect(`is polled on where its subscription ${name}`, () =>
      Effect.gen(function*() {
        const agent: VirtualAgent = { stream: streams(token), subscribe }
        const meeting = yield* meet({
          ...agent,
          task: inTurn(working("one"), working("one two"), completed("one two three"))
        })
        yield* pass(6)
        assert.deepStrictEqual(modesOf(meeting.events), ["stream", "poll"])
        assert.deepInclude(meeting.events.findLast((event) => event._tag === "Followed"), {
          why: "its stream broke and could not be resumed"
        })
        assert.strictEqual(textOf(meeting.events), "one two three")
        assert.deepInclude(meeting.ended(), { error: undefined })

        for (const error of [notFound, unsupported, refused]) {
          const fails = yield* meet({ ...agent, task: () => Effect.fail(error) })
          yield* pass(6)
          assert.deepInclude(reasonOf(fails), { _tag: "ConnectionLost", detail: "other side closed (UND_ERR_SOCKET)" })
          assert.deepStrictEqual([modesOf(fails.events), fails.cancelled], [["stream"], ["t"]])
          // An agent that could not be reached several times is asked once; one that answered otherwise, more often.
          if (error === refused) assert.lengthOf(fails.askedAt, subscribed === "answers" ? 4 : 1)
        }
      }))
  }

  it.effect("is not called polled where only its end was missed", () =>
    Effect.gen(function*() {
      const meeting = yield* meet({ stream: streams(token), task: () => completed("one two") })
      yield* pass(1)
      assert.deepStrictEqual([modesOf(meeting.events), textOf(meeting.events)], [["stream"], "one two"])
    }))

  it.effect("is not polled after an answer that cannot be read", () =>
    Effect.gen(function*() {
      const meeting = yield* meet({
        stream: streams(token),
        subscribe: Stream.fail(malformed("event 1 is not JSON")),
        task: () => completed("x")
      })
      yield* pass(1)
      assert.deepInclude(reasonOf(meeting), { _tag: "Malformed", detail: "event 1 is not JSON" })
      assert.deepStrictEqual(meeting.askedAt, [])
    }))

  it.effect("is not polled after an answer that means something", () =>
    Effect.gen(function*() {
      const asks = yield* meet({
        stream: Stream.make<Array<object>>({ task: task("WORKING") }, statusUpdate("INPUT_REQUIRED", saying("which?"))),
        task: () => completed("x")
      })
      const errs = yield* meet({
        stream: Stream.concat(Stream.make({ task: task("WORKING") }), Stream.fail(notFound)),
        task: () => completed("x")
      })
      yield* pass(5)
      assert.deepInclude(reasonOf(asks), { _tag: "AgentFailed", detail: "which?" })
      assert.strictEqual(reasonOf(errs)?._tag, "MidStreamError")
      assert.deepStrictEqual([asks.askedAt, errs.askedAt], [[], []])
    }))

  it.effect("was none where the agent refuses to stream, and has begun nothing", () =>
    Effect.gen(function*() {
      const liar: VirtualAgent = {
        ...begins,
        streams: true,
        stream: Stream.fail(unsupported),
        task: () => completed("ok")
      }
      const meeting = yield* meet(liar)
      const forced = yield* meet(liar, "stream")
      yield* pass(1)
      assert.deepStrictEqual([modesOf(meeting.events), textOf(meeting.events)], [["stream", "poll"], "ok"])
      assert.match(
        reasonOf(forced)?.detail,
        /refuses to stream, though its card says that it does: not here; mode poll/
      )
    }))
})

describe("whether tokens are told one for one", () => {
  const token = (extension: object) => ({
    artifactUpdate: {
      taskId: "t",
      artifact: { artifactId: "answer", parts: [{ text: "one" }] },
      append: true,
      metadata: { [TOKEN_EXTENSION_URI]: extension }
    }
  })
  const told = { _tag: "Delta", channel: "content", tokens: 4, generation: 1 }
  const exactOf = (exact: boolean, extension: object) =>
    Effect.gen(function*() {
      const meeting = yield* meet({
        exact,
        stream: Stream.make<Array<object>>({ task: task("WORKING") }, token(extension), statusUpdate("COMPLETED"))
      })
      yield* pass(1)
      assert.deepInclude(meeting.ended(), { error: undefined })
      return meeting.events.flatMap((event): ReadonlyArray<unknown> =>
        event._tag === "Followed" ? [[event.mode, event.exact]] : event._tag === "Delta" ? [event.tokens] : []
      )
    })

  it.effect("is what the card says, until the events say something else, which is told before them", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* exactOf(true, told), [["stream", true], 4])
      assert.deepStrictEqual(yield* exactOf(false, {}), [["stream", false], 1])
      assert.deepStrictEqual(yield* exactOf(false, told), [["stream", false], ["stream", true], 4])
      assert.deepStrictEqual(yield* exactOf(true, {}), [["stream", true], ["stream", false], 1])
    }))
})
