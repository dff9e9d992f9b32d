/** An agent's task with a tap between the agent and its engine. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { Ended, Status, TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { Usage } from "../../src/token/TokenEvent.ts"
import { failureOf } from "../liveness/watching.ts"
import { stalled } from "../support/runErrors.ts"
import { beat, counted, done, followed, lost, refused, scenario, text, world } from "./followedWorld.ts"

describe("a followed task with a tap", () => {
  scenario(
    "is asked for once the tap is open, with the address of the battle there",
    Effect.gen(function*() {
      const { asked, battles, tap } = yield* world({ with: ["tap"] })
      assert.lengthOf(asked, 0)
      yield* tap(beat("agent-work"))
      assert.deepStrictEqual(asked.map(({ said }) => said), [
        { attempt: 2, patience: 3, engineBaseUrl: `http://tap/battle/${battles[0]}/v1` }
      ])
      const other = yield* world({ with: ["tap"] })
      assert.notStrictEqual(other.battles[0], battles[0])
    })
  )

  scenario(
    "has its tokens from the tap and its words from the agent, each once",
    Effect.gen(function*() {
      const { agent, agentEnds, seen, tap } = yield* world({ with: ["tap"] })
      yield* tap(beat("agent-work"))
      yield* agent(followed(false))
      yield* tap(counted(4), Status.make({ state: "working", text: "what only an agent says" }))
      yield* agent(text("all of it"), Usage.make({ promptTokens: 1, completionTokens: 9 }), done)
      yield* agentEnds
      assert.deepStrictEqual(seen, [
        TaskEvent.make({
          _tag: "Followed",
          hop: "purple",
          mode: "tap",
          exact: true,
          why: "its tokens are counted at the tap; its card says so"
        }),
        counted(4),
        text("all of it", 0),
        Usage.make({ promptTokens: 1, completionTokens: 9 }),
        done
      ])
    })
  )

  scenario(
    "counts at the tap even for an agent that tells everything, if that is forced",
    Effect.gen(function*() {
      const { agent, seen, tap } = yield* world({ with: ["tap"], mode: "tap" })
      yield* tap(beat("agent-work"))
      yield* agent(followed(true), text("a", 3))
      yield* tap(counted(3))
      assert.deepStrictEqual(seen.slice(1), [text("a", 0), counted(3)])
    })
  )

  scenario(
    "is slow while a call of its works, and given up where it has none and says nothing",
    Effect.gen(function*() {
      const working = yield* world({ with: ["tap"] })
      const idle = yield* world({ with: ["tap"] })
      const forced = yield* world({ with: ["tap"], mode: "tap" })
      for (const { agent, tap } of [working, idle, forced]) {
        yield* tap(beat("agent-work"))
        yield* agent(followed(false))
        yield* tap(counted(1))
      }
      for (let turn = 0; turn < 400; turn++) {
        yield* working.tap({ ...beat("decoding", "moving") })
        yield* idle.tap(beat("agent-work", "moving"))
        // What an agent that is counted at its tap says of itself is of no weight.
        yield* forced.agent(beat("decoding", "moving"))
        yield* TestClock.adjust("5 seconds")
      }
      assert.isUndefined(working.exit())
      assert.deepInclude(failureOf(idle.exit()), { _tag: "Stalled", hop: "purple" })
      assert.deepInclude(failureOf(forced.exit()), { _tag: "Stalled", hop: "purple" })
    })
  )

  scenario(
    "ends with what the tap gave up, also where the agent failed because of it",
    Effect.gen(function*() {
      const { agent, agentFails, exit, tap, tapFails } = yield* world({ with: ["tap"] })
      yield* tap(beat("agent-work"))
      yield* agent(followed(false))
      yield* agentFails(refused)
      yield* TestClock.adjust("900 millis")
      assert.isUndefined(exit())
      yield* tapFails(stalled("engine-hung"))
      assert.deepInclude(failureOf(exit()), { hop: "engine", kind: "engine-hung" })
      const alone = yield* world({ with: ["tap"] })
      yield* alone.tap(beat("agent-work"))
      yield* alone.agent(followed(false))
      yield* alone.agentFails(refused)
      yield* TestClock.adjust("1 second")
      assert.deepNestedInclude(failureOf(alone.exit()), { "reason.state": "failed" })
      const exact = yield* world({ with: ["tap"] })
      yield* exact.tap(beat("agent-work"))
      yield* exact.agent(followed(true))
      yield* exact.agentFails(refused)
      yield* TestClock.adjust(0)
      assert.deepNestedInclude(failureOf(exact.exit()), { "reason.state": "failed" })
    })
  )

  scenario(
    "goes on without a tap that is gone, and says so; a forced one must be there",
    Effect.gen(function*() {
      const { agent, exit, seen, tap, tapFails } = yield* world({ with: ["tap"] })
      yield* tap(beat("agent-work"))
      yield* agent(followed(false))
      yield* tap(counted(4))
      yield* tapFails(lost("it was killed"))
      yield* agent(text("b"))
      assert.isUndefined(exit())
      assert.deepStrictEqual(seen.slice(2), [
        TaskEvent.make({
          _tag: "Followed",
          hop: "purple",
          mode: "stream",
          exact: false,
          why: "the tap is gone (engine: connection lost: it was killed); its card says so"
        }),
        text("b")
      ])
      const absent = yield* world({ with: ["tap"] })
      yield* absent.tapFails(lost("nobody there"))
      assert.lengthOf(absent.asked, 1)
      yield* absent.agent(followed(false), text("a"))
      assert.deepInclude(absent.seen[0], { mode: "stream", exact: false })
      assert.deepStrictEqual(absent.seen[1], text("a"))
      const forced = yield* world({ with: ["tap"], mode: "tap" })
      yield* forced.tapFails(lost("nobody there"))
      assert.lengthOf(forced.asked, 0)
      assert.deepNestedInclude(failureOf(forced.exit()), { hop: "engine", "reason._tag": "ConnectionLost" })
      const later = yield* world({ with: ["tap"], mode: "tap" })
      yield* later.tap(beat("agent-work"))
      yield* later.agent(followed(false))
      yield* later.tapFails(lost("it was killed"))
      assert.isUndefined(later.exit())
    })
  )

  scenario(
    "goes on where somebody else has closed its battle at the tap",
    Effect.gen(function*() {
      const { agent, exit, seen, tap } = yield* world({ with: ["tap"] })
      yield* tap(beat("agent-work"))
      yield* agent(followed(false))
      yield* tap(Ended.make({ state: "canceled", text: "it was closed by request", error: null }))
      yield* agent(text("a"))
      assert.isUndefined(exit())
      assert.deepInclude(seen[1], {
        mode: "stream",
        why: "the tap is gone (it was closed by request); its card says so"
      })
      assert.deepStrictEqual(seen[2], text("a"))
    })
  )

  scenario(
    "is not ended by a tap where nothing is to be ended",
    Effect.gen(function*() {
      const { agent, exit, tap, tapFails } = yield* world({ with: ["tap"], policy: "warn" })
      yield* tap(beat("agent-work"))
      yield* agent(followed(false))
      yield* tapFails(stalled("engine-hung"))
      yield* agent(text("a"))
      assert.isUndefined(exit())
    })
  )
})
