/** What is kept of a call until the watch asks, and what is remembered of how an engine takes a request. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { Failed, type FailReason } from "../../src/liveness/Failed.ts"
import { CallFeed } from "../../src/tap/CallFeed.ts"
import { StreamedForms } from "../../src/tap/StreamedForms.ts"

const open = () => {
  const due = new Set<() => void>()
  return { due, feed: new CallFeed({ add: (tell) => void due.add(tell) }) }
}

const frame = { _tag: "Frame", tokens: 0, text: false, usage: null, channel: null, finishReason: null } as const
const counted = { tokens: 0, text: false, channel: null, usage: null, finishReason: null } as const
const truncated: FailReason = { _tag: "Truncated" }

/** How it ends. */
const endOf = (feed: CallFeed) =>
  Effect.map(Effect.exit(Effect.forever(feed.pull)), (exit) => {
    const error = Exit.isFailure(exit) ? exit.cause.reasons.find(Cause.isFailReason)?.error : undefined
    return error instanceof Failed ? error.reason._tag : Cause.isDone(error) ? "Done" : "?"
  })

describe("CallFeed", () => {
  it.effect("adds up what comes until it is asked", () =>
    Effect.gen(function*() {
      const { feed } = open()
      feed.transport()
      feed.headers()
      feed.received(2, "reasoning")
      feed.counted({ ...counted, tokens: 3, text: true, channel: "content", usage: 5 })
      assert.deepStrictEqual(yield* feed.pull, [
        { _tag: "Headers" },
        { ...frame, tokens: 5, text: true, channel: "content", usage: 5 }
      ])
      feed.transport()
      assert.deepStrictEqual(yield* feed.pull, [{ _tag: "TransportOnly" }])
      assert.strictEqual(feed.tokens, 5)
    }))

  it.effect("hands on the first token at once, the next ones with the pulse, and the end at once", () =>
    Effect.gen(function*() {
      const { due, feed } = open()
      const ask = () => Effect.forkChild(feed.pull, { startImmediately: true })
      const first = yield* ask()
      feed.received(1, "content")
      assert.deepInclude((yield* Fiber.join(first))[0], { tokens: 1 })
      const next = yield* ask()
      feed.received(1, "content")
      feed.received(1, "content")
      assert.isUndefined(next.pollUnsafe())
      for (const tell of due) tell()
      assert.deepInclude((yield* Fiber.join(next))[0], { tokens: 2 })
      // Nothing is left for a pulse that comes once more.
      const last = yield* Effect.forkChild(endOf(feed), { startImmediately: true })
      for (const tell of due) tell()
      feed.fail(truncated)
      assert.strictEqual(yield* Fiber.join(last), "Truncated")
    }))

  it.effect("cannot fail behind its finish, and ends in the error that the finish told", () =>
    Effect.gen(function*() {
      const ends: Array<string> = []
      for (const finishReason of ["stop", "abort", "error"]) {
        const { feed } = open()
        feed.counted({ ...counted, finishReason })
        assert.strictEqual(feed.isComplete, finishReason === "stop")
        feed.fail(truncated)
        feed.done()
        ends.push(yield* endOf(feed))
      }
      assert.deepStrictEqual(ends, ["Done", "AbortedByServer", "FinishError"])
      const { feed } = open()
      feed.fail(truncated)
      feed.done()
      assert.strictEqual(yield* endOf(feed), "Truncated")
      assert.match(feed.failure ?? "", /without a finish reason/)
    }))
})

describe("StreamedForms", () => {
  it("gives up a model after refusals in a row, or one answer without usage", () => {
    const forms = new StreamedForms()
    for (const outcome of ["refused", "refused", "taken", "refused", "refused"] as const) forms.learn("m", outcome)
    assert.isTrue(forms.mayAsk("m"))
    forms.learn("m", "refused")
    assert.isFalse(forms.mayAsk("m"))
    forms.learn("n", "without usage")
    assert.isFalse(forms.mayAsk("n"))
    assert.isTrue(forms.mayAsk("o"))
  })
})
