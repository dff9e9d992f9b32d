/** Our client against agents of ours; the ways of following others stand in FollowedAgent.test.ts. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { Ended, Status } from "../../src/a2a/TaskEvent.ts"
import { Failed } from "../../src/liveness/Failed.ts"
import { Delta, Finish } from "../../src/token/TokenEvent.ts"
import { agent, ask, hangs, said } from "../support/agents.ts"
import { beginStream, frame, hostileAgent } from "../support/hostileAgent.ts"

const followed = { _tag: "Followed", hop: "purple", mode: "stream", exact: true, why: "its card says that it streams" }
/** What the relay says of a task it has begun. */
const working = Status.make({ state: "working", text: "" })

describe("A2aClient", () => {
  it.live("gets the stream of the agent, event for event", () =>
    Effect.gen(function*() {
      const tokens = [
        Delta.make({ channel: "reasoning", text: "hm", tokens: 2 }),
        said("a"),
        Delta.make({ channel: "content", text: "", tokens: 3 }),
        Finish.make({ reason: "stop" })
      ]
      // Apart in time, so that nothing waits and is joined.
      const { url } = yield* agent(() =>
        Stream.fromIterable(tokens).pipe(Stream.mapEffect((token) => Effect.as(Effect.sleep(20), token)))
      )
      const { error, events } = yield* ask(url)
      assert.deepStrictEqual({ error, events }, {
        error: undefined,
        events: [followed, working, ...tokens, Ended.make({ state: "completed", text: "", error: null })]
      })
    }))

  it.live("asks for a stream without compression, because a compressor that is not flushed holds it back", () =>
    Effect.gen(function*() {
      const { requests, url } = yield* hostileAgent({
        stream: (response, request) => {
          beginStream(response)
          const message = { messageId: "m", contextId: "c", role: "ROLE_AGENT", parts: [{ text: "hi" }] }
          response.end(frame(request, { message }))
        }
      })
      yield* ask(url)
      const streams = requests.filter(({ headers }) => headers.accept === "text/event-stream")
      assert.isAbove(streams.length, 0)
      for (const { headers } of streams) assert.strictEqual(headers["accept-encoding"], "identity")
    }))

  it.live("gets the error of the hop that failed", () =>
    Effect.gen(function*() {
      const failed = new Failed({ hop: "engine", tokens: 1, reason: { _tag: "Truncated" } })
      const { url } = yield* agent(() => Stream.concat(Stream.make(said("a")), Stream.fail(failed)))
      const { error, events } = yield* ask(url)
      assert.instanceOf(error, Failed)
      assert.deepInclude(error, { hop: "engine", tokens: 1, reason: failed.reason })
      assert.deepStrictEqual(events as ReadonlyArray<unknown>, [
        followed,
        working,
        said("a"),
        Ended.make({ state: "failed", text: failed.message, error: failed })
      ])
    }))

  it.live("cancels the task when it is interrupted while the agent is silent", () =>
    Effect.gen(function*() {
      const { interrupted, url } = yield* hangs("1 hour")
      const fiber = yield* Effect.forkChild(ask(url))
      yield* Effect.sleep(200)
      yield* Fiber.interrupt(fiber)
      yield* Effect.timeout(interrupted, "1 second")
    }))
})
