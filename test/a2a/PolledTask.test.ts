/** A task that is polled, or that answers only at its end: what is asked, what is told, and what is taken for life. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { AgentFault } from "../../src/a2a/AgentFault.ts"
import { STATUS_RENEWED } from "../../src/a2a/KnownTask.ts"
import {
  at,
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
  task,
  textOf,
  unsupported,
  type VirtualAgent,
  working
} from "./virtualAgent.ts"

describe("a task that is polled", () => {
  it.effect("gives what is new in each snapshot, and its end", () =>
    Effect.gen(function*() {
      const meeting = yield* meet({
        ...begins,
        task: inTurn(working("one"), working("one"), working("one two"), completed("one two"))
      })
      yield* pass(5)
      assert.deepStrictEqual(meeting.events.map((event) => event._tag), [
        "Followed",
        "Status",
        "Delta",
        "Status",
        "Delta",
        "Ended"
      ])
      assert.deepInclude(meeting.events[0], { mode: "poll", exact: false, hop: "purple" })
      assert.deepInclude(meeting.events[4], { text: " two", tokens: 1 })
      assert.deepStrictEqual([meeting.ended()?.error, meeting.cancelled, meeting.sent], [undefined, [], [false]])
    }))

  it.effect("is asked often while something changes and rarely while nothing does, one question at a time", () =>
    Effect.gen(function*() {
      const meeting = yield* meet({
        ...begins,
        task: (nth) => working(nth < 10 ? "x".repeat(nth + 1) : "x".repeat(10))
      })
      yield* pass(30)
      const waits = meeting.askedAt.slice(1).map((at, index) => at - meeting.askedAt[index]!)
      assert.deepStrictEqual(new Set(waits.slice(0, 9)), new Set([250]))
      assert.isAbove(waits[11]!, 250)
      assert.isAtLeast(waits.at(-1)!, 2000)
      assert.isAtMost(waits.at(-1)!, 2250)
      yield* meeting.giveUp
      assert.deepStrictEqual(meeting.cancelled, ["t"])
    }))

  it.effect("is asked again where a question hangs, and fails of nothing but its silence", () =>
    Effect.gen(function*() {
      let open = 0
      const hung = Effect.never.pipe(
        Effect.onInterrupt(() => Effect.sync(() => open--)),
        (effect) => Effect.suspend(() => (open++, effect))
      )
      const meeting = yield* meet({ ...begins, task: inTurn(working("a"), hung, hung, hung, completed("a b")) })
      yield* pass(20)
      assert.isAtMost(open, 1)
      assert.isUndefined(meeting.ended())
      yield* pass(30)
      assert.strictEqual(textOf(meeting.events), "a b")
      assert.deepInclude(meeting.ended(), { error: undefined })
      assert.strictEqual(open, 0)

      const mute = yield* meet({ ...begins, task: inTurn(working("a"), hung) })
      yield* pass(1000, 2000)
      assert.deepInclude(mute.ended()?.error, { _tag: "Stalled", kind: "agent-silent", hop: "purple" })
      assert.deepStrictEqual(mute.cancelled, ["t"])
      assert.strictEqual(open, 0)
    }))

  it.effect("is lost with its agent, after as many tries as a stream has, and not before", () =>
    Effect.gen(function*() {
      const dies = yield* meet({ ...begins, task: inTurn(working("a"), Effect.fail(refused)) })
      yield* pass(2)
      assert.isUndefined(dies.ended())
      yield* pass(4)
      assert.deepInclude(reasonOf(dies), { _tag: "ConnectionLost", detail: "connect ECONNREFUSED 127.0.0.1:9" })
      assert.deepInclude(dies.ended()?.error, { tokens: 1 })
      assert.lengthOf(dies.askedAt, 5)

      const stumbles = yield* meet({
        ...begins,
        task: (nth) => nth % 4 === 3 ? working("x".repeat(nth)) : nth > 20 ? completed("done") : Effect.fail(cut)
      })
      yield* pass(30)
      assert.deepInclude(stumbles.ended(), { error: undefined })
      assert.strictEqual(textOf(stumbles.events), "done")
    }))

  it.effect("is asked more rarely if its agent wants that, and not given up", () =>
    Effect.gen(function*() {
      const busy = new AgentFault({
        reason: { _tag: "RateLimited", status: 429, retryAfterMillis: 7000, detail: "slow down" }
      })
      const meeting = yield* meet({ ...begins, task: (nth) => nth < 6 ? Effect.fail(busy) : completed("a") })
      yield* pass(50)
      assert.deepInclude(meeting.ended(), { error: undefined })
      assert.isAtLeast(meeting.askedAt[2]! - meeting.askedAt[1]!, 7000)
    }))

  /** A task whose status gets another time every three seconds, or with every question. */
  const renewed = (by: "itself" | "asking", more: Record<string, unknown> = {}) => (nth: number) =>
    Effect.map(
      Clock.currentTimeMillis,
      (millis) => task("WORKING", [], { ...more, ...at(by === "asking" ? nth : Math.floor(millis / 3000)) })
    )

  it.effect("is told to be at work by the time of its status alone, without a word that could be taken for an answer", () =>
    Effect.gen(function*() {
      const mute = yield* meet({ ...begins, task: renewed("itself") })
      yield* pass(2000, 2000)
      assert.isUndefined(mute.ended())
      assert.include(mute.events.map((event) => event._tag === "Status" ? event.text : ""), STATUS_RENEWED)
      yield* mute.giveUp

      const says = yield* meet({ ...begins, task: renewed("itself", saying("42")) })
      yield* pass(60, 2000)
      const texts = says.events.flatMap((event) => event._tag === "Status" ? [event.text] : [])
      assert.deepStrictEqual(new Set(texts), new Set(["", "42"]))
      yield* says.giveUp
    }))

  it.effect("is believed the time of its status also where it is often renewed", () =>
    Effect.gen(function*() {
      const often = (millis: number) => at(Math.floor(millis / 200))
      const meeting = yield* meet({
        ...begins,
        task: () => Effect.map(Clock.currentTimeMillis, (millis) => task("WORKING", [], often(millis)))
      })
      yield* pass(10, 50)
      yield* pass(2000, 2000)
      assert.isUndefined(meeting.ended())
      yield* meeting.giveUp
    }))

  it.effect("is not taken to be at work by an agent that tells the present time, and stalled in its time", () =>
    Effect.gen(function*() {
      for (const more of [{}, saying("at work")]) {
        const meeting = yield* meet({ ...begins, task: renewed("asking", more) })
        yield* pass(10, 50)
        yield* pass(1000, 2000)
        assert.deepInclude(meeting.ended()?.error, { _tag: "Stalled", kind: "agent-silent" })
        assert.closeTo(meeting.ended()!.second, 915, 25)
      }
    }))

  it.effect("is stalled where nothing changes, whatever it has said, and in its time", () =>
    Effect.gen(function*() {
      const same = yield* meet({
        ...begins,
        task: () => Effect.succeed(task("WORKING", ["text"], { ...saying("at work"), ...at(1) }))
      })
      yield* pass(1000, 2000)
      assert.deepInclude(same.ended()?.error, { _tag: "Stalled", kind: "agent-silent" })
      assert.closeTo(same.ended()!.second, 915, 20)
      assert.deepStrictEqual(
        same.events.filter((event) => event._tag !== "Heartbeat").map((event) => event._tag),
        ["Followed", "Status", "Delta", "Status"]
      )
      assert.deepStrictEqual(same.cancelled, ["t"])
    }))

  it.effect("ends with its question, as a stream would", () =>
    Effect.gen(function*() {
      for (const state of ["INPUT_REQUIRED", "AUTH_REQUIRED"]) {
        const asks = yield* meet({
          ...begins,
          task: inTurn(working(), Effect.succeed(task(state, [], saying("which?"))))
        })
        yield* pass(2)
        assert.deepInclude(reasonOf(asks), { _tag: "AgentFailed", detail: "which?" })
        assert.deepStrictEqual(asks.cancelled, ["t"])
        const mute = yield* meet({
          send: () => Effect.succeed({ task: task("WORKING", [], at(1)) }),
          task: () => Effect.succeed(task(state, [], at(2)))
        })
        yield* pass(1)
        const soon = yield* meet({ send: () => Effect.succeed({ task: task(state) }) })
        yield* pass(1)
        assert.deepInclude(reasonOf(soon), { _tag: "AgentFailed", detail: "it waits for an answer" })
        assert.deepStrictEqual(soon.askedAt, [])
        assert.deepInclude(reasonOf(mute), { _tag: "AgentFailed", detail: "it waits for an answer" })
      }
    }))

  it.effect("fails with what it ended in", () =>
    Effect.gen(function*() {
      const fails = yield* meet({ ...begins, task: () => Effect.succeed(task("FAILED", [], saying("no luck"))) })
      yield* pass(1)
      assert.deepInclude(reasonOf(fails), { _tag: "AgentFailed", state: "failed", detail: "no luck" })
      assert.deepStrictEqual(fails.cancelled, [])
    }))

  it.effect("is refused and cancelled where the agent does not say how it stands", () =>
    Effect.gen(function*() {
      const noRoute = new AgentFault({ reason: { _tag: "Rejected", status: 404, detail: "no such page" } })
      for (const [error, seconds] of [[unsupported, 1], [noRoute, 1], [notFound, 5]] as const) {
        const refuses = yield* meet({ ...begins, task: () => Effect.fail(error) })
        yield* pass(seconds)
        assert.strictEqual(reasonOf(refuses)?._tag, "Unsupported")
        assert.match(reasonOf(refuses)?.detail, /"virtual" at http:\/\/purple\/ began a task .*mode blocking would do/)
        assert.deepStrictEqual(refuses.cancelled, ["t"])
      }
      // It did know it before.
      const forgets = yield* meet({ ...begins, task: inTurn(working("a"), Effect.fail(notFound)) })
      yield* pass(1)
      assert.deepInclude(reasonOf(forgets), { _tag: "MidStreamError", detail: "Task not found" })
    }))
})

describe("an agent that answers only at its end", () => {
  const waits = (seconds: number, answer: object): VirtualAgent => ({
    send: () => Effect.delay(Effect.succeed(answer), `${seconds} seconds`)
  })
  const message = { message: { messageId: "m", role: "ROLE_AGENT", parts: [{ text: "forty-two" }] } }

  it.effect("is noticed after a while, and awaited by the same request for as long as it takes", () =>
    Effect.gen(function*() {
      const meeting = yield* meet(waits(1500, { task: task("COMPLETED", ["forty-two"]) }))
      yield* pass(9)
      assert.deepStrictEqual(modesOf(meeting.events), ["poll"])
      yield* pass(2)
      assert.deepStrictEqual(modesOf(meeting.events), ["poll", "blocking"])
      yield* pass(1495, 5000)
      assert.deepInclude(meeting.ended(), { error: undefined })
      assert.strictEqual(textOf(meeting.events), "forty-two")
      assert.deepStrictEqual([meeting.sent, meeting.askedAt, meeting.cancelled], [[false], [], []])
    }))

  it.effect("is given up by the limit for a first token, and its connection closed, though no id of its task is known", () =>
    Effect.gen(function*() {
      const meeting = yield* meet({ send: () => Effect.never })
      yield* pass(1700, 5000)
      assert.isUndefined(meeting.ended())
      assert.strictEqual(meeting.aborted(), 0)
      yield* pass(200, 5000)
      assert.deepInclude(meeting.ended()?.error, { _tag: "Stalled", kind: "agent-silent" })
      assert.deepStrictEqual([meeting.aborted(), meeting.cancelled], [1, []])
    }))

  it.effect("is recorded as what it was if it was quick, and whatever it answered with", () =>
    Effect.gen(function*() {
      for (const answer of [message, { task: task("COMPLETED", ["forty-two"]) }]) {
        const meeting = yield* meet(waits(2, answer))
        yield* pass(3)
        assert.deepStrictEqual(modesOf(meeting.events), ["poll", "blocking"])
        assert.deepInclude(meeting.events.findLast((event) => event._tag === "Followed"), {
          why: "its first answer, after 2 s, was its end"
        })
        assert.strictEqual(textOf(meeting.events), "forty-two")
        assert.deepInclude(meeting.ended(), { error: undefined })
      }
    }))

  it.effect("is polled where its late answer is a task that goes on", () =>
    Effect.gen(function*() {
      const meeting = yield* meet({ ...waits(15, { task: task("WORKING") }), task: () => completed("ok") })
      yield* pass(20)
      assert.deepStrictEqual(modesOf(meeting.events), ["poll", "blocking", "poll"])
      assert.strictEqual(textOf(meeting.events), "ok")
    }))

  it.effect("is asked to be awaited where it refuses not to be", () =>
    Effect.gen(function*() {
      const agent: VirtualAgent = {
        send: (awaited) => awaited ? Effect.delay(Effect.succeed(message), "40 seconds") : Effect.fail(unsupported)
      }
      const meeting = yield* meet(agent)
      yield* pass(60)
      assert.deepStrictEqual(modesOf(meeting.events), ["poll", "blocking"])
      assert.deepStrictEqual(meeting.sent, [false, true])
      assert.strictEqual(textOf(meeting.events), "forty-two")
      const forced = yield* meet(agent, "poll")
      yield* pass(1)
      assert.match(reasonOf(forced)?.detail, /refuses a message that asks not to be awaited.*not here; mode blocking/)
    }))
})
